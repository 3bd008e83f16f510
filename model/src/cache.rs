//! Keys and values that are kept, on the device, and the new tokens that they are extended with.

use burn::tensor::{Device, FloatDType, Int, Tensor};
use glpft_checkpoints::ModelConfig;

use crate::kernels::{AttentionShape, CacheRuns, cached_attention};
use crate::rotary::Angles;

/// New tokens on the device.
#[derive(Debug)]
pub(crate) struct Pass {
    pub tokens: Tensor<1, Int>,
    /// The angles of each of the model's rotary embeddings.
    pub angles: Vec<Angles>,
    /// Where they and what they follow lie in the cache.
    pub runs: CacheRuns,
}

/// Of one layer; both `[slots, kv_heads * head_dim]`.
#[derive(Debug)]
pub(crate) struct LayerCache {
    keys: Tensor<2>,
    values: Tensor<2>,
}

impl LayerCache {
    /// See [`cached_attention`].
    pub fn attend(
        &mut self,
        query: Tensor<2>,
        key: Tensor<2>,
        value: Tensor<2>,
        runs: &CacheRuns,
        shape: AttentionShape,
    ) -> Tensor<2> {
        let [keys, values] = self.take();
        let (output, keys, values) = cached_attention(query, key, value, keys, values, runs, shape);
        *self = Self { keys, values };
        output
    }

    /// The tensors, nobody else holding them: they can be changed in place.
    fn take(&mut self) -> [Tensor<2>; 2] {
        let nothing = Tensor::empty([0; 2], &self.keys.device());
        [
            std::mem::replace(&mut self.keys, nothing.clone()),
            std::mem::replace(&mut self.values, nothing),
        ]
    }
}

/// Of all layers.
#[derive(Debug)]
pub(crate) struct Cache {
    pub layers: Vec<LayerCache>,
    width: usize,
    dtype: FloatDType,
    device: Device,
}

impl Cache {
    /// Without room for anything.
    pub fn new(config: &ModelConfig, device: &Device, dtype: FloatDType) -> Self {
        let width = config.kv_heads * config.head_dim;
        let zeros = || Tensor::zeros([0, width], (device, dtype.into()));
        Self {
            layers: (0..config.layers)
                .map(|_| LayerCache {
                    keys: zeros(),
                    values: zeros(),
                })
                .collect(),
            width,
            dtype,
            device: device.clone(),
        }
    }

    /// What a token takes, in bytes.
    pub fn token_bytes(&self) -> usize {
        2 * self.layers.len() * self.width * burn::tensor::DType::from(self.dtype).size()
    }

    /// Makes room for `slots` tokens; what is there stays where it is.
    pub fn grow(&mut self, slots: usize) {
        for layer in &mut self.layers {
            let [keys, values] = layer.take().map(|old| {
                let [had, width] = old.dims();
                let room = Tensor::zeros([slots, width], (&self.device, self.dtype.into()));
                match had {
                    0 => room,
                    _ => room.slice_assign([0..had, 0..width], old),
                }
            });
            *layer = LayerCache { keys, values };
        }
    }
}
