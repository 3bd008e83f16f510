//! The loss on held-out examples.

use std::ops::{AddAssign, ControlFlow};

use glpft_data::{ExampleSet, StepBatches};
use glpft_model::{Decoder, Inputs};
use glpft_recipes::Packing;

use crate::ahead::made_ahead;
use crate::error::TrainError;
use crate::gradients::numbers;

/// How many examples are read and packed together.
const CHUNK: usize = 256;

/// What a model loses on some examples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The label tokens' losses summed, in nats.
    pub sum: f64,
    /// How many label tokens there are.
    pub label_tokens: usize,
}

impl LossSum {
    /// The mean loss of a label token, in nats; none without labels.
    pub fn mean(&self) -> Option<f64> {
        (self.label_tokens > 0).then(|| self.sum / self.label_tokens as f64)
    }
}

impl AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.label_tokens += other.label_tokens;
    }
}

/// What a label token of such a mean loss costs in choices: e to the loss, as many equally likely tokens as would be
/// as hard to tell apart.
pub fn perplexity(mean_loss: f64) -> f64 {
    mean_loss.exp()
}

/// The mean loss of a label token over `examples`, in nats, and the number of label tokens; none without labels. No
/// gradients are made. It breaks off where `stop` says so.
///
/// # Errors
/// An example cannot be read, or has more positions than the model.
pub fn mean_loss(
    model: &Decoder,
    examples: &dyn ExampleSet,
    packing: Packing,
    micro_batch_tokens: usize,
    stop: &dyn Fn() -> bool,
) -> Result<ControlFlow<(), Option<(f64, usize)>>, TrainError> {
    let all: Vec<u32> = (0..examples.len() as u32).collect();
    let mut whole = LossSum::default();
    let chunks = all.chunks(CHUNK).map(<[u32]>::to_vec);
    let each = &mut |loss| whole += loss;
    let whole_set = losses(
        model,
        examples,
        chunks,
        packing,
        micro_batch_tokens,
        stop,
        each,
    )?;
    Ok(match whole_set {
        ControlFlow::Break(()) => ControlFlow::Break(()),
        ControlFlow::Continue(()) => {
            ControlFlow::Continue(whole.mean().map(|mean| (mean, whole.label_tokens)))
        }
    })
}

/// The loss of each of `groups` (indices into `examples`) in turn. Groups share no batch, so fewer and larger ones are
/// cheaper. No gradients are made. It breaks off where `stop` says so, between two micro-batches.
///
/// # Errors
/// As [`mean_loss`].
pub fn losses(
    model: &Decoder,
    examples: &dyn ExampleSet,
    groups: impl Iterator<Item = Vec<u32>> + Send,
    packing: Packing,
    micro_batch_tokens: usize,
    stop: &dyn Fn() -> bool,
    each: &mut dyn FnMut(LossSum),
) -> Result<ControlFlow<()>, TrainError> {
    let frozen = model.frozen();
    let groups =
        groups.map(|group| StepBatches::new(examples, &group, packing, micro_batch_tokens));
    made_ahead(groups, |groups| {
        for group in groups {
            let mut loss = LossSum::default();
            for batch in &group?.batches {
                if stop() {
                    return Ok(ControlFlow::Break(()));
                }
                let inputs = Inputs::new(batch, frozen.config(), frozen.device(), frozen.dtype())?;
                if let Some(found) = frozen.loss(&inputs, None) {
                    loss.sum += numbers(found)?.iter().sum::<f64>();
                    loss.label_tokens += batch.label_tokens;
                }
            }
            each(loss);
        }
        Ok(ControlFlow::Continue(()))
    })
}
