//! `--set key.path=value`.

use std::{fmt, str::FromStr};

use crate::{RecipeError, place::shown};

/// One value set from outside the recipe file; later overrides win.
///
/// The value is read as TOML (`1e-4`, `true`, `["q_proj", "v_proj"]`, `"text"`); what is no TOML value is a
/// string (`/some/path`), and a list of strings may be given as `q_proj,v_proj`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl Override {
    /// Sets the key at a dotted path, such as `stage.global.lr`, to a value as it would be typed.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Override {
        Override {
            key: key.into(),
            value: value.into(),
        }
    }
}

impl FromStr for Override {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Override, RecipeError> {
        let wrong = |message: &str| RecipeError::Override {
            text: shown(text),
            message: message.to_owned(),
        };
        let (key, value) = text.split_once('=').ok_or_else(|| wrong("no `=`"))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(wrong("no key before the `=`"));
        }
        if value.is_empty() {
            return Err(wrong("no value after the `=`"));
        }
        Ok(Override::new(key, value))
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}
