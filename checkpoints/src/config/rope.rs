//! Rotary position embedding: both spellings of its settings.

use serde_json::{Map, Value};

use super::ConfigError;
use crate::fields::Fields;

/// Settings of the rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// The base θ: pair `i` of a head turns by `position * θ^(-2i / head_dim)`.
    pub theta: f64,
    /// How those frequencies are changed for longer contexts.
    pub scaling: RopeScaling,
}

/// How the frequencies of a [`Rope`] are changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// They are not.
    None,
    /// Llama 3.1's: low frequencies are divided, high ones stay, those between are mixed.
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// Wavelengths above `original_max_positions / low_frequency_factor` are low.
        low_frequency_factor: f64,
        /// Wavelengths below `original_max_positions / high_frequency_factor` are high.
        high_frequency_factor: f64,
        /// The context length before the change, in tokens.
        original_max_positions: usize,
    },
    /// All frequencies are divided.
    Linear {
        /// What they are divided by.
        factor: f64,
    },
}

const LARGEST_FACTOR: f64 = 1e6;
const KEYS: [&str; 8] = [
    "rope_type",
    "type",
    "rope_theta",
    "factor",
    "low_freq_factor",
    "high_freq_factor",
    "original_max_position_embeddings",
    "partial_rotary_factor",
];

/// Reads `rope_theta` + `rope_scaling` (transformers 4) and `rope_parameters` (5); where a
/// file has both they must agree.
pub(super) fn read(fields: &Fields) -> Result<Rope, ConfigError> {
    let theta = fields.number("rope_theta", 1.0..=1e12)?;
    let old = fields
        .object("rope_scaling")?
        .map(|nested| scaling(&nested))
        .transpose()?;
    let Some(nested) = fields.object("rope_parameters")? else {
        return Ok(Rope {
            theta: theta.unwrap_or(10_000.0),
            scaling: old.unwrap_or(RopeScaling::None),
        });
    };
    let rope = Rope {
        theta: nested
            .number("rope_theta", 1.0..=1e12)?
            .or(theta)
            .unwrap_or(10_000.0),
        scaling: scaling(&nested)?,
    };
    if theta.is_some_and(|theta| theta != rope.theta) {
        return Err(fields.invalid("rope_theta", "differs from the one in `rope_parameters`"));
    }
    if old.is_some_and(|old| old != rope.scaling) {
        return Err(fields.invalid("rope_scaling", "differs from `rope_parameters`"));
    }
    Ok(rope)
}

fn scaling(fields: &Fields) -> Result<RopeScaling, ConfigError> {
    let name = match fields.text("rope_type")? {
        Some(name) => Some(name),
        None => fields.text("type")?,
    };
    if let Some(share) = fields.number("partial_rotary_factor", 0.0..=1.0)?
        && share != 1.0
    {
        return Err(fields.unsupported("partial_rotary_factor", "only 1.0 is"));
    }
    let known = match name.as_deref() {
        None | Some("default" | "linear" | "llama3") => true,
        Some(_) => false,
    };
    if !known {
        let key = if fields.has("rope_type") {
            "rope_type"
        } else {
            "type"
        };
        return Err(fields.unsupported(key, "`default`, `linear` and `llama3` are"));
    }
    if let Some(key) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(fields.unsupported(key, "this key is not known here; remove it if unused"));
    }
    let factor = |key| fields.required_number(key, f64::MIN_POSITIVE..=LARGEST_FACTOR);
    match name.as_deref() {
        Some("linear") => Ok(RopeScaling::Linear {
            factor: factor("factor")?,
        }),
        Some("llama3") => {
            let low = factor("low_freq_factor")?;
            let high = factor("high_freq_factor")?;
            if high <= low {
                return Err(fields.invalid("high_freq_factor", "must be above `low_freq_factor`"));
            }
            Ok(RopeScaling::Llama3 {
                factor: factor("factor")?,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_max_positions: fields
                    .required_count("original_max_position_embeddings", 1 << 30)?,
            })
        }
        _ => Ok(RopeScaling::None),
    }
}

/// Writes both spellings, so that every version of transformers reads the same embedding.
pub(super) fn write(rope: &Rope, out: &mut Map<String, Value>) {
    let mut parameters = match rope.scaling {
        RopeScaling::None => Map::new(),
        RopeScaling::Linear { factor } => {
            object([("rope_type", "linear".into()), ("factor", factor.into())])
        }
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_max_positions,
        } => object([
            ("rope_type", "llama3".into()),
            ("factor", factor.into()),
            ("low_freq_factor", low_frequency_factor.into()),
            ("high_freq_factor", high_frequency_factor.into()),
            (
                "original_max_position_embeddings",
                original_max_positions.into(),
            ),
        ]),
    };
    let old = match rope.scaling {
        RopeScaling::None => Value::Null,
        _ => Value::Object(parameters.clone()),
    };
    out.insert("rope_theta".into(), rope.theta.into());
    out.insert("rope_scaling".into(), old);
    parameters
        .entry("rope_type")
        .or_insert_with(|| "default".into());
    parameters.insert("rope_theta".into(), rope.theta.into());
    out.insert("rope_parameters".into(), Value::Object(parameters));
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
