//! How the frequencies of a rotary embedding are changed for longer contexts.

use serde_json::Value;

use super::{LARGEST_POSITIONS, ORIGINAL, PARTIAL, Rules};
use crate::config::ConfigError;
use crate::config::fields::Fields;
use crate::config::keys::Keys;

/// How the frequencies of a [`Rope`](super::Rope) are changed.
#[derive(Clone, Debug, PartialEq)]
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
    /// Dynamic NTK: the base grows with texts longer than the model's positions.
    Dynamic {
        /// How fast it grows.
        factor: f64,
        /// Up to this length nothing changes.
        max_positions: usize,
    },
    /// YaRN (arXiv 2309.00071): as Llama 3.1's, by the pairs' numbers; cosines and sines are multiplied.
    Yarn {
        /// What low frequencies are divided by.
        factor: f64,
        /// The context length before the change, in tokens.
        original_max_positions: usize,
        /// What cosines and sines are multiplied with; none: as the paper computes it.
        attention_factor: Option<f64>,
        /// Pairs that turn more often than this in the original length stay.
        beta_fast: f64,
        /// Pairs that turn less often than this in the original length are divided.
        beta_slow: f64,
        /// Two numbers that the factor of cosines and sines may come of.
        mscale: [Option<f64>; 2],
        /// Whether the two bounds are rounded to whole pairs.
        truncate: bool,
    },
    /// LongRoPE (arXiv 2402.13753): a factor for each pair, one set for texts up to the original length, one for longer
    /// ones; cosines and sines are multiplied.
    Long {
        /// What each pair's frequency is divided by in short texts.
        short: Vec<f64>,
        /// What it is divided by in long ones.
        long: Vec<f64>,
        /// How many times the original length the model was made for; none: by its positions.
        factor: Option<f64>,
        /// What cosines and sines are multiplied with; none: as the paper computes it.
        attention_factor: Option<f64>,
        /// The context length before the change, in tokens.
        original_max_positions: usize,
        /// The model's positions.
        max_positions: usize,
    },
}

impl RopeScaling {
    /// Its name in `rope_type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "default",
            Self::Llama3 { .. } => "llama3",
            Self::Linear { .. } => "linear",
            Self::Dynamic { .. } => "dynamic",
            Self::Yarn { .. } => "yarn",
            Self::Long { .. } => "longrope",
        }
    }

    /// What cosines and sines are multiplied with.
    pub fn attention_factor(&self) -> f64 {
        match self {
            Self::Yarn {
                attention_factor: Some(factor),
                ..
            }
            | Self::Long {
                attention_factor: Some(factor),
                ..
            } => *factor,
            Self::Yarn { factor, mscale, .. } => {
                let of = |mscale: f64| match *factor <= 1.0 {
                    true => 1.0,
                    false => 0.1 * mscale * factor.ln() + 1.0,
                };
                match mscale.map(|one| one.filter(|one| *one != 0.0)) {
                    [Some(one), Some(all)] => of(one) / of(all),
                    _ => of(1.0),
                }
            }
            Self::Long {
                factor,
                original_max_positions,
                max_positions,
                ..
            } => {
                let original = *original_max_positions as f64;
                let factor = factor.unwrap_or(*max_positions as f64 / original);
                match factor <= 1.0 {
                    true => 1.0,
                    false => (1.0 + factor.ln() / original.ln()).sqrt(),
                }
            }
            _ => 1.0,
        }
    }

    /// The longest text, where longer ones have other angles at all of their positions: what a text begins with would depend on
    /// how it goes on, which neither a prefix tree nor a cache can have.
    pub fn one_set_up_to(&self) -> Option<usize> {
        match self {
            Self::Long {
                original_max_positions,
                ..
            } => Some(*original_max_positions),
            Self::Dynamic { max_positions, .. } => Some(*max_positions),
            _ => None,
        }
    }
}

const LARGEST_FACTOR: f64 = 1e6;

/// What any kind may say, and changes nothing of one that does not use it.
const COMMON: [&str; 5] = ["rope_type", "type", "rope_theta", ORIGINAL, PARTIAL];
/// What each kind reads besides: its names in `rope_type` (`type` before 4.43) and its keys.
const KINDS: [(&str, &[&str]); 6] = [
    ("default", &[]),
    ("linear", &["factor"]),
    ("dynamic", &["factor"]),
    (
        "yarn",
        &[
            "factor",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
        ],
    ),
    (
        "longrope",
        &["short_factor", "long_factor", "factor", "attention_factor"],
    ),
    ("llama3", &["factor", "low_freq_factor", "high_freq_factor"]),
];

