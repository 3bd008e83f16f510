//! Byte-level BPE: which of llama.cpp's kinds a `tokenizer.json` is.

use glpft_checkpoints::GgufValue;
use serde_json::{Value, json};

use super::super::byte_level::{NAMES, kind};
use super::{Merge, TokenizerJson};

/// llama.cpp's name for how the tokenizer takes text apart.
pub(super) fn name(json: &TokenizerJson) -> Result<&'static str, String> {
    let cuts = steps(&json.pre_tokenizer, "pretokenizers");
    let normalizes = steps(&json.normalizer, "normalizers");
    let same = |name: &&str| {
        kind(name).is_some_and(|kind| {
            steps(&kind.pre_tokenizer, "pretokenizers") == cuts
                && steps(&kind.normalizer, "normalizers") == normalizes
                && kind.ignore_merges == json.model.ignore_merges
        })
    };
    if json.model.byte_fallback {
        return Err("its model falls back to bytes, but does not mark spaces with ▁".to_owned());
    }
    NAMES.into_iter().find(same).ok_or_else(|| {
        format!(
            "it takes text apart in a way that is none of {}",
            NAMES.join(", ")
        )
    })
}

/// The merges as llama.cpp has them.
pub(super) fn merges(json: &TokenizerJson) -> Result<GgufValue, String> {
    let text = |merge: &Merge| match merge {
        Merge::Text(text) if text.matches(' ').count() == 1 => Ok(text.clone()),
        Merge::Pair(left, right) if !left.contains(' ') && !right.contains(' ') => {
            Ok(format!("{left} {right}"))
        }
        Merge::Text(_) | Merge::Pair(..) => Err("a merge of tokens with spaces".to_owned()),
    };
    let merges = json.model.merges.iter().map(text);
    Ok(GgufValue::Texts(merges.collect::<Result<_, _>>()?))
}

/// The steps of a normalizer or pre-tokenizer one after the other, with what they leave unsaid, without what changes no
/// token.
pub(super) fn steps(value: &Value, list: &str) -> Vec<Value> {
    if value.is_null() {
        return Vec::new();
    }
    if value["type"] == "Sequence" {
        let inner = value[list].as_array().into_iter().flatten();
        return inner.flat_map(|value| steps(value, list)).collect();
    }
    let mut step = value.clone();
    if let Some(fields) = step.as_object_mut() {
        fields.remove("trim_offsets");
        let defaults: &[(&str, Value)] = match value["type"].as_str() {
            Some("ByteLevel") => &[
                ("add_prefix_space", json!(true)),
                ("use_regex", json!(true)),
            ],
            Some("Split") => &[("invert", json!(false))],
            Some("Digits") => &[("individual_digits", json!(false))],
            Some("Metaspace") => &[("prepend_scheme", json!("always")), ("split", json!(true))],
            _ => &[],
        };
        for (key, default) in defaults {
            fields.entry(*key).or_insert_with(|| default.clone());
        }
    }
    vec![step]
}
