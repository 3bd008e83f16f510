//! Gemma 3, the text models (270M, 1B): norms around both parts of a layer, most layers with a window and a rotary embedding
//! of their own.

use serde_json::{Map, Value};

use super::{Defaults, Family, GgufForm};
use crate::config::keys::Keys;
use crate::config::rope::{self, Rope};
use crate::config::{
    Activation, Architecture, ConfigError, LayerPlan, ModelConfig, NormForm, Norms, Plan, Rotary,
    window,
};

const ACTIVATION: &str = "hidden_activation";
const QUERY_SCALE: &str = "query_pre_attn_scalar";
const LOCAL_THETA: &str = "rope_local_base_freq";
const PATTERN: &str = "sliding_window_pattern";
const TYPES: &str = "layer_types";
const ROPE: &str = "rope_parameters";
/// What transformers takes where a key is absent.
const DEFAULT_QUERY_SCALE: f64 = 256.0;
const DEFAULT_LOCAL_THETA: f64 = 10_000.0;
const DEFAULT_PATTERN: usize = 6;

pub(super) const FAMILY: Family = Family {
    architecture: Architecture::Gemma3,
    model_type: "gemma3_text",
    class: "Gemma3ForCausalLM",
    defaults: Defaults {
        max_positions: 1 << 17,
        kv_heads: Some(4),
        head_dim: Some(256),
        theta: 1e6,
        tied: true,
        ..Defaults::LLAMA
    },
    // transformers does not read `hidden_act` here.
    reads: &[
        ACTIVATION,
        "hidden_act",
        QUERY_SCALE,
        LOCAL_THETA,
        PATTERN,
        TYPES,
    ],
    rope: |keys| rope_of(keys, FULL, "rope_theta", keys.defaults.theta),
    plan,
    write,
    gguf: Some(GgufForm {
        pairs_together: false,
        biases: false,
        names: &[
            ("post_attention_norm", "post_attention_layernorm"),
            ("ffn_norm", "pre_feedforward_layernorm"),
            ("post_ffw_norm", "post_feedforward_layernorm"),
        ],
        keys: &["attention.sliding_window_pattern", "rope.freq_base_swa"],
        norms_plus_one: true,
        windows: true,
        ..GgufForm::like_llama("gemma3")
    }),
};

const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

fn plan(keys: &Keys) -> Result<Plan, ConfigError> {
    let gelu = Activation::GeluTanh.name();
    if keys.text(ACTIVATION)?.is_some_and(|name| name != gelu) {
        return Err(keys.unsupported(ACTIVATION, &format!("only `{gelu}` is")));
    }
    let mut layer = LayerPlan {
        norms: Norms::Around([
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ]),
        ..LayerPlan::default()
    };
    let bias = keys.flag("attention_bias")?.unwrap_or(false);
    layer.attention.input_bias = bias;
    layer.attention.output_bias = bias;
    layer.attention.head_norms = true;
    let scale = keys.number(QUERY_SCALE, 1e-6..=1e9)?;
    layer.attention.scale = Some(scale.unwrap_or(DEFAULT_QUERY_SCALE).powf(-0.5));
    layer.feed_forward.activation = Activation::GeluTanh;
    let mut plan = Plan {
        // A single in transformers.
        embedding_scale: f64::from((keys.hidden_size as f64).sqrt() as f32),
        norm: NormForm::OnePlusWeight,
        local_rope: Some(rope_of(keys, SLIDING, LOCAL_THETA, DEFAULT_LOCAL_THETA)?),
        ..Plan::plain(layer)
    };
    let pattern = keys.count(PATTERN, 1 << 12)?.unwrap_or(DEFAULT_PATTERN);
    let sliding = match window::types(keys)? {
        Some(sliding) => sliding,
        None => (0..keys.layers)
            .map(|layer| !(layer + 1).is_multiple_of(pattern))
            .collect(),
    };
    window::set(keys, &mut plan, &sliding, window::or_default(keys)?)?;
    for layer in &mut plan.layers {
        if layer.attention.window.is_some() {
            layer.attention.rotary = Rotary::Local;
        }
    }
    Ok(plan)
}

/// The rotary embedding of the layers of a kind: `rope_parameters` has one for each, older files have the base beside, and a
/// scaling of the layers without a window.
fn rope_of(keys: &Keys, kind: &str, base: &str, default: f64) -> Result<Rope, ConfigError> {
    let outside = keys.number(base, 1.0..=1e12)?;
    let nested = match keys.object(ROPE)? {
        Some(kinds) => {
            if let Some(key) = kinds.keys().find(|key| *key != FULL && *key != SLIDING) {
                let advice = "full_attention and sliding_attention are";
                return Err(kinds.unsupported(key, advice));
            }
            kinds.object(kind)?
        }
        None => None,
    };
    let older = match kind {
        FULL => keys.object("rope_scaling")?,
        _ => None,
    };
    let older = older.filter(|older| older.keys().count() > 0);
    let default = outside.unwrap_or(default);
    let rope = match (&nested, &older) {
        (None, None) => Rope::plain(default),
        (Some(nested), None) => rope::nested(keys, nested, default)?,
        (None, Some(older)) => rope::nested(keys, older, default)?,
        (Some(nested), Some(older)) => {
            let nested = rope::nested(keys, nested, default)?;
            if nested.scaling != rope::nested(keys, older, default)?.scaling {
                return Err(keys.invalid("rope_scaling", "differs from `rope_parameters`"));
            }
            nested
        }
    };
    if outside.is_some_and(|outside| outside != rope.theta) {
        return Err(keys.invalid(base, "differs from the one in `rope_parameters`"));
    }
    Ok(rope)
}

fn write(config: &ModelConfig, out: &mut Map<String, Value>) {
    out.remove("hidden_act");
    let layer = config.layer(0);
    let activation = layer.feed_forward.activation.name();
    out.insert(ACTIVATION.into(), activation.into());
    out.insert("attention_bias".into(), layer.attention.input_bias.into());
    if let Some(window) = config.narrowest_window() {
        out.insert("sliding_window".into(), window.into());
    }
    let types = (0..config.layers).map(|layer| match config.layer(layer).attention.window {
        Some(_) => SLIDING,
        None => FULL,
    });
    out.insert(TYPES.into(), types.collect::<Vec<_>>().into());
    rope::write(&config.rope, out);
    let mut kinds = Map::new();
    kinds.insert(FULL.into(), rope::parameters(&config.rope).into());
    if let Some(local) = &config.plan.local_rope {
        out.insert(LOCAL_THETA.into(), local.theta.into());
        kinds.insert(SLIDING.into(), rope::parameters(local).into());
    }
    out.insert(ROPE.into(), kinds.into());
}