/// `outside` is the original length where a file has it beside the other settings instead of among them.
pub(super) fn read(
    fields: &Fields,
    outside: Option<usize>,
    keys: &Keys,
    rules: &Rules,
) -> Result<RopeScaling, ConfigError> {
    let (new, old) = (fields.text("rope_type")?, fields.text("type")?);
    if let (Some(new), Some(old)) = (&new, &old)
        && new != old
    {
        return Err(fields.invalid("type", "differs from `rope_type`"));
    }
    let named = if new.is_some() { "rope_type" } else { "type" };
    let name = new.or(old);
    let kind = match name.as_deref().unwrap_or("default") {
        "su" | "yarn" if rules.only_long => "longrope",
        kind => kind,
    };
    let allowed = |kind: &str| !rules.only_long || ["default", "longrope"].contains(&kind);
    let found = KINDS
        .into_iter()
        .find(|(known, _)| *known == kind && allowed(known));
    let Some((kind, kind_keys)) = found else {
        let known: Vec<_> = KINDS.iter().map(|(known, _)| *known).collect();
        let known: Vec<_> = known.into_iter().filter(|known| allowed(known)).collect();
        return Err(fields.unsupported(named, &format!("{} are", known.join(", "))));
    };
    let known = |key: &str| COMMON.contains(&key) || kind_keys.contains(&key);
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
    let maybe = |key| fields.number(key, 0.0..=LARGEST_FACTOR);
    let original = || original(fields, outside);
    let default = keys.defaults.original_positions;
    let default = default.unwrap_or(keys.max_positions);
    Ok(match kind {
        "linear" => RopeScaling::Linear {
            factor: factor("factor")?,
        },
        "dynamic" => RopeScaling::Dynamic {
            factor: factor("factor")?,
            max_positions: keys.max_positions,
        },
        "llama3" => {
            let low = factor("low_freq_factor")?;
            let high = factor("high_freq_factor")?;
            if high <= low {
                return Err(fields.invalid("high_freq_factor", "must be above `low_freq_factor`"));
            }
            RopeScaling::Llama3 {
                factor: factor("factor")?,
                low_frequency_factor: low,
                high_frequency_factor: high,
                original_max_positions: original()?
                    .ok_or_else(|| fields.invalid(ORIGINAL, "is missing"))?,
            }
        }
        "yarn" => RopeScaling::Yarn {
            factor: factor("factor")?,
            original_max_positions: original()?.unwrap_or(default),
            attention_factor: maybe("attention_factor")?,
            // transformers takes 0 for "not said".
            beta_fast: maybe("beta_fast")?
                .filter(|one| *one != 0.0)
                .unwrap_or(32.0),
            beta_slow: maybe("beta_slow")?.filter(|one| *one != 0.0).unwrap_or(1.0),
            mscale: [maybe("mscale")?, maybe("mscale_all_dim")?],
            truncate: fields.flag("truncate")?.unwrap_or(true),
        },
        "longrope" => RopeScaling::Long {
            short: factors(fields, "short_factor")?,
            long: factors(fields, "long_factor")?,
            factor: maybe("factor")?,
            attention_factor: maybe("attention_factor")?,
            original_max_positions: original()?.unwrap_or(default),
            max_positions: keys.max_positions,
        },
        _ => RopeScaling::None,
    })
}

/// The original length, which may stand inside or outside.
fn original(fields: &Fields, outside: Option<usize>) -> Result<Option<usize>, ConfigError> {
    let inside = fields.count(ORIGINAL, LARGEST_POSITIONS)?;
    if let (Some(inside), Some(outside)) = (inside, outside)
        && inside != outside
    {
        return Err(fields.invalid(ORIGINAL, "differs from the one outside"));
    }
    // Its logarithm divides.
    match inside.or(outside) {
        Some(1) => Err(fields.invalid(ORIGINAL, "is 1; it must be above")),
        other => Ok(other),
    }
}

fn factors(fields: &Fields, key: &str) -> Result<Vec<f64>, ConfigError> {
    let wrong = || fields.invalid(key, "must be a list of numbers above 0");
    let Some(Value::Array(items)) = fields.get(key) else {
        return Err(wrong());
    };
    let number = |item: &Value| {
        let number = item.as_f64()?;
        (1e-6..=LARGEST_FACTOR).contains(&number).then_some(number)
    };
    let numbers = items.iter().map(|item| number(item).ok_or_else(wrong));
    numbers.collect()
}
