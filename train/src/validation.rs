//! The loss on held-out examples.

use glpft_data::{TokenExample, micro_batches};
use glpft_model::{Decoder, Inputs};
use glpft_recipes::Packing;

use crate::error::TrainError;
use crate::gradients::numbers;
use crate::stage::batch;

/// The mean loss of a label token over `examples`, in nats, and the number of label tokens; none without labels. No
/// gradients are made.
pub fn mean_loss(
    model: &Decoder,
    examples: &[TokenExample],
    packing: Packing,
    micro_batch_tokens: usize,
) -> Result<Option<(f64, usize)>, TrainError> {
    let frozen = model.frozen();
    let all: Vec<u32> = (0..examples.len() as u32).collect();
    let (mut sum, mut labels) = (0.0, 0);
    for indices in micro_batches(examples, &all, packing, micro_batch_tokens) {
        let batch = batch(examples, &indices, packing);
        let inputs = Inputs::new(&batch, frozen.config(), frozen.device(), frozen.dtype())?;
        if let Some(loss) = frozen.loss(&inputs, None) {
            sum += numbers(loss)?.iter().sum::<f64>();
            labels += batch.label_tokens;
        }
    }
    Ok((labels > 0).then(|| (sum / labels as f64, labels)))
}
