//! How many floating-point operations the matrix products of a training step ask for, by the mathematics alone.
//!
//! A product of `[m, k]` and `[k, n]` is 2·m·k·n. What an implementation computes again (attention's scores in its
//! backward pass, a layer's forward pass where activations are not kept) is not counted, nor is what the mask empties,
//! nor are gradients that nothing needs.

use glpft_checkpoints::{ModelConfig, Projection};
use glpft_data::Batch;
use glpft_recipes::LoraRecipe;

/// What a batch asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Work {
    /// Tokens computed.
    tokens: f64,
    /// Pairs of a query and a key that it attends to.
    pairs: f64,
    /// Positions that the head sees.
    labelled: f64,
}

impl Work {
    pub(crate) fn of(batch: &Batch) -> Self {
        // A node attends to itself and its ancestors, as many as it is deep.
        let pairs = batch
            .positions
            .iter()
            .map(|&depth| f64::from(depth) + 1.0)
            .sum();
        let mut labelled: Vec<u32> = batch.targets.iter().map(|target| target.hidden).collect();
        labelled.sort_unstable();
        labelled.dedup();
        Self {
            tokens: batch.len() as f64,
            pairs,
            labelled: labelled.len() as f64,
        }
    }
}

/// The operations of forward and backward over `work`; all parameters are trained where there is no `lora`.
pub(crate) fn flops(config: &ModelConfig, work: Work, lora: Option<&LoraRecipe>) -> f64 {
    let mut count = Count {
        tokens: work.tokens,
        lora,
        total: 0.0,
    };
    // Whether the residual stream's gradient is needed; a trained embedding needs it from the start.
    let mut stream = lora.is_none();
    let projections = config.projections();
    for layer in projections.chunks(projections.len() / config.layers.max(1)) {
        let [query, key, value, output, gate, up, down] = layer else {
            continue;
        };
        let of_query = count.projection(query, stream);
        let of_key = count.projection(key, stream);
        let of_value = count.projection(value, stream);
        let product = 2.0 * work.pairs * (config.heads * config.head_dim) as f64;
        let products = [
            true,               // scores = Q·Kᵀ
            true,               // output = P·V
            of_value,           // dV = Pᵀ·dO
            of_query || of_key, // dP = dO·Vᵀ
            of_query,           // dQ = dS·K
            of_key,             // dK = dSᵀ·Q
        ];
        count.total += product * products.into_iter().filter(|&needed| needed).count() as f64;
        let mixed = of_query || of_key || of_value;
        stream |= count.projection(output, mixed);
        let of_gate = count.projection(gate, stream);
        let of_up = count.projection(up, stream);
        stream |= count.projection(down, of_gate || of_up);
    }
    let head = 2.0 * work.labelled * (config.hidden_size * config.vocab_size) as f64;
    let needed = [true, stream, lora.is_none()]; // logits, hidden states' gradient, head's gradient
    count.total + head * needed.into_iter().filter(|&needed| needed).count() as f64
}

struct Count<'a> {
    tokens: f64,
    lora: Option<&'a LoraRecipe>,
    total: f64,
}

impl Count<'_> {
    /// Counts a projection whose input's gradient is needed or not; says whether its output's is.
    fn projection(&mut self, projection: &Projection, input_needed: bool) -> bool {
        let (inputs, outputs) = (projection.inputs as f64, projection.outputs as f64);
        let full = 2.0 * self.tokens * inputs * outputs;
        let upstream = if input_needed { 1.0 } else { 0.0 };
        self.total += full * (1.0 + upstream);
        let Some(lora) = self.lora else {
            self.total += full; // dW
            return true;
        };
        if !lora
            .target_modules
            .iter()
            .any(|name| name == projection.name)
        {
            return input_needed;
        }
        let rank = lora.rank as f64;
        let (low, high) = (
            2.0 * self.tokens * rank * inputs,
            2.0 * self.tokens * rank * outputs,
        );
        // Forward through A and B; dB and the gradient of A's output; dA, and the input's gradient through A.
        self.total += (low + high) + 2.0 * high + low * (1.0 + upstream);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glpft_data::TokenExample;

    /// One layer: hidden 4, inner 6, 2 heads of 2 with 1 key/value head, vocabulary 10.
    fn config() -> ModelConfig {
        ModelConfig::llama(10, 4, 6, 1, 2, 1).expect("a configuration")
    }

    /// A prefix of two tokens with two branches, one of one token and one of two: 5 nodes, depths 0 1 2 2 3.
    fn work() -> Work {
        let example = |tokens: &[u32], label_start| TokenExample {
            tokens: tokens.to_vec(),
            label_start,
            role_start: 0,
            trajectory: 0,
            turn: 0,
        };
        let (one, two) = (example(&[1, 2, 3], 2), example(&[1, 2, 4, 5], 2));
        Work::of(&Batch::tree(&[&one, &two]))
    }

    fn lora(target_modules: &[&str]) -> LoraRecipe {
        LoraRecipe {
            rank: 3,
            alpha: 6.0,
            dropout: 0.0,
            target_modules: target_modules.iter().map(|&name| name.to_owned()).collect(),
            ..LoraRecipe::default()
        }
    }

    #[test]
    fn a_batch_is_counted_by_node_and_by_pair() {
        let expected = Work {
            tokens: 5.0,
            pairs: (1 + 2 + 3 + 3 + 4) as f64,
            // 3 and 4 are predicted from the same position, 5 from that of 4.
            labelled: 2.0,
        };
        assert_eq!(work(), expected);
    }

    /// By hand: projections of 4·4 + 2·(4·2) + 4·4 + 3·(4·6) = 120 weights, of which q, k, v have 32; a product of
    /// attention is 2 · 13 pairs · 4; the head is 2 · 2 rows · 4 · 10.
    const PROJECTIONS: f64 = 2.0 * 5.0 * 120.0;
    const OF_QUERY_KEY_VALUE: f64 = 2.0 * 5.0 * 32.0;
    const ATTENTION: f64 = 2.0 * 13.0 * 4.0;
    const HEAD: f64 = 2.0 * 2.0 * 40.0;

    #[test]
    fn a_full_fine_tune_multiplies_everything_three_times() {
        let found = flops(&config(), work(), None);
        assert_eq!(found, 3.0 * PROJECTIONS + 6.0 * ATTENTION + 3.0 * HEAD);
    }

    #[test]
    fn adapters_leave_out_the_weights_and_what_is_upstream_of_the_first() {
        let all = flops(&config(), work(), Some(&lora(&config().projection_names())));
        // Inputs and outputs of the seven: 4+4, 4+2, 4+2, 4+4, 4+6, 4+6, 6+4; the first three have 12 inputs.
        let through = 2.0 * 5.0 * 3.0; // 2 · tokens · rank
        let adapters = through * (3.0 * 30.0 + 3.0 * 28.0) - through * 12.0;
        let frozen = 2.0 * PROJECTIONS - OF_QUERY_KEY_VALUE;
        assert_eq!(all, frozen + adapters + 6.0 * ATTENTION + 2.0 * HEAD);

        let last = flops(&config(), work(), Some(&lora(&["down_proj"])));
        // Nothing flows back past the adapter: its A [3, 6] and B [4, 3], A's input needing no gradient.
        let adapter = through * (6.0 + 4.0 + 2.0 * 4.0 + 6.0);
        assert_eq!(last, PROJECTIONS + adapter + 2.0 * ATTENTION + 2.0 * HEAD);
    }
}
