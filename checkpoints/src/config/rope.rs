//! Rotary position embedding: every spelling of its settings.

mod scaling;
mod write;

use super::ConfigError;
use super::keys::Keys;
use crate::config::fields::Fields;

pub use scaling::RopeScaling;
pub(super) use write::{parameters, write};

/// Settings of the rotary position embedding.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// The base θ: pair `i` of a head turns by `position * θ^(-2i / width)`.
    pub theta: f64,
    /// The share of a head's width that turns, from its beginning.
    pub share: f64,
    /// How those frequencies are changed for longer contexts.
    pub scaling: RopeScaling,
}

impl Rope {
    /// All of a head by frequencies that nothing changes.
    pub fn plain(theta: f64) -> Self {
        Self {
            theta,
            share: 1.0,
            scaling: RopeScaling::None,
        }
    }

    /// How much of a head turns: the first so many numbers, an even count.
    pub fn width(&self, head_dim: usize) -> usize {
        (head_dim as f64 * self.share) as usize
    }
}

/// What a family's rotary settings may say.
pub(super) struct Rules {
    /// Whether a part of each head may stay as it is.
    pub partial: bool,
    /// Whether `su` and `yarn` are old names of `longrope`, and there is no other scaling.
    pub only_long: bool,
}

impl Rules {
    /// Those of most families.
    pub const PLAIN: Self = Self {
        partial: false,
        only_long: false,
    };
}

pub(super) const LARGEST_POSITIONS: usize = 1 << 30;
pub(super) const ORIGINAL: &str = "original_max_position_embeddings";
const PARTIAL: &str = "partial_rotary_factor";

/// Reads `rope_theta` + `rope_scaling` (transformers 4) and `rope_parameters` (5), which may hold the theta, too; where a
/// file says something twice it must agree.
pub(super) fn read(keys: &Keys, rules: &Rules) -> Result<Rope, ConfigError> {
    let outside = keys.count(ORIGINAL, LARGEST_POSITIONS)?;
    let mut theta = theta(keys)?;
    let mut share = share(keys, rules)?;
    let mut found: Option<RopeScaling> = None;
    for key in ["rope_parameters", "rope_scaling"] {
        // transformers takes an empty one for none.
        let Some(nested) = keys.object(key)?.filter(|nested| nested.keys().count() > 0) else {
            continue;
        };
        let scaling = scaling::read(&nested, outside, keys, rules)?;
        theta = agreed(keys, "rope_theta", key, theta, self::theta(&nested)?)?;
        share = agreed(keys, PARTIAL, key, share, self::share(&nested, rules)?)?;
        if found.as_ref().is_some_and(|found| *found != scaling) {
            return Err(keys.invalid("rope_scaling", "differs from `rope_parameters`"));
        }
        found = Some(scaling);
    }
    let rope = Rope {
        theta: theta.unwrap_or(keys.defaults.theta),
        share: share.unwrap_or(1.0),
        scaling: found.unwrap_or(RopeScaling::None),
    };
    check(keys, &rope)?;
    Ok(rope)
}

/// Reads an object of settings that stands alone.
pub(super) fn nested(keys: &Keys, nested: &Fields, default: f64) -> Result<Rope, ConfigError> {
    let rope = Rope {
        theta: theta(nested)?.unwrap_or(default),
        share: share(nested, &Rules::PLAIN)?.unwrap_or(1.0),
        scaling: scaling::read(nested, None, keys, &Rules::PLAIN)?,
    };
    check(keys, &rope)?;
    Ok(rope)
}

pub(super) fn theta(fields: &Fields) -> Result<Option<f64>, ConfigError> {
    fields.number("rope_theta", 1.0..=1e12)
}

fn share(fields: &Fields, rules: &Rules) -> Result<Option<f64>, ConfigError> {
    let share = fields.number(PARTIAL, 0.0..=1.0)?;
    match share {
        Some(share) if share != 1.0 && !rules.partial => {
            Err(fields.unsupported(PARTIAL, "only 1.0 is"))
        }
        _ => Ok(share),
    }
}

/// What is said outside and inside of `place`.
fn agreed(
    keys: &Keys,
    key: &str,
    place: &str,
    one: Option<f64>,
    other: Option<f64>,
) -> Result<Option<f64>, ConfigError> {
    if let (Some(one), Some(other)) = (one, other)
        && one != other
    {
        let message = format!("differs from the one in `{place}`");
        return Err(keys.invalid(key, &message));
    }
    Ok(one.or(other))
}

fn check(keys: &Keys, rope: &Rope) -> Result<(), ConfigError> {
    let width = rope.width(keys.head_dim);
    if width == 0 || (rope.share != 1.0 && !width.is_multiple_of(2)) {
        let message = format!(
            "is {}: of heads of {} that turns {width}, which must be even and not nothing",
            rope.share, keys.head_dim
        );
        return Err(keys.invalid(PARTIAL, &message));
    }
    if let RopeScaling::Long { short, long, .. } = &rope.scaling {
        for (key, factors) in [("short_factor", short), ("long_factor", long)] {
            if factors.len() != width / 2 {
                let message = format!(
                    "has {} factors for {} pairs of a head",
                    factors.len(),
                    width / 2
                );
                return Err(keys.invalid(key, &message));
            }
        }
    }
    Ok(())
}
