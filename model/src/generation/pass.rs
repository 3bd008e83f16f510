//! One pass over new tokens.

use burn::tensor::{Device, FloatDType};
use glpft_checkpoints::ModelConfig;
use glpft_recipes::Precision;

use super::slots::SlotList;
use crate::cache::{Cache, Pass};
use crate::decoder::Decoder;
use crate::error::ModelError;
use crate::inputs::ints;
use crate::kernels::{CacheRun, CacheRuns, ProjectionInput, projection};
use crate::rotary::Angles;

/// New tokens as they are collected.
#[derive(Debug, Default)]
pub(crate) struct NewTokens {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    runs: Vec<CacheRun>,
}

impl NewTokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Adds the tokens of a sequence from position `from` on; `slots` are the rows of all its tokens in the cache.
    pub fn add(&mut self, tokens: &[u32], from: usize, slots: &SlotList) {
        let mut position = from;
        for slots_of_run in slots.part(from, from + tokens.len()).ranges() {
            let row = self.tokens.len() + position - from;
            self.runs.push(CacheRun {
                rows: row..row + slots_of_run.len(),
                slot: slots_of_run.start,
                context: slots.part(0, position).ranges().to_vec(),
            });
            position += slots_of_run.len();
        }
        self.tokens.extend_from_slice(tokens);
        let positions = (from..from + tokens.len()).map(|position| position as u32);
        self.positions.extend(positions);
    }

    /// Puts them on the device.
    pub fn into_pass(self, config: &ModelConfig, device: &Device, dtype: FloatDType) -> Pass {
        Pass {
            tokens: ints(&self.tokens, device),
            angles: Angles::of(config, &self.positions, device, dtype),
            runs: CacheRuns::new(self.runs),
        }
    }
}

impl Decoder {
    /// Computes new tokens, whose keys and values enter the cache, and the logits of those of the rows `at`: as many
    /// times `[vocabulary]`.
    ///
    /// # Errors
    /// The device cannot be read.
    pub(crate) fn extend(
        &self,
        new: NewTokens,
        cache: &mut Cache,
        at: &[u32],
    ) -> Result<Vec<f32>, ModelError> {
        let pass = new.into_pass(self.config(), self.device(), self.dtype());
        let mut x = self.embed(&self.embed_tokens.value(), pass.tokens.clone());
        for (layer, cache) in self.layers.iter().zip(&mut cache.layers) {
            x = layer.extend(x, &pass, cache);
        }
        if at.is_empty() {
            return Ok(Vec::new());
        }
        let hidden = self.final_norm(x.select(0, ints(at, self.device())));
        let logits = projection(ProjectionInput::kept(hidden), self.head(), Precision::F32);
        let failed = |error: &dyn std::fmt::Debug| ModelError::Read(format!("{error:?}"));
        let data = logits.try_into_data().map_err(|error| failed(&error))?;
        let data = data.convert::<f32>();
        data.try_to_vec().map_err(|error| failed(&error))
    }
}
