//! Rotary settings as `config.json` has them.

use serde_json::{Map, Value};

use super::{ORIGINAL, PARTIAL, Rope, RopeScaling};

/// Writes both spellings, so that every version of transformers reads the same embedding.
pub(in crate::config) fn write(rope: &Rope, out: &mut Map<String, Value>) {
    let old = match rope.scaling {
        RopeScaling::None => Value::Null,
        _ => Value::Object(scaling(&rope.scaling)),
    };
    out.insert("rope_theta".into(), rope.theta.into());
    out.insert("rope_scaling".into(), old);
    if rope.share != 1.0 {
        out.insert(PARTIAL.into(), rope.share.into());
    }
    out.insert("rope_parameters".into(), Value::Object(parameters(rope)));
}

/// The new spelling.
pub(in crate::config) fn parameters(rope: &Rope) -> Map<String, Value> {
    let mut parameters = scaling(&rope.scaling);
    parameters
        .entry("rope_type")
        .or_insert_with(|| "default".into());
    parameters.insert("rope_theta".into(), rope.theta.into());
    if rope.share != 1.0 {
        parameters.insert(PARTIAL.into(), rope.share.into());
    }
    parameters
}

/// The scaling's keys; none where there is no scaling.
fn scaling(scaling: &RopeScaling) -> Map<String, Value> {
    let mut out = Map::new();
    if *scaling == RopeScaling::None {
        return out;
    }
    let mut set = |key: &str, value: Value| out.insert(key.to_owned(), value);
    set("rope_type", scaling.name().into());
    match scaling {
        RopeScaling::None => {}
        RopeScaling::Linear { factor } | RopeScaling::Dynamic { factor, .. } => {
            set("factor", (*factor).into());
        }
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_max_positions,
        } => {
            set("factor", (*factor).into());
            set("low_freq_factor", (*low_frequency_factor).into());
            set("high_freq_factor", (*high_frequency_factor).into());
            set(ORIGINAL, (*original_max_positions).into());
        }
        RopeScaling::Yarn {
            factor,
            original_max_positions,
            attention_factor,
            beta_fast,
            beta_slow,
            mscale: [mscale, mscale_all_dim],
            truncate,
        } => {
            set("factor", (*factor).into());
            set(ORIGINAL, (*original_max_positions).into());
            set("beta_fast", (*beta_fast).into());
            set("beta_slow", (*beta_slow).into());
            for (key, value) in [
                ("attention_factor", attention_factor),
                ("mscale", mscale),
                ("mscale_all_dim", mscale_all_dim),
            ] {
                if let Some(value) = value {
                    set(key, (*value).into());
                }
            }
            if !truncate {
                set("truncate", false.into());
            }
        }
        RopeScaling::Long {
            short,
            long,
            factor,
            attention_factor,
            original_max_positions,
            ..
        } => {
            set("short_factor", short.as_slice().into());
            set("long_factor", long.as_slice().into());
            set(ORIGINAL, (*original_max_positions).into());
            for (key, value) in [("factor", factor), ("attention_factor", attention_factor)] {
                if let Some(value) = value {
                    set(key, (*value).into());
                }
            }
        }
    }
    out
}
