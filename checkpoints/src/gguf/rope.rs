//! The rotary settings of Llama 3.1, of the factors that llama.cpp's converter makes of them.

use serde_json::{Value, json};

/// What the published models with this scaling have (Llama 3.1, 3.2, 3.3); a factor of theirs is in the file.
const LOW: f64 = 1.0;
const HIGH: f64 = 4.0;
const ORIGINAL_POSITIONS: f64 = 8192.0;
/// The converter computes in single precision.
const TOLERANCE: f64 = 1e-4;

/// Llama 3's scaling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Llama3 {
    /// What low frequencies are divided by.
    pub factor: f64,
    /// Frequencies with fewer waves in the original positions are low.
    pub low: f64,
    /// Frequencies with more waves in the original positions stay as they are.
    pub high: f64,
    /// The positions that the model was first trained for.
    pub positions: f64,
}

impl Llama3 {
    /// That of a published model.
    fn published(factor: f64) -> Self {
        Self {
            factor,
            low: LOW,
            high: HIGH,
            positions: ORIGINAL_POSITIONS,
        }
    }

    /// What the frequency of each pair is divided by (`convert_hf_to_gguf.py`, `LlamaModel.generate_extra_tensors`).
    pub fn divisors(self, pairs: usize, theta: f64) -> impl Iterator<Item = f64> {
        let Self {
            factor,
            low,
            high,
            positions,
        } = self;
        (0..pairs).map(move |pair| {
            let frequency = theta.powf(-(pair as f64) / pairs as f64);
            let wavelength = 2.0 * std::f64::consts::PI / frequency;
            if wavelength < positions / high {
                return 1.0;
            }
            if wavelength > positions / low {
                return factor;
            }
            let smooth = (positions / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        })
    }
}

/// `rope_scaling` of a `config.json` that gives these factors; `None` where they are of no published model.
pub(super) fn llama3(factors: &[f32], theta: f64) -> Option<Value> {
    let largest = factors.iter().copied().fold(1.0, f32::max);
    let factor = f64::from(largest);
    let near = |(found, expected): (&f32, f64)| {
        (f64::from(*found) - expected).abs() <= TOLERANCE * expected
    };
    let fits = factors
        .iter()
        .zip(Llama3::published(factor).divisors(factors.len(), theta))
        .all(near);
    fits.then(|| {
        json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": LOW,
            "high_freq_factor": HIGH,
            "original_max_position_embeddings": ORIGINAL_POSITIONS as u64,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_come_back() {
        for factor in [8.0, 32.0] {
            let factors: Vec<f32> = Llama3::published(factor)
                .divisors(64, 500_000.0)
                .map(|divisor| divisor as f32)
                .collect();
            let found = llama3(&factors, 500_000.0).map(|found| found["factor"].as_f64());
            assert_eq!(found, Some(Some(factor)));
            assert_eq!(llama3(&factors, 10_000.0), None);
            let mut other = factors.clone();
            other[40] *= 1.01;
            assert_eq!(llama3(&other, 500_000.0), None);
            other[40] = f32::NAN;
            assert_eq!(llama3(&other, 500_000.0), None);
        }
    }
}
