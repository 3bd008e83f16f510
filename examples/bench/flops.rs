//! How many floating-point operations the matrix products of a training step ask for, by the mathematics alone.
//!
//! A product of `[m, k]` and `[k, n]` is 2·m·k·n. What an implementation computes again (attention's scores in its
//! backward pass, a layer's forward pass where activations are not kept) is not counted, nor is what the mask empties,
//! nor are gradients that nothing needs.

use glpft_checkpoints::{ModelConfig, Projection};
use glpft_data::{Batch, Trunk};
use glpft_recipes::LoraRecipe;

/// What a batch asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Work {
    /// Tokens computed.
    tokens: f64,
    /// Pairs of a query and a key that it attends to.
    pairs: f64,
    /// Those of them whose key stands in a trunk, which no gradient reaches.
    of_trunk: f64,
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
        let of_trunk = batch.branches.as_ref().map_or(0.0, |branches| {
            let depths = branches.reach.iter().map(|&reach| match reach {
                0 => 0.0,
                reach => f64::from(branches.trunk.positions[reach as usize - 1]) + 1.0,
            });
            depths.sum()
        });
        let mut labelled: Vec<u32> = batch.targets.iter().map(|target| target.hidden).collect();
        labelled.sort_unstable();
        labelled.dedup();
        Self {
            tokens: batch.len() as f64,
            pairs,
            of_trunk,
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
        let product = |pairs: f64| 2.0 * pairs * (config.heads * config.head_dim) as f64;
        let own = work.pairs - work.of_trunk;
        let products = [
            (true, work.pairs),               // scores = Q·Kᵀ
            (true, work.pairs),               // output = P·V
            (of_value, own),                  // dV = Pᵀ·dO
            (of_query || of_key, work.pairs), // dP = dO·Vᵀ
            (of_query, work.pairs),           // dQ = dS·K
            (of_key, own),                    // dK = dSᵀ·Q
        ];
        let needed = products.into_iter().filter(|(needed, _)| *needed);
        count.total += needed.map(|(_, pairs)| product(pairs)).sum::<f64>();
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

/// The operations of a trunk: forward without adapters, of the last layer keys and values alone.
pub(crate) fn of_trunk(config: &ModelConfig, trunk: &Trunk) -> f64 {
    let tokens = trunk.len() as f64;
    let depths = trunk.positions.iter();
    let pairs: f64 = depths.map(|&depth| f64::from(depth) + 1.0).sum();
    let attention = 4.0 * pairs * (config.heads * config.head_dim) as f64;
    let projections = config.projections();
    let of = |projections: &[Projection]| -> f64 {
        let weights = projections.iter();
        let weights = weights.map(|one| one.inputs as f64 * one.outputs as f64);
        2.0 * tokens * weights.sum::<f64>()
    };
    let width = projections.len() / config.layers.max(1);
    let last = projections.len().saturating_sub(width);
    // Queries, keys, values, then the rest.
    let keys_and_values = of(projections.get(last + 1..last + 3).unwrap_or_default());
    of(&projections[..last]) + attention * config.layers.saturating_sub(1) as f64 + keys_and_values
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
            of_trunk: 0.0,
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
