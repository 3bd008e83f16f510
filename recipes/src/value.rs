//! A key's value, checked against the schema.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::{
    Place, RecipeError, SourceRecipe,
    keys::Kind,
    nearest::{listed, nearest},
    place::shown,
};

mod sources;

/// A value of the type that its key asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Flag(bool),
    Whole(u64),
    Real(f64),
    Texts(Vec<String>),
    Wholes(BTreeMap<String, u64>),
    Reals(BTreeMap<String, f64>),
    Sources(Vec<SourceRecipe>),
}

impl Value {
    /// Reads and range-checks `value` for the key at `path`.
    pub(crate) fn read(
        kind: Kind,
        path: &str,
        value: &DeValue<'_>,
        place: &dyn Fn() -> Place,
    ) -> Result<Value, RecipeError> {
        let wrong_type = || RecipeError::WrongType {
            place: place(),
            key: path.to_owned(),
            expected: kind.to_string(),
            found: found(value),
        };
        let out_of_range = |value: &str, allowed: String| RecipeError::OutOfRange {
            place: place(),
            key: path.to_owned(),
            value: shown(value),
            allowed,
        };
        match (kind, value) {
            (Kind::Text, DeValue::String(text)) => {
                if text.trim().is_empty() {
                    return Err(out_of_range("empty", "any other text".to_owned()));
                }
                Ok(Value::Text(text.to_string()))
            }
            (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
            (Kind::Whole(least, most), DeValue::Integer(number)) => {
                u64::from_str_radix(number.as_str(), number.radix())
                    .ok()
                    .filter(|number| (least..=most).contains(number))
                    .map(Value::Whole)
                    .ok_or_else(|| out_of_range(number.as_str(), format!("{least} to {most}")))
            }
            (Kind::Real(bounds), DeValue::Integer(_) | DeValue::Float(_)) => {
                let (text, number) = match value {
                    DeValue::Integer(number) => (
                        number.as_str(),
                        i64::from_str_radix(number.as_str(), number.radix())
                            .ok()
                            .map(|n| n as f64),
                    ),
                    DeValue::Float(number) => (number.as_str(), number.as_str().parse().ok()),
                    _ => return Err(wrong_type()),
                };
                number
                    .filter(|number| bounds.holds(*number))
                    .map(Value::Real)
                    .ok_or_else(|| out_of_range(text, bounds.to_string()))
            }
            (Kind::Choice(names), DeValue::String(name)) => {
                if names.contains(&name.as_ref()) {
                    return Ok(Value::Text(name.to_string()));
                }
                let hint = nearest(name, names.iter().copied())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                Err(RecipeError::UnknownChoice {
                    place: place(),
                    key: path.to_owned(),
                    value: shown(name),
                    allowed: listed(names) + &hint,
                })
            }
            (Kind::Texts, DeValue::Array(items)) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Ok(text.to_string()),
                    other => Err(RecipeError::WrongType {
                        place: place(),
                        key: path.to_owned(),
                        expected: kind.to_string(),
                        found: format!("{} in the array", found(other)),
                    }),
                })
                .collect::<Result<_, _>>()
                .map(Value::Texts),
            (Kind::Wholes(least, most), DeValue::Table(_)) => {
                let read = |value| match value {
                    Value::Whole(number) => Some(number),
                    _ => None,
                };
                each(Kind::Whole(least, most), path, value, place, read).map(Value::Wholes)
            }
            (Kind::Reals(bounds), DeValue::Table(_)) => {
                let read = |value| match value {
                    Value::Real(number) => Some(number),
                    _ => None,
                };
                each(Kind::Real(bounds), path, value, place, read).map(Value::Reals)
            }
            (Kind::Sources, DeValue::Array(items)) => {
                sources::read(path, items, place).map(Value::Sources)
            }
            _ => Err(wrong_type()),
        }
    }

    /// The value as TOML text, which reads back as the same value.
    pub(crate) fn to_toml(&self) -> String {
        match self {
            Value::Text(text) => quoted(text),
            Value::Flag(flag) => flag.to_string(),
            Value::Whole(number) => number.to_string(),
            // Rust's shortest round-trip spelling (`5e-5`, `0.4`) is a TOML float.
            Value::Real(number) => format!("{number:?}"),
            Value::Texts(items) => {
                let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Wholes(items) => table(items.iter(), u64::to_string),
            Value::Reals(items) => table(items.iter(), |number| format!("{number:?}")),
            Value::Sources(sources) => sources::to_toml(sources),
        }
    }
}

/// The values of a table whose keys its writer chooses, each of one kind.
fn each<T>(
    kind: Kind,
    path: &str,
    value: &DeValue<'_>,
    place: &dyn Fn() -> Place,
    read: impl Fn(Value) -> Option<T>,
) -> Result<BTreeMap<String, T>, RecipeError> {
    let DeValue::Table(values) = value else {
        return Ok(BTreeMap::new());
    };
    let mut items = BTreeMap::new();
    for (name, value) in values {
        let name = name.get_ref();
        let path = format!("{path}.{}", shown(name));
        let value = Value::read(kind, &path, value.get_ref(), place)?;
        items.extend(read(value).map(|value| (name.to_string(), value)));
    }
    Ok(items)
}

/// An inline table.
fn table<'a, T: 'a>(
    items: impl Iterator<Item = (&'a String, &'a T)>,
    text: impl Fn(&T) -> String,
) -> String {
    let items: Vec<String> = items
        .map(|(name, value)| format!("{} = {}", quoted(name), text(value)))
        .collect();
    match items.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{ {} }}", items.join(", ")),
    }
}

/// A value as messages name it.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string \"{}\"", shown(text)),
        DeValue::Integer(number) => format!("the integer {}", shown(number.as_str())),
        DeValue::Float(number) => format!("the float {}", shown(number.as_str())),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A TOML basic string.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
