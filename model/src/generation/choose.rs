//! The next token, from the model's scores.

use glpft_data::{Purpose, Random};

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest; of equals the one with the smallest id.
    Greedy,
    /// Drawn at random, with `softmax(logits / temperature)` cut to the `top_k` likeliest, then to the fewest of them
    /// that reach `top_p` together (arXiv 1904.09751), in the order in which transformers does both.
    Random {
        /// Above 0.
        temperature: f64,
        /// In (0, 1].
        top_p: f64,
        /// At least 1, or none.
        top_k: Option<usize>,
        /// Two answers to the same prompt need different seeds to differ.
        seed: u64,
    },
}

impl Sampling {
    /// Says what is wrong with the numbers, if anything is.
    ///
    /// # Errors
    /// As a sentence without its subject's place.
    pub fn check(&self) -> Result<(), String> {
        let Sampling::Random {
            temperature,
            top_p,
            top_k,
            ..
        } = *self
        else {
            return Ok(());
        };
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(format!(
                "the temperature is {temperature}; it must be above 0 (or choose greedily)"
            ));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(format!(
                "top_p is {top_p}; it must be above 0 and at most 1"
            ));
        }
        match top_k {
            Some(0) => Err("top_k is 0; it must be at least 1 (or left out)".to_owned()),
            _ => Ok(()),
        }
    }
}

/// The choices of one answer: a pure function of the sampling, the prompt, and the scores so far.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    sampling: Sampling,
    random: Random,
}

impl Choice {
    /// The choices of the answer to `prompt`.
    pub fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let seed = match sampling {
            Sampling::Greedy => 0,
            Sampling::Random { seed, .. } => seed,
        };
        let random = Random::new(seed, None, 0, Purpose::Sampling);
        // Each prompt has numbers of its own, so that the steps of a trajectory are drawn independently.
        let random = prompt
            .iter()
            .fold(random, |random, &token| random.stream(token.into()));
        Self { sampling, random }
    }

    /// The answer's token number `index` (from 0), given its logits (`[vocabulary]`); none where one of these is not a
    /// number.
    pub fn choose(&self, logits: &[f32], index: usize) -> Option<u32> {
        if logits.iter().any(|logit| logit.is_nan()) {
            return None;
        }
        match self.sampling {
            Sampling::Greedy => Some(likeliest(logits)),
            Sampling::Random {
                temperature,
                top_p,
                top_k,
                ..
            } => {
                let kept = kept(logits, temperature, top_p, top_k);
                let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
                let mut left = self.random.uniform_f64(index as u64) * total;
                for &(token, weight) in &kept {
                    left -= weight;
                    if left < 0.0 {
                        return Some(token);
                    }
                }
                // Rounding may leave a little.
                kept.last().map(|&(token, _)| token)
            }
        }
    }
}

