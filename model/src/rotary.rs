//! The angles of the rotary position embedding.

use std::f64::consts::TAU;

use glpft_checkpoints::{Rope, RopeScaling};

/// The angular speed of each pair of a head, `[head_dim / 2]`, in `f32` as Hugging Face computes it.
///
/// `theta^(−2i / head_dim)` (arXiv 2104.09864), changed by the scaling: `linear` divides every speed by its factor,
/// `llama3` divides the slow ones and blends between (Llama 3.1's published code).
pub fn speeds(rope: &Rope, head_dim: usize) -> Vec<f32> {
    let plain = (0..head_dim / 2).map(|pair| {
        let exponent = (2 * pair) as f32 / head_dim as f32;
        (1.0 / (rope.theta as f32).powf(exponent)) as f64
    });
    plain
        .map(|speed| {
            let speed = match rope.scaling {
                RopeScaling::None => speed,
                RopeScaling::Linear { factor } => speed / factor,
                RopeScaling::Llama3 {
                    factor,
                    low_frequency_factor,
                    high_frequency_factor,
                    original_max_positions,
                } => {
                    let turns = original_max_positions as f64 * speed / TAU;
                    if turns < low_frequency_factor {
                        speed / factor
                    } else if turns > high_frequency_factor {
                        speed
                    } else {
                        let smooth = (turns - low_frequency_factor)
                            / (high_frequency_factor - low_frequency_factor);
                        (1.0 - smooth) * speed / factor + smooth * speed
                    }
                }
            };
            speed as f32
        })
        .collect()
}

/// Cosines and sines of the angles at `positions`, each `[positions, head_dim / 2]` in row-major order.
pub fn angles(rope: &Rope, head_dim: usize, positions: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let speeds = speeds(rope, head_dim);
    let size = positions.len() * speeds.len();
    let (mut cos, mut sin) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for &position in positions {
        for &speed in &speeds {
            // The product is rounded to f32 before the cosine, as the models were trained.
            let angle = f64::from(position as f32 * speed);
            cos.push(angle.cos() as f32);
            sin.push(angle.sin() as f32);
        }
    }
    (cos, sin)
}
