//! The angles of the rotary position embedding.

use std::f64::consts::TAU;

use burn::tensor::{Device, FloatDType, Tensor};
use glpft_checkpoints::{ModelConfig, Rope, RopeScaling};

use crate::parameter::tensor;

/// The angular speed of each pair of a head, in `f32` as Hugging Face computes it, for texts of at most `length` tokens.
///
/// `theta^(−2i / width)` (arXiv 2104.09864), changed by the scaling: see [`RopeScaling`].
pub fn speeds(rope: &Rope, head_dim: usize, length: usize) -> Vec<f32> {
    let width = rope.width(head_dim);
    let theta = match rope.scaling {
        RopeScaling::Dynamic {
            factor,
            max_positions,
        } if length > max_positions => {
            let longer = factor * length as f64 / max_positions as f64 - (factor - 1.0);
            rope.theta * longer.powf(width as f64 / (width as f64 - 2.0))
        }
        _ => rope.theta,
    };
    let plain = (0..width / 2).map(|pair| {
        let exponent = (2 * pair) as f32 / width as f32;
        (1.0 / (theta as f32).powf(exponent)) as f64
    });
    let scaled = plain.enumerate().map(|(pair, speed)| match &rope.scaling {
        RopeScaling::None | RopeScaling::Dynamic { .. } => speed,
        RopeScaling::Linear { factor } => speed / factor,
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_max_positions,
        } => {
            let turns = *original_max_positions as f64 * speed / TAU;
            if turns < *low_frequency_factor {
                speed / factor
            } else if turns > *high_frequency_factor {
                speed
            } else {
                let smooth =
                    (turns - low_frequency_factor) / (high_frequency_factor - low_frequency_factor);
                (1.0 - smooth) * speed / factor + smooth * speed
            }
        }
        RopeScaling::Yarn {
            factor,
            original_max_positions,
            beta_fast,
            beta_slow,
            truncate,
            ..
        } => {
            // The pair that turns so often in the original length.
            let at = |turns: f64| {
                let length = *original_max_positions as f64;
                width as f64 * (length / (turns * TAU)).ln() / (2.0 * theta.ln())
            };
            let (mut low, mut high) = (at(*beta_fast), at(*beta_slow));
            if *truncate {
                (low, high) = (low.floor(), high.ceil());
            }
            let (low, mut high) = (low.max(0.0), high.min(width as f64 - 1.0));
            if low == high {
                high += 0.001;
            }
            let slow = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            speed / factor * slow + speed * (1.0 - slow)
        }
        RopeScaling::Long {
            short,
            long,
            original_max_positions,
            ..
        } => {
            let factors = match length > *original_max_positions {
                true => long,
                false => short,
            };
            speed / factors.get(pair).copied().unwrap_or(1.0)
        }
    });
    scaled.map(|speed| speed as f32).collect()
}

/// Cosines and sines of the angles at `positions`, each `[positions, pairs]` in row-major order. As in Hugging Face's batches, the
/// last of all positions says how long texts are.
pub fn angles(rope: &Rope, head_dim: usize, positions: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let length = positions.iter().max().map_or(0, |&last| last as usize + 1);
    let speeds = speeds(rope, head_dim, length);
    let factor = rope.scaling.attention_factor() as f32;
    let size = positions.len() * speeds.len();
    let (mut cos, mut sin) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for &position in positions {
        for &speed in &speeds {
            // The product is rounded to f32 before the cosine, as the models were trained.
            let angle = f64::from(position as f32 * speed);
            cos.push(angle.cos() as f32 * factor);
            sin.push(angle.sin() as f32 * factor);
        }
    }
    (cos, sin)
}

/// Cosines and sines of one of a model's rotary embeddings, on the device.
#[derive(Clone, Debug)]
pub struct Angles {
    /// `[tokens, pairs]`.
    pub cos: Tensor<2>,
    /// `[tokens, pairs]`.
    pub sin: Tensor<2>,
}

impl Angles {
    /// Those of each of the model's rotary embeddings, in the order of [`ModelConfig::ropes`].
    pub(crate) fn of(
        config: &ModelConfig,
        positions: &[u32],
        device: &Device,
        dtype: FloatDType,
    ) -> Vec<Self> {
        let ropes = config.ropes().map(|rope| {
            let (cos, sin) = angles(rope, config.head_dim, positions);
            let shape = [positions.len(), rope.width(config.head_dim) / 2];
            Self {
                cos: tensor(cos, &shape, device, dtype),
                sin: tensor(sin, &shape, device, dtype),
            }
        });
        ropes.collect()
    }
}
