//! Reading a value out of untrusted JSON, with the path of whatever is not as it should be.

use std::fmt;

use serde_json::{Map, Value};

use super::error::RecordError;

/// A JSON value and where it stands in its file.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    value: &'a Value,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Root(&'a str),
    Element(&'a str, usize),
    Key(&'a Field<'a>, &'a str),
    Index(&'a Field<'a>, usize),
}

impl<'a> Field<'a> {
    /// A value that everything else is read from; `name` heads its parts' paths.
    pub fn root(value: &'a Value, name: &'a str) -> Self {
        Self {
            value,
            place: Place::Root(name),
        }
    }

    /// An element of an array that is not at hand as a JSON value; `name` is the array's.
    pub fn element(value: &'a Value, name: &'a str, index: usize) -> Self {
        Self {
            value,
            place: Place::Element(name, index),
        }
    }

    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The value of a key that must be there.
    pub fn key(&'a self, key: &'a str) -> Result<Field<'a>, RecordError> {
        self.find(key)?.ok_or_else(|| RecordError::Missing {
            key: key.to_owned(),
            within: self.to_string(),
        })
    }

    /// The value of a key that may lack.
    pub fn find(&'a self, key: &'a str) -> Result<Option<Field<'a>>, RecordError> {
        Ok(self.object()?.get(key).map(|value| Field {
            value,
            place: Place::Key(self, key),
        }))
    }

    pub fn object(&self) -> Result<&'a Map<String, Value>, RecordError> {
        self.value.as_object().ok_or_else(|| self.not("an object"))
    }

    pub fn text(&self) -> Result<&'a str, RecordError> {
        self.value.as_str().ok_or_else(|| self.not("a string"))
    }

    pub fn elements(&'a self) -> Result<impl ExactSizeIterator<Item = Field<'a>>, RecordError> {
        let elements = self.value.as_array().ok_or_else(|| self.not("an array"))?;
        Ok(elements.iter().enumerate().map(|(index, value)| Field {
            value,
            place: Place::Index(self, index),
        }))
    }

    /// The error that this should be something else.
    pub fn not(&self, expected: &'static str) -> RecordError {
        RecordError::Type {
            path: self.to_string(),
            expected,
            found: kind(self.value),
        }
    }
}

/// The path, as `answer_generation.function[3].name`.
impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Root(name) => f.write_str(name),
            Place::Element(name, index) => write!(f, "{name}[{index}]"),
            Place::Key(parent, key) => write!(f, "{parent}.{key}"),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
