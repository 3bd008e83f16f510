//! Typed access to the keys of a JSON object from outside.

use std::ops::RangeInclusive;
use std::path::Path;

use serde_json::{Map, Value};

use crate::ConfigError;

/// The longest value that a message shows, in characters.
const SHOWN: usize = 60;

/// Typed access to the keys of one object, with errors that name the key.
pub(crate) struct Fields<'a> {
    path: &'a Path,
    /// What the keys' names begin with in messages.
    prefix: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub fn new(path: &'a Path, map: &'a Map<String, Value>) -> Self {
        Self {
            path,
            prefix: String::new(),
            map,
        }
    }

    /// The value of `key`; null counts as absent.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether the object names `key`, even as null.
    pub fn contains(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// Whether a key is absent, or has a value that asks for nothing.
    pub fn says_nothing(&self, key: &str) -> bool {
        match self.get(key) {
            None | Some(Value::Bool(false)) => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::Object(items)) => items.is_empty(),
            Some(_) => false,
        }
    }

    /// The keys that are not null.
    pub fn keys(&self) -> impl Iterator<Item = &'a String> {
        self.map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, _)| key)
    }

    /// Every key.
    pub fn all_keys(&self) -> impl Iterator<Item = &'a String> {
        self.map.keys()
    }

    pub fn invalid(&self, key: &str, message: &str) -> ConfigError {
        ConfigError::Invalid {
            path: self.path.to_owned(),
            key: format!("{}{key}", self.prefix),
            message: message.to_owned(),
        }
    }

    pub fn unsupported(&self, key: &str, advice: &str) -> ConfigError {
        let value = self
            .map
            .get(key)
            .map_or_else(|| "absent".to_owned(), shortened);
        self.unsupported_value(key, value, advice)
    }

    /// [`unsupported`](Self::unsupported) where a part of the value decides, or a word for it.
    pub fn unsupported_value(&self, key: &str, value: String, advice: &str) -> ConfigError {
        ConfigError::Unsupported {
            path: self.path.to_owned(),
            key: format!("{}{key}", self.prefix),
            value,
            advice: advice.to_owned(),
        }
    }

    fn wrong(&self, key: &str, value: &Value, wanted: &str) -> ConfigError {
        self.invalid(
            key,
            &format!("is {}; it must be {wanted}", shortened(value)),
        )
    }

    pub fn text(&self, key: &str) -> Result<Option<String>, ConfigError> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(key, other, "a text")),
        };
        self.get(key).map(text).transpose()
    }

    pub fn flag(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        let flag = |value: &Value| value.as_bool();
        self.convert(key, flag, "true or false")
    }

    pub fn number(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, ConfigError> {
        let wanted = format!("a number from {} to {}", range.start(), range.end());
        let number = |value: &Value| value.as_f64().filter(|number| range.contains(number));
        self.convert(key, number, &wanted)
    }

    pub fn required_number(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
    ) -> Result<f64, ConfigError> {
        let number = self.number(key, range)?;
        number.ok_or_else(|| self.invalid(key, "is missing"))
    }

    /// A number from 1 to `largest`.
    pub fn count(&self, key: &str, largest: usize) -> Result<Option<usize>, ConfigError> {
        let range = 1..=largest;
        let count = |value: &Value| {
            let count = usize::try_from(value.as_u64()?).ok()?;
            range.contains(&count).then_some(count)
        };
        self.convert(key, count, &format!("a whole number from 1 to {largest}"))
    }

    pub fn required_count(&self, key: &str, largest: usize) -> Result<usize, ConfigError> {
        let count = self.count(key, largest)?;
        count.ok_or_else(|| self.invalid(key, "is missing"))
    }

    pub fn object(&self, key: &str) -> Result<Option<Fields<'a>>, ConfigError> {
        let nested = |value: &'a Value| match value {
            Value::Object(map) => Ok(Fields {
                path: self.path,
                prefix: format!("{}{key}.", self.prefix),
                map,
            }),
            other => Err(self.wrong(key, other, "an object or null")),
        };
        self.get(key).map(nested).transpose()
    }

    /// A token id; null and the -1 of old files are none.
    pub fn id(&self, key: &str) -> Result<Option<u32>, ConfigError> {
        if self
            .get(key)
            .is_some_and(|value| value.as_i64() == Some(-1))
        {
            return Ok(None);
        }
        self.convert(key, token_id, "a token id or null")
    }

    /// A token id or a list of them.
    pub fn ids(&self, key: &str) -> Result<Vec<u32>, ConfigError> {
        match self.get(key) {
            Some(Value::Array(ids)) => {
                let ids = ids.iter().map(token_id).collect::<Option<Vec<_>>>();
                ids.ok_or_else(|| self.invalid(key, "must be a token id or a list of them"))
            }
            _ => Ok(self.id(key)?.into_iter().collect()),
        }
    }

    fn convert<T>(
        &self,
        key: &str,
        convert: impl Fn(&Value) -> Option<T>,
        wanted: &str,
    ) -> Result<Option<T>, ConfigError> {
        let value = self.get(key);
        value
            .map(|value| convert(value).ok_or_else(|| self.wrong(key, value, wanted)))
            .transpose()
    }
}

fn token_id(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// A value as it is shown in a message: hostile files have long ones.
pub(crate) fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
