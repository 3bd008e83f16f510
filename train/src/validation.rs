//! The loss on held-out examples.

use std::ops::{AddAssign, ControlFlow};

use glpft_data::{ExampleSet, Origins, Share, StepLayout};
use glpft_model::{Decoder, LastTrunk};

use crate::error::TrainError;
use crate::prefetch::prefetched;
use crate::rank_error::RankError;
use crate::ranks::{Transport, any};
use crate::values::numbers;

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

/// The losses on the examples of each source, in the sources' order; of one source alone a single one. Sources share no batch.
/// No gradients are made. It breaks off where `stop` says so.
///
/// Several ranks share the examples, and all get the losses on all of them; they break off where any of them is to.
///
/// # Errors
/// An example cannot be read, or has more positions than the model.
pub(crate) fn losses_by_source(
    model: &Decoder,
    examples: &dyn ExampleSet,
    origins: &Origins,
    layout: StepLayout,
    (ranks, share): (&dyn Transport, Share),
    stop: &dyn Fn() -> bool,
) -> Result<ControlFlow<(), Vec<LossSum>>, TrainError> {
    let mut by_source = vec![Vec::new(); origins.names().len().max(1)];
    for index in 0..examples.len() {
        by_source[origins.of(examples.trajectory(index))].push(index as u32);
    }
    let mut chunks = Vec::new();
    for (source, indices) in by_source.iter().enumerate() {
        let indices = layout.share_of(examples, indices, share)?;
        chunks.extend(indices.chunks(CHUNK).map(|chunk| (source, chunk.to_vec())));
    }
    let mut sources = chunks
        .iter()
        .map(|(source, _)| *source)
        .collect::<Vec<_>>()
        .into_iter();
    let mut sums = vec![LossSum::default(); by_source.len()];
    let each = &mut |loss| sums[sources.next().unwrap_or_default()] += loss;
    let chunks = chunks.into_iter().map(|(_, chunk)| chunk);
    let all = losses(model, examples, chunks, layout, stop, each)?;
    if any(ranks, "whether to end a validation", all.is_break())? {
        return Ok(ControlFlow::Break(()));
    }
    Ok(ControlFlow::Continue(over_ranks(ranks, sums)?))
}

/// The sums over all ranks, added in their order.
fn over_ranks(ranks: &dyn Transport, own: Vec<LossSum>) -> Result<Vec<LossSum>, RankError> {
    if ranks.is_alone() {
        return Ok(own);
    }
    let numbers = |loss: &LossSum| [loss.sum.to_bits(), loss.label_tokens as u64];
    let bytes = own.iter().flat_map(numbers).flat_map(u64::to_le_bytes);
    let all = ranks.all_gather_bytes("validation losses", &bytes.collect::<Vec<u8>>())?;
    let mut sums = vec![LossSum::default(); own.len()];
    for bytes in all {
        let mut numbers = bytes
            .chunks_exact(8)
            .map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
        for sum in &mut sums {
            if let (Some(loss), Some(label_tokens)) = (numbers.next(), numbers.next()) {
                *sum += LossSum {
                    sum: f64::from_bits(loss),
                    label_tokens: label_tokens as usize,
                };
            }
        }
    }
    Ok(sums)
}

/// The loss of each of `groups` (indices into `examples`) in turn. Groups share no batch, so fewer and larger ones are
/// cheaper. No gradients are made. It breaks off where `stop` says so, between two micro-batches.
///
/// # Errors
/// An example cannot be read, or has more positions than the model.
pub fn losses(
    model: &Decoder,
    examples: &dyn ExampleSet,
    groups: impl Iterator<Item = Vec<u32>> + Send,
    layout: StepLayout,
    stop: &dyn Fn() -> bool,
    each: &mut dyn FnMut(LossSum),
) -> Result<ControlFlow<()>, TrainError> {
    let frozen = model.frozen();
    let groups = groups.map(|group| layout.batches(examples, &group));
    prefetched(groups, |groups| {
        for group in groups {
            let (mut loss, mut trunk) = (LossSum::default(), LastTrunk::default());
            for batch in &group?.batches {
                if stop() {
                    return Ok(ControlFlow::Break(()));
                }
                let states = trunk.states(&frozen, batch)?;
                let inputs = frozen.inputs(batch, states.as_ref())?;
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