/// The id of the largest logit, the smallest such.
fn likeliest(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

/// The tokens that may be drawn and their weights, relative to the likeliest one's, in falling order.
fn kept(logits: &[f32], temperature: f64, top_p: f64, top_k: Option<usize>) -> Vec<(u32, f64)> {
    let largest = f64::from(logits[likeliest(logits) as usize]);
    let mut kept: Vec<(u32, f64)> = logits
        .iter()
        .enumerate()
        .map(|(id, &logit)| {
            let weight = ((f64::from(logit) - largest) / temperature).exp();
            (id as u32, weight)
        })
        .collect();
    let falling = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let count = top_k.unwrap_or(kept.len()).clamp(1, kept.len());
    if count < kept.len() {
        kept.select_nth_unstable_by(count - 1, falling);
        kept.truncate(count);
    }
    kept.sort_unstable_by(falling);
    if top_p < 1.0 {
        let total: f64 = kept.iter().map(|(_, weight)| weight).sum();
        let mut reached = 0.0;
        let enough = kept.iter().position(|(_, weight)| {
            reached += weight;
            reached >= top_p * total
        });
        kept.truncate(enough.map_or(kept.len(), |last| last + 1));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(temperature: f64, top_p: f64, top_k: Option<usize>, seed: u64) -> Sampling {
        Sampling::Random {
            temperature,
            top_p,
            top_k,
            seed,
        }
    }

    #[test]
    fn the_smallest_of_equals_is_chosen_greedily() {
        let choice = Choice::new(Sampling::Greedy, &[1]);
        assert_eq!(choice.choose(&[0.0, 2.0, -1.0, 2.0], 0), Some(1));
        assert_eq!(choice.choose(&[0.0, f32::NAN], 0), None);
        assert_eq!(choice.choose(&[f32::NEG_INFINITY, -3.0], 0), Some(1));
    }

    /// Each token comes up as often as the softmax says, within four deviations.
    #[test]
    fn draws_follow_the_distribution() {
        let logits = [1.0f32, 0.0, -1.0, 3.0];
        let draws = 40_000;
        for temperature in [0.5, 1.0, 2.0] {
            let weights: Vec<f64> = logits
                .iter()
                .map(|&logit| (f64::from(logit) / temperature).exp())
                .collect();
            let total: f64 = weights.iter().sum();
            let choice = Choice::new(random(temperature, 1.0, None, 3), &[5, 6]);
            let mut counts = [0; 4];
            for index in 0..draws {
                counts[choice.choose(&logits, index).unwrap_or(9) as usize] += 1;
            }
            for (weight, count) in weights.iter().zip(counts) {
                let p = weight / total;
                let deviation = (p * (1.0 - p) * draws as f64).sqrt();
                let difference = f64::from(count) - p * draws as f64;
                assert!(difference.abs() <= 4.0 * deviation, "{p} {count}");
            }
        }
    }

    #[test]
    fn cuts_keep_the_likeliest() {
        // Probabilities 0.4, 0.3, 0.2, 0.1.
        let logits = [0.2f32, 0.4, 0.1, 0.3].map(f32::ln);
        let ids = |top_p, top_k| -> Vec<u32> {
            let kept = kept(&logits, 1.0, top_p, top_k);
            kept.into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(ids(1.0, None), [1, 3, 0, 2]);
        assert_eq!(ids(1.0, Some(2)), [1, 3]);
        assert_eq!(ids(0.65, None), [1, 3]);
        assert_eq!(ids(0.75, None), [1, 3, 0]);
        assert_eq!(ids(1e-9, None), [1]);
        // Of the two that top_k leaves, the first has 4/7.
        assert_eq!(ids(0.5, Some(2)), [1]);
        assert_eq!(ids(0.6, Some(2)), [1, 3]);
        assert_eq!(ids(1.0, Some(99)), [1, 3, 0, 2]);
    }

    #[test]
    fn draws_are_a_function_of_seed_and_prompt() {
        let logits = [0.0f32; 50];
        let draw = |seed, prompt: &[u32]| -> Vec<Option<u32>> {
            let choice = Choice::new(random(1.0, 1.0, None, seed), prompt);
            (0..8).map(|index| choice.choose(&logits, index)).collect()
        };
        assert_eq!(draw(1, &[4, 5]), draw(1, &[4, 5]));
        assert_ne!(draw(1, &[4, 5]), draw(2, &[4, 5]));
        assert_ne!(draw(1, &[4, 5]), draw(1, &[5, 4]));
    }

    #[test]
    fn bad_numbers_are_told() {
        for (sampling, part) in [
            (random(0.0, 1.0, None, 0), "temperature is 0"),
            (random(f64::NAN, 1.0, None, 0), "temperature is NaN"),
            (random(1.0, 0.0, None, 0), "top_p is 0"),
            (random(1.0, 1.5, None, 0), "top_p is 1.5"),
            (random(1.0, 1.0, Some(0), 0), "top_k is 0"),
        ] {
            let error = sampling.check().err().unwrap_or_default();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(random(0.5, 0.9, Some(1), 0).check(), Ok(()));
        assert_eq!(Sampling::Greedy.check(), Ok(()));
    }
}
