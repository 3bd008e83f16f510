//! A batch on the device.

use std::borrow::Cow;

use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use glpft_checkpoints::ModelConfig;
use glpft_data::Batch;

use crate::error::ModelError;
use crate::parameter::tensor;
use crate::rotary::Angles;
use crate::trunk_states::Growing;

/// A [`Batch`] as tensors.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Token ids, `[tokens]`.
    pub tokens: Tensor<1, Int>,
    /// One past the last node of each node's subtree, `[tokens]`.
    pub subtree_end: Tensor<1, Int>,
    /// Each token's position on its path, `[tokens]`.
    pub positions: Tensor<1, Int>,
    /// The angles of each of the model's rotary embeddings.
    pub angles: Vec<Angles>,
    /// What the tokens grow from; none where they are all that there is.
    pub trunk: Option<Growing>,
    /// What is to be predicted; none where the batch has no targets.
    pub targets: Option<Targets>,
}

/// The targets of a batch, grouped by the hidden state that predicts them.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The positions that predict anything, ascending, `[rows]`.
    pub hidden: Tensor<1, Int>,
    /// For each target its index in `hidden`, ascending, `[targets]`.
    pub rows: Tensor<1, Int>,
    /// For each target its token, `[targets]`.
    pub tokens: Tensor<1, Int>,
    /// For each target the number of examples that hold it, `[targets]`.
    pub weights: Tensor<1>,
}

impl Inputs {
    /// Puts a batch on a device, without what its tokens grow from: [`Decoder::inputs`](crate::Decoder::inputs) has that, too.
    ///
    /// # Errors
    /// A token outside the model's vocabulary.
    pub fn new(
        batch: &Batch,
        config: &ModelConfig,
        device: &Device,
        dtype: FloatDType,
    ) -> Result<Self, ModelError> {
        let vocabulary = config.vocab_size;
        let targets = batch.targets.iter().map(|target| &target.token);
        if let Some(&token) = batch
            .tokens
            .iter()
            .chain(targets)
            .find(|&&token| token as usize >= vocabulary)
        {
            return Err(ModelError::TokenOutside { token, vocabulary });
        }
        Ok(Self {
            tokens: ints(&batch.tokens, device),
            subtree_end: ints(&batch.subtree_end, device),
            positions: ints(&batch.positions, device),
            angles: Angles::of(config, &batch.positions, device, dtype),
            trunk: None,
            targets: (!batch.targets.is_empty()).then(|| Targets::new(batch, device, dtype)),
        })
    }
}

impl Inputs {
    /// The same at a layer, where that matters: what its tokens grow from is another at each.
    pub(crate) fn at_layer(&self, layer: usize) -> Cow<'_, Self> {
        match &self.trunk {
            None => Cow::Borrowed(self),
            Some(trunk) => Cow::Owned(Self {
                trunk: Some(trunk.at(layer)),
                ..self.clone()
            }),
        }
    }
}

impl Targets {
    fn new(batch: &Batch, device: &Device, dtype: FloatDType) -> Self {
        let mut targets = batch.targets.clone();
        // Stable, so that the order within a row is the batch's.
        targets.sort_by_key(|target| target.hidden);
        let mut hidden: Vec<u32> = Vec::with_capacity(targets.len());
        let mut rows = Vec::with_capacity(targets.len());
        for target in &targets {
            if hidden.last() != Some(&target.hidden) {
                hidden.push(target.hidden);
            }
            rows.push(hidden.len() as u32 - 1);
        }
        let tokens: Vec<u32> = targets.iter().map(|target| target.token).collect();
        let weights: Vec<f32> = targets.iter().map(|target| target.weight).collect();
        Self {
            hidden: ints(&hidden, device),
            rows: ints(&rows, device),
            tokens: ints(&tokens, device),
            weights: tensor(weights, &[targets.len()], device, dtype),
        }
    }
}

/// Indices as a tensor.
pub(crate) fn ints(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|&value| i64::from(value)).collect();
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}
