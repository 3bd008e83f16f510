//! Reading a value out of untrusted JSON, with the path of whatever is not as it should be.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::python::json;
use crate::record_error::RecordError;

/// How many characters of a value or of a key an error shows.
const SHOWN: usize = 60;

/// A JSON value and where it stands in its file.
///
/// An absent key and one whose value is null are the same everywhere: programs that write JSON differ in which of the two
/// they leave of a value that is not there.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    value: &'a Value,
    place: Arc<Place<'a>>,
}

#[derive(Debug)]
enum Place<'a> {
    Root(Cow<'a, str>),
    Key(Arc<Place<'a>>, &'a str),
    Index(Arc<Place<'a>>, usize),
}

impl<'a> Field<'a> {
    /// A value that everything else is read from; `name` heads its parts' paths. It may be empty, for the whole of a file
    /// or of a request.
    pub fn root(value: &'a Value, name: impl Into<Cow<'a, str>>) -> Self {
        Self {
            value,
            place: Arc::new(Place::Root(name.into())),
        }
    }

    /// The value.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands, as `answer_generation.function[3].name`.
    pub fn path(&self) -> String {
        self.to_string()
    }

    /// The value of a key that must be there.
    ///
    /// # Errors
    /// This is no object, or the key is absent or null.
    pub fn key(&self, key: &'a str) -> Result<Field<'a>, RecordError> {
        self.find(key)?.ok_or_else(|| RecordError::Missing {
            key: shortened(key),
            within: self.path(),
            is_null: self.value.get(key).is_some(),
        })
    }

    /// The value of a key that may be absent or null: both are none.
    ///
    /// # Errors
    /// This is no object.
    pub fn find(&self, key: &'a str) -> Result<Option<Field<'a>>, RecordError> {
        let value = self.object()?.get(key).filter(|value| !value.is_null());
        Ok(value.map(|value| Field {
            value,
            place: Arc::new(Place::Key(Arc::clone(&self.place), key)),
        }))
    }

    /// The text of a key that may be absent or null.
    ///
    /// # Errors
    /// This is no object, or the value is no string.
    pub fn find_text(&self, key: &'a str) -> Result<Option<&'a str>, RecordError> {
        self.find(key)?.map(|field| field.text()).transpose()
    }

    /// The object that this is.
    ///
    /// # Errors
    /// It is none.
    pub fn object(&self) -> Result<&'a Map<String, Value>, RecordError> {
        self.value.as_object().ok_or_else(|| self.not("an object"))
    }

    /// The string that this is.
    ///
    /// # Errors
    /// It is none.
    pub fn text(&self) -> Result<&'a str, RecordError> {
        self.value.as_str().ok_or_else(|| self.not("a string"))
    }

    /// The boolean that this is.
    ///
    /// # Errors
    /// It is none.
    pub fn truth(&self) -> Result<bool, RecordError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.not("true or false"))
    }

    /// The number that this is.
    ///
    /// # Errors
    /// It is none, or not finite.
    pub fn number(&self) -> Result<f64, RecordError> {
        let number = self.value.as_number().and_then(Number::as_f64);
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.not("a number"))
    }

    /// The number of at least 1 that this is.
    ///
    /// # Errors
    /// It is no whole number of at least 1.
    pub fn count(&self) -> Result<usize, RecordError> {
        let count = self.value.as_u64().filter(|&count| count > 0);
        count
            .and_then(|count| usize::try_from(count).ok())
            .ok_or_else(|| self.not("a whole number of at least 1"))
    }

    /// The elements of the array that this is.
    ///
    /// # Errors
    /// It is none.
    pub fn elements(
        &self,
    ) -> Result<impl ExactSizeIterator<Item = Field<'a>> + use<'a>, RecordError> {
        let elements = self.value.as_array().ok_or_else(|| self.not("an array"))?;
        let place = Arc::clone(&self.place);
        Ok(elements
            .iter()
            .enumerate()
            .map(move |(index, value)| Field {
                value,
                place: Arc::new(Place::Index(Arc::clone(&place), index)),
            }))
    }

    /// The error that this should be something else.
    pub fn not(&self, expected: impl Into<Cow<'static, str>>) -> RecordError {
        RecordError::Type {
            path: self.path(),
            expected: expected.into(),
            found: shown(self.value),
        }
    }

    /// The error that something is wrong with this, in words that follow its path.
    pub fn wrong(&self, problem: impl Into<String>) -> RecordError {
        RecordError::Wrong {
            path: self.path(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root(name) => f.write_str(name),
            Place::Key(parent, key) => {
                parent.fmt(f)?;
                let is_first = matches!(&**parent, Place::Root(name) if name.is_empty());
                f.write_str(if is_first { "" } else { "." })?;
                f.write_str(&shortened(key))
            }
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The beginning of a text, with three dots where it goes on.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as an error shows it: its JSON, or the beginning of that.
pub(crate) fn shown(value: &Value) -> String {
    if value.is_number() {
        // NaN has a spelling of its own among numbers.
        return shortened(&json::dumps(value).unwrap_or_default());
    }
    let mut beginning = Beginning(Vec::new());
    // Ends with an error where there is more.
    let is_whole = serde_json::to_writer(&mut beginning, value).is_ok();
    let text = String::from_utf8_lossy(&beginning.0);
    match is_whole {
        true => shortened(&text),
        // A character may be cut.
        false => shortened(&format!("{}……", text.trim_end_matches('\u{fffd}'))),
    }
}

/// Takes bytes for as many characters as are shown, and no more.
struct Beginning(Vec<u8>);

impl io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = SHOWN * 4 - self.0.len();
        if room == 0 {
            return Err(io::Error::other("enough"));
        }
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_and_null_are_one() {
        let value = json!({"a": null, "b": [{"c": 1}], "d": "x"});
        let root = Field::root(&value, "");
        assert!(root.find("a").unwrap().is_none());
        assert!(root.find("z").unwrap().is_none());
        assert_eq!(root.find_text("a").unwrap(), None);
        assert_eq!(root.find_text("d").unwrap(), Some("x"));
        assert_eq!(
            root.key("a").unwrap_err().to_string(),
            "there is no `a` (it is null)"
        );
        assert_eq!(root.key("z").unwrap_err().to_string(), "there is no `z`");
        let inner = root.key("b").unwrap().elements().unwrap().next().unwrap();
        assert_eq!(inner.key("z").unwrap_err().to_string(), "`b[0]` has no `z`");
    }

    #[test]
    fn errors_show_path_and_value() {
        let long = "é".repeat(100);
        let value = json!({"a": [3, "x", {"k": [1, 2]}, long, null]});
        let root = Field::root(&value, "[17]");
        let found: Vec<String> = root
            .key("a")
            .unwrap()
            .elements()
            .unwrap()
            .map(|element| element.not("a boolean").to_string())
            .collect();
        assert_eq!(
            found,
            [
                "`[17].a[0]` is 3, not a boolean".to_owned(),
                "`[17].a[1]` is \"x\", not a boolean".to_owned(),
                "`[17].a[2]` is {\"k\":[1,2]}, not a boolean".to_owned(),
                format!("`[17].a[3]` is \"{}…, not a boolean", "é".repeat(59)),
                "`[17].a[4]` is null, not a boolean".to_owned(),
            ]
        );
        let huge = json!({ "k".repeat(1000): vec!["日本"; 100_000] });
        let message = Field::root(&huge, "r").not("a string").to_string();
        assert!(message.chars().count() < 200, "{message}");
        let message = Field::root(&huge, "r").key(&"z".repeat(1000)).unwrap_err();
        assert!(message.to_string().len() < 200, "{message}");
    }

    #[test]
    fn numbers_and_truth() {
        let value = json!([2, 0, 1.5, true, "2"]);
        let root = Field::root(&value, "n");
        let fields: Vec<_> = root.elements().unwrap().collect();
        assert_eq!(fields[0].count().unwrap(), 2);
        assert!(fields[1].count().is_err() && fields[2].count().is_err());
        assert_eq!(fields[2].number().unwrap(), 1.5);
        assert!(fields[4].number().is_err());
        assert!(fields[3].truth().unwrap() && fields[4].truth().is_err());
    }
}
