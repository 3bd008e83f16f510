//! How much longer a tokenizer makes a text before it cuts it.
//!
//! A normalizer may replace a piece of text by a longer one, and a sequence of those by a yet longer one: thirty that
//! double the letter `a` ask for a gigabyte at the first `a`, and the library would try.

use serde::Deserialize;
use serde_json::Value;

/// Real ones come to a dozen.
const MOST: u64 = 1 << 10;

/// The parts of a tokenizer.json that rewrite text.
#[derive(Deserialize)]
struct Rewriting {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    decoder: Value,
}

/// Refuses a tokenizer.json whose normalizer or decoder makes a text more than [`MOST`] times as long.
pub(super) fn check(json: &[u8]) -> Result<(), String> {
    let Rewriting {
        normalizer,
        decoder,
    } = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    for (part, value) in [("normalizer", normalizer), ("decoder", decoder)] {
        if factor(&value) > MOST {
            return Err(format!(
                "its {part} may make a text more than {MOST} times as long"
            ));
        }
    }
    Ok(())
}

/// By what a text grows at most; what does not rewrite counts as nothing. Every list in it is taken for a sequence.
fn factor(value: &Value) -> u64 {
    match value {
        Value::Array(parts) => parts
            .iter()
            .map(factor)
            .fold(1, |product, one| product.saturating_mul(one)),
        Value::Object(object) => {
            let own = object
                .get("content")
                .and_then(Value::as_str)
                .map_or(1, |content| {
                    let replaced = match object
                        .get("pattern")
                        .and_then(|pattern| pattern.get("String"))
                    {
                        Some(Value::String(text)) if !text.is_empty() => text.len(),
                        // An expression may match nothing, between any two letters.
                        _ => return content.len() as u64 + 1,
                    };
                    content.len().div_ceil(replaced).max(1) as u64
                });
            let inner = object.values().map(factor);
            inner.fold(own, |product, one| product.saturating_mul(one))
        }
        _ => 1,
    }
}
