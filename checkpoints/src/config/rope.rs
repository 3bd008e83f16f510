//! Rotary position embedding: every spelling of its settings.

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
const LARGEST_POSITIONS: usize = 1 << 30;
const DEFAULT_THETA: f64 = 10_000.0;
const ORIGINAL: &str = "original_max_position_embeddings";

/// What any kind may say, and changes nothing of one that does not use it.
const COMMON: [&str; 5] = [
    "rope_type",
    "type",
    "rope_theta",
    ORIGINAL,
    "partial_rotary_factor",
];
/// What each kind reads besides: its names in `rope_type` (`type` before 4.43) and its keys.
const KINDS: [(&str, &[&str]); 3] = [
    ("default", &[]),
    ("linear", &["factor"]),
    ("llama3", &["factor", "low_freq_factor", "high_freq_factor"]),
];

/// Reads `rope_theta` + `rope_scaling` (transformers 4) and `rope_parameters` (5), which may hold the theta, too; where a
/// file says something twice it must agree.
pub(super) fn read(fields: &Fields) -> Result<Rope, ConfigError> {
    let outside = fields.count(ORIGINAL, LARGEST_POSITIONS)?;
    let mut theta = fields.number("rope_theta", 1.0..=1e12)?;
    let mut found: Option<RopeScaling> = None;
    for key in ["rope_parameters", "rope_scaling"] {
        // transformers takes an empty one for none.
        let Some(nested) = fields
            .object(key)?
            .filter(|nested| nested.keys().count() > 0)
        else {
            continue;
        };
        let scaling = scaling(&nested, outside)?;
        let own = nested.number("rope_theta", 1.0..=1e12)?;
        if let (Some(one), Some(other)) = (theta, own)
            && one != other
        {
            let message = format!("differs from the one in `{key}`");
            return Err(fields.invalid("rope_theta", &message));
        }
        theta = theta.or(own);
        if found.is_some_and(|found| found != scaling) {
            return Err(fields.invalid("rope_scaling", "differs from `rope_parameters`"));
        }
        found = Some(scaling);
    }
    Ok(Rope {
        theta: theta.unwrap_or(DEFAULT_THETA),
        scaling: found.unwrap_or(RopeScaling::None),
    })
}

/// `outside` is the original length where a file has it beside the other settings instead of among them.
fn scaling(fields: &Fields, outside: Option<usize>) -> Result<RopeScaling, ConfigError> {
    let (new, old) = (fields.text("rope_type")?, fields.text("type")?);
    if let (Some(new), Some(old)) = (&new, &old)
        && new != old
    {
        return Err(fields.invalid("type", "differs from `rope_type`"));
    }
    let named = if new.is_some() { "rope_type" } else { "type" };
    let name = new.or(old);
    if let Some(share) = fields.number("partial_rotary_factor", 0.0..=1.0)?
        && share != 1.0
    {
        return Err(fields.unsupported("partial_rotary_factor", "only 1.0 is"));
    }
    let kind = name.as_deref().unwrap_or("default");
    let Some((kind, keys)) = KINDS.into_iter().find(|(known, _)| *known == kind) else {
        return Err(fields.unsupported(named, "`default`, `linear` and `llama3` are"));
    };
    let known = |key: &str| COMMON.contains(&key) || keys.contains(&key);
    if let Some(key) = fields.keys().find(|key| !known(key)) {
        let scaled = KINDS.iter().any(|(_, keys)| keys.contains(&key.as_str()));
        match (key.as_str(), name) {
            // By one nothing is scaled.
            ("factor", _) if fields.number("factor", 1.0..=1.0).is_ok() => {}
            (_, None) if scaled => {
                let advice = "its `rope_type` is missing, which says what is scaled: \"linear\" or \"llama3\"";
                return Err(fields.unsupported(key, advice));
            }
            (_, Some(name)) if scaled => {
                let advice = format!("the type {name:?} does not read it; remove one of them");
                return Err(fields.unsupported(key, &advice));
            }
            _ => {
                let advice = "this key is not known here; remove it if unused";
                return Err(fields.unsupported(key, advice));
            }
        }
    }
    let factor = |key| fields.required_number(key, 1e-6..=LARGEST_FACTOR);
    match kind {
        "linear" => Ok(RopeScaling::Linear {
            factor: factor("factor")?,
        }),
        "llama3" => {
            let low = factor("low_freq_factor")?;
            let high = factor("high_freq_factor")?;
            if high <= low {
                return Err(fields.invalid("high_freq_factor", "must be above `low_freq_factor`"));
            }
            let inside = fields.count(ORIGINAL, LARGEST_POSITIONS)?;
            if let (Some(inside), Some(outside)) = (inside, outside)
                && inside != outside
            {
                return Err(fields.invalid(ORIGINAL, "differs from the one outside"));
            }
            Ok(RopeScaling::Llama3 {
                factor: factor("factor")?,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_max_positions: inside
                    .or(outside)
                    .ok_or_else(|| fields.invalid(ORIGINAL, "is missing"))?,
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
