//! Changes of a JSON file that leave it JSON: another value anywhere, a value more, less or elsewhere.

use serde_json::{Value, json};

use super::Mutator;

/// A changed copy of a JSON file, or of a safetensors file with another header; `None` for anything else.
pub(super) fn change(mutator: &mut Mutator, file: &[u8]) -> Option<Vec<u8>> {
    if let Ok(value) = serde_json::from_slice(file) {
        return Some(changed(mutator, value));
    }
    let (size, rest) = file.split_first_chunk()?;
    let (header, data) = rest.split_at_checked(u64::from_le_bytes(*size) as usize)?;
    let header = changed(mutator, serde_json::from_slice(header).ok()?);
    let size = (header.len() as u64).to_le_bytes();
    Some([&size[..], &header, data].concat())
}

fn changed(mutator: &mut Mutator, mut value: Value) -> Vec<u8> {
    let count = places(&value);
    let other = at(&mut value, &mut mutator.below(count)).map(|found| found.clone());
    let new = self::value(mutator, other);
    let mut place = mutator.below(count);
    if let Some(found) = at(&mut value, &mut place) {
        match (found, mutator.below(4)) {
            (Value::Array(items), 0) => items.push(new),
            (Value::Array(items), 1) => drop(items.pop()),
            (Value::Object(map), 0) => {
                let key = map.keys().nth(mutator.below(map.len())).cloned();
                let _ = map.remove(&key.unwrap_or_default());
            }
            (Value::Object(map), 1) => {
                let key = ["", "a", "Name", "eos_token_id", "\u{0}"][mutator.below(5)];
                let _ = map.insert(key.to_owned(), new);
            }
            (found, _) => *found = new,
        }
    }
    value.to_string().into_bytes()
}

/// Zero is what most programs trip over.
fn value(mutator: &mut Mutator, other: Option<Value>) -> Value {
    let numbers = [
        "1e999",
        "-1e999",
        "18446744073709551616",
        "1e-400",
        "0.5",
        "-0.0",
    ];
    match mutator.below(24) {
        0..5 => json!(0),
        5 => json!(-1),
        6 => json!(1),
        7 => json!(3),
        8 => json!(1_u64 << 40),
        9 => json!(u64::MAX),
        10 => json!(i64::MIN),
        11 => json!(u32::MAX),
        12 | 13 => serde_json::from_str(numbers[mutator.below(6)]).unwrap_or_default(),
        14 => Value::Null,
        15 => json!(true),
        16 => json!(""),
        17 => json!([]),
        18 => json!({}),
        19 => json!([[0]]),
        20 => json!("x".repeat(1 << mutator.below(16))),
        21 => json!("é\u{301}</s>\u{0}▁"),
        _ => other.unwrap_or_default(),
    }
}

/// How many values there are, all depths together.
fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(map) => map.values().map(places).sum(),
        _ => 0,
    }
}

/// The value of that number, counted in order.
fn at<'v>(value: &'v mut Value, number: &mut usize) -> Option<&'v mut Value> {
    if *number == 0 {
        return Some(value);
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| at(item, number)),
        Value::Object(map) => map.values_mut().find_map(|item| at(item, number)),
        _ => None,
    }
}
