//! What branches grow from, computed once and outside any graph.
//!
//! An adapter that wakes acts on its role's own text (activated LoRA, arXiv 2504.12397): keys and values of what stands
//! before are the base model's, the same for the adapters of all roles, and no gradient reaches them.

use std::sync::Arc;

use glpft_data::{Batch, Trunk};

use crate::decoder::Decoder;
use crate::error::ModelError;
use crate::inputs::{Inputs, ints};
use crate::trunk_states::{Growing, TrunkStates};

/// The states of the trunk that was asked for last: batches that grow from one trunk come one after the other.
#[derive(Debug, Default)]
pub struct LastTrunk(Option<(Arc<Trunk>, Arc<TrunkStates>)>);

impl LastTrunk {
    /// The states of the trunk that the batch grows from; none where it grows from none.
    ///
    /// # Errors
    /// As [`Decoder::trunk_states`].
    pub fn states(
        &mut self,
        model: &Decoder,
        batch: &Batch,
    ) -> Result<Option<Arc<TrunkStates>>, ModelError> {
        let trunk = batch.branches.as_ref().map(|branches| &branches.trunk);
        let Some(trunk) = trunk.filter(|trunk| !trunk.is_empty()) else {
            return Ok(None);
        };
        // Gone before others are made: two trunks never take memory at once.
        let (trunk, states) = match self.0.take() {
            Some((last, states)) if Arc::ptr_eq(&last, trunk) => (last, states),
            _ => (Arc::clone(trunk), Arc::new(model.trunk_states(trunk)?)),
        };
        self.0 = Some((trunk, Arc::clone(&states)));
        Ok(Some(states))
    }
}

impl Decoder {
    /// The same weights without adapters, nothing trained: what a trunk is computed by.
    pub fn base(&self) -> Self {
        let mut base = self.frozen();
        for layer in &mut base.layers {
            for linear in layer.projections() {
                linear.adapter = None;
            }
        }
        base
    }

    /// Whether it has an adapter.
    pub(crate) fn is_adapted(&self) -> bool {
        let mut layers = self.layers.clone();
        let mut linears = layers.iter_mut().flat_map(|layer| layer.projections());
        linears.any(|linear| linear.adapter.is_some())
    }

    /// Keys and values of a trunk, as the model has them without its adapters. Of the last layer nothing else is computed.
    ///
    /// # Errors
    /// A token outside the vocabulary; a model whose layers have windows, which are not for trunks.
    pub fn trunk_states(&self, trunk: &Trunk) -> Result<TrunkStates, ModelError> {
        if let Some(window) = self.config().narrowest_window() {
            return Err(ModelError::WindowOnTrunk { window });
        }
        let base = self.base();
        let batch = Batch {
            tokens: trunk.tokens.clone(),
            positions: trunk.positions.clone(),
            subtree_end: trunk.subtree_end.clone(),
            ..Batch::default()
        };
        let inputs = Inputs::new(&batch, self.config(), self.device(), self.dtype())?;
        let mut x = base.embedded(&inputs);
        let mut layers = Vec::with_capacity(base.layers.len());
        for (number, layer) in base.layers.iter().enumerate() {
            layers.push(layer.keys_and_values(&x, &inputs));
            if number + 1 < base.layers.len() {
                x = base.layer(number, x, &inputs, None);
            }
        }
        Ok(TrunkStates {
            layers,
            subtree_end: inputs.subtree_end,
        })
    }

    /// A batch on the model's device. Where it grows from a trunk, that is computed, unless its `states` are at hand.
    ///
    /// # Errors
    /// A token outside the vocabulary.
    pub fn inputs(
        &self,
        batch: &Batch,
        states: Option<&Arc<TrunkStates>>,
    ) -> Result<Inputs, ModelError> {
        let mut inputs = Inputs::new(batch, self.config(), self.device(), self.dtype())?;
        if let Some(branches) = &batch.branches
            && !branches.trunk.is_empty()
        {
            let states = match states {
                Some(states) => Arc::clone(states),
                None => Arc::new(self.trunk_states(&branches.trunk)?),
            };
            inputs.trunk = Some(Growing {
                states,
                reach: ints(&branches.reach, self.device()),
                layer: 0,
            });
        }
        Ok(inputs)
    }
}
