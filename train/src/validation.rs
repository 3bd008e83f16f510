//! The loss on held-out examples.

use glpft_data::{ExampleSet, StepBatches};
use glpft_model::{Decoder, Inputs};
use glpft_recipes::Packing;

use crate::ahead::made_ahead;
use crate::error::TrainError;
use crate::gradients::numbers;

/// How many examples are read and packed together.
const CHUNK: usize = 256;

/// The mean loss of a label token over `examples`, in nats, and the number of label tokens; none without labels. No
/// gradients are made.
pub fn mean_loss(
    model: &Decoder,
    examples: &dyn ExampleSet,
    packing: Packing,
    micro_batch_tokens: usize,
) -> Result<Option<(f64, usize)>, TrainError> {
    let frozen = model.frozen();
    let all: Vec<u32> = (0..examples.len() as u32).collect();
    let chunks = all
        .chunks(CHUNK)
        .map(|chunk| StepBatches::new(examples, chunk, packing, micro_batch_tokens));
    let (mut sum, mut labels) = (0.0, 0);
    made_ahead(chunks, |chunks| {
        for chunk in chunks {
            for batch in &chunk?.batches {
                let inputs = Inputs::new(batch, frozen.config(), frozen.device(), frozen.dtype())?;
                if let Some(loss) = frozen.loss(&inputs, None) {
                    sum += numbers(loss)?.iter().sum::<f64>();
                    labels += batch.label_tokens;
                }
            }
        }
        Ok::<_, TrainError>(())
    })?;
    Ok((labels > 0).then(|| (sum / labels as f64, labels)))
}
