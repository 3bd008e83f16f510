//! Rotary settings, of the metadata and the factors that llama.cpp's converter makes of them.

use serde_json::{Map, Value, json};

use super::names::{LONG_FACTORS, ROPE_FACTORS, SHORT_FACTORS};
use super::{GgufError, GgufFile};
use crate::Architecture;

const ORIGINAL: &str = "original_max_position_embeddings";
pub(crate) const ORIGINAL_KEY: &str = "rope.scaling.original_context_length";

/// What the published models with this scaling have (Llama 3.1, 3.2, 3.3); a factor of theirs is in the file.
const LOW: f64 = 1.0;
const HIGH: f64 = 4.0;
const ORIGINAL_POSITIONS: f64 = 8192.0;
/// The converter computes in single precision.
const TOLERANCE: f64 = 1e-4;

/// Llama 3's scaling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Llama3 {
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
pub(crate) fn llama3(factors: &[f32], theta: f64) -> Option<Value> {
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

impl GgufFile {
    /// Sets how queries and keys turn, but for the base.
    pub(super) fn rotation(
        &self,
        key: &impl Fn(&str) -> String,
        family: Architecture,
        head_dim: i64,
        theta: f64,
        config: &mut Map<String, Value>,
    ) -> Result<(), GgufError> {
        let name = key("rope.dimension_count");
        let width = self.integer(&name)?.unwrap_or(head_dim);
        if width != head_dim {
            if family != Architecture::Phi3 || !(1..head_dim).contains(&width) {
                let what = format!("`{name}` = {width} beside heads of {head_dim}");
                return Err(self.unsupported(&what, "the same width is"));
            }
            config.insert(
                "partial_rotary_factor".into(),
                share(width, head_dim).into(),
            );
        }
        let scaling = match family {
            Architecture::Phi3 => self.long_scaling(key, config)?,
            _ => self.scaling(key, theta)?,
        };
        config.insert("rope_scaling".into(), scaling);
        Ok(())
    }

    /// LongRoPE's factors, which are in tensors.
    fn long_scaling(
        &self,
        key: &impl Fn(&str) -> String,
        config: &mut Map<String, Value>,
    ) -> Result<Value, GgufError> {
        let (type_key, original_key) = (key("rope.scaling.type"), key(ORIGINAL_KEY));
        let original = self.integer(&original_key)?;
        if let Some(original) = original {
            config.insert(ORIGINAL.into(), original.into());
        }
        let kind = self.text(&type_key)?;
        let (Some(short), Some(long)) = (self.read_f32(SHORT_FACTORS), self.read_f32(LONG_FACTORS))
        else {
            return match kind {
                None | Some("none") => Ok(Value::Null),
                Some(kind) => {
                    let kind: String = kind.chars().take(40).collect();
                    let what = format!(
                        "`{type_key}` = {kind:?} without `{SHORT_FACTORS}` and `{LONG_FACTORS}`"
                    );
                    Err(self.unsupported(&what, "longrope with its factors is"))
                }
            };
        };
        let (short, long) = (decimals(&short?), decimals(&long?));
        let mut scaling =
            json!({"rope_type": "longrope", "short_factor": short, "long_factor": long});
        let positions = self.required_integer(&key("context_length"))?;
        let original = original.ok_or_else(|| self.absent(&original_key))?;
        let usual = long_attention_factor(positions as f64, original as f64);
        let factor = self.float(&key("rope.scaling.attn_factor"))?;
        // 0 is "not said" to llama.cpp, which takes 1 then.
        let factor = factor.filter(|factor| *factor != 0.0).unwrap_or(1.0);
        if (factor - usual).abs() > 1e-6 * usual {
            scaling["attention_factor"] = factor.into();
        }
        Ok(scaling)
    }

    fn scaling(&self, key: &impl Fn(&str) -> String, theta: f64) -> Result<Value, GgufError> {
        let kind = key("rope.scaling.type");
        // Older files have the other key, and mean the same; llama.cpp takes 0 for "not said".
        let (new, old) = (key("rope.scaling.factor"), key("rope.scale_linear"));
        let given = |name: &str| Ok::<_, GgufError>(self.float(name)?.filter(|one| *one != 0.0));
        let (factor, older) = (given(&new)?, given(&old)?);
        if let (Some(one), Some(other)) = (factor, older)
            && one != other
        {
            let message = format!("is {other}, `{new}` is {one}");
            return Err(self.wrong(&old, &message));
        }
        let factor = factor.or(older);
        let scaling = match (self.text(&kind)?, factor) {
            (Some("none"), _) | (None | Some("linear"), None) => Value::Null,
            // Without a type it is linear.
            (None | Some("linear"), Some(1.0)) => Value::Null,
            (None | Some("linear"), Some(factor)) => {
                json!({"rope_type": "linear", "factor": factor})
            }
            (Some("yarn"), Some(factor)) => self.yarn(key, factor)?,
            (Some(name), _) => {
                let name: String = name.chars().take(40).collect();
                let what = format!("`{kind}` = {name:?}");
                return Err(self.unsupported(&what, "none, linear and yarn are"));
            }
        };
        let Some(factors) = self.read_f32(ROPE_FACTORS) else {
            return Ok(scaling);
        };
        if !scaling.is_null() {
            let what = format!("`{ROPE_FACTORS}` beside a scaling by `{new}` or `{old}`");
            return Err(self.unsupported(&what, "one of them is"));
        }
        llama3(&factors?, theta).ok_or_else(|| {
            let what = format!("`{ROPE_FACTORS}` with these factors");
            self.unsupported(&what, "those of Llama 3.1 to 3.3 are")
        })
    }

    /// YaRN as llama.cpp computes it: cosines and sines are multiplied as the paper has it.
    fn yarn(&self, key: &impl Fn(&str) -> String, factor: f64) -> Result<Value, GgufError> {
        let original = key(ORIGINAL_KEY);
        let positions = self.integer(&original)?;
        let mut scaling = json!({
            "rope_type": "yarn",
            "factor": factor,
            ORIGINAL: positions.ok_or_else(|| self.absent(&original))?,
        });
        for name in ["beta_fast", "beta_slow"] {
            if let Some(beta) = self.float(&key(&format!("rope.scaling.yarn_{name}")))? {
                scaling[name] = beta.into();
            }
        }
        Ok(scaling)
    }
}

/// The share of a head that turns, so that its width times it is a whole number again.
fn share(width: i64, head_dim: i64) -> f64 {
    let share = width as f64 / head_dim as f64;
    match (head_dim as f64 * share) as i64 == width {
        true => share,
        false => share.next_up(),
    }
}

/// Singles as the decimal numbers that they were made of.
fn decimals(singles: &[f32]) -> Vec<f64> {
    let decimal = |single: &f32| single.to_string().parse().unwrap_or(f64::from(*single));
    singles.iter().map(decimal).collect()
}

/// What LongRoPE multiplies cosines and sines with (arXiv 2402.13753).
fn long_attention_factor(positions: f64, original: f64) -> f64 {
    let scale = positions / original;
    match scale <= 1.0 {
        true => 1.0,
        false => (1.0 + scale.ln() / original.ln()).sqrt(),
    }
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
