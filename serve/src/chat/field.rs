//! A value of a request's body that knows its path.

use serde_json::{Map, Number, Value};

use super::failure::Failure;

/// A value and where it stands, such as `messages[2].content`.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub value: &'a Value,
    pub path: String,
}

impl<'a> Field<'a> {
    /// The body.
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            path: String::new(),
        }
    }

    /// The value of a key; none where it is absent or null.
    pub(super) fn find(&self, key: &str) -> Option<Field<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let path = match self.path.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.path),
        };
        Some(Field { value, path })
    }

    /// The value of a key.
    pub(super) fn key(&self, key: &str) -> Result<Field<'a>, Failure> {
        self.object()?;
        self.find(key)
            .ok_or_else(|| self.wrong(format!("{key:?} is missing")))
    }

    /// The text of a key; none where it is absent or null.
    pub(super) fn find_text(&self, key: &str) -> Result<Option<&'a str>, Failure> {
        self.find(key).map(|field| field.text()).transpose()
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, Failure> {
        let object = self.value.as_object();
        object.ok_or_else(|| self.wrong("must be an object"))
    }

    pub(super) fn text(&self) -> Result<&'a str, Failure> {
        let text = self.value.as_str();
        text.ok_or_else(|| self.wrong("must be a string"))
    }

    pub(super) fn truth(&self) -> Result<bool, Failure> {
        let truth = self.value.as_bool();
        truth.ok_or_else(|| self.wrong("must be true or false"))
    }

    pub(super) fn elements(&self) -> Result<impl Iterator<Item = Field<'a>> + use<'a>, Failure> {
        let Some(elements) = self.value.as_array() else {
            return Err(self.wrong("must be a list"));
        };
        let path = self.path.clone();
        Ok(elements
            .iter()
            .enumerate()
            .map(move |(index, value)| Field {
                value,
                path: format!("{path}[{index}]"),
            }))
    }

    /// The number of elements of a list.
    pub(super) fn len(&self) -> usize {
        self.value.as_array().map_or(0, Vec::len)
    }

    /// A number that is finite.
    pub(super) fn number(&self) -> Result<f64, Failure> {
        let number = self.value.as_number().and_then(Number::as_f64);
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.wrong("must be a number"))
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self) -> Result<usize, Failure> {
        let count = self.value.as_u64().filter(|&count| count > 0);
        count
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| self.wrong("must be a whole number of at least 1"))
    }

    pub(super) fn wrong(&self, problem: impl Into<String>) -> Failure {
        let problem = problem.into();
        match self.path.is_empty() {
            true => Failure::invalid("", format!("the body: {problem}")),
            false => Failure::invalid(&self.path, format!("{}: {problem}", self.path)),
        }
    }
}
