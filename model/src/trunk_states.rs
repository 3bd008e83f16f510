//! What branches grow from, of every layer.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use crate::kernels::TrunkKeys;

/// Keys and values of a trunk, of every layer.
#[derive(Clone, Debug)]
pub struct TrunkStates {
    /// Of each layer, `[trunk, kv_heads * head_dim]` each.
    pub(crate) layers: Vec<(Tensor<2>, Tensor<2>)>,
    pub(crate) subtree_end: Tensor<1, Int>,
}

/// Where the tokens of a batch grow from.
#[derive(Clone, Debug)]
pub struct Growing {
    pub(crate) states: Arc<TrunkStates>,
    pub(crate) reach: Tensor<1, Int>,
    /// The layer whose keys and values are asked for.
    pub(crate) layer: usize,
}

impl Growing {
    /// The keys and values of the layer.
    pub(crate) fn keys(&self) -> TrunkKeys {
        let (key, value) = self.states.layers[self.layer].clone();
        TrunkKeys {
            key,
            value,
            subtree_end: self.states.subtree_end.clone(),
            reach: self.reach.clone(),
        }
    }

    /// The same of another layer.
    pub(crate) fn at(&self, layer: usize) -> Self {
        Self {
            layer,
            ..self.clone()
        }
    }
}
