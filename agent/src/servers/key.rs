//! Secrets.

use std::fmt;

use super::error::ServerError;

/// A key for a server. It is sent to that server and shown nowhere, [`fmt::Debug`] included.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The value of an environment's variable; `None` where it is not set or empty.
    ///
    /// # Errors
    /// A value that no header can hold.
    pub fn from_environment(variable: &str) -> Result<Option<Self>, ServerError> {
        match std::env::var_os(variable) {
            None => Ok(None),
            Some(value) => Self::new(variable, &value.to_string_lossy()),
        }
    }

    /// A key of this value, which came from `name`; `None` where it is empty.
    ///
    /// # Errors
    /// A value that no header can hold.
    pub fn new(name: &str, value: &str) -> Result<Option<Self>, ServerError> {
        if value.is_empty() {
            return Ok(None);
        }
        if !value.chars().all(|character| character.is_ascii_graphic()) {
            return Err(ServerError::Key {
                variable: name.to_owned(),
            });
        }
        Ok(Some(Self(value.to_owned())))
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// A text without the key.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(not shown)")
    }
}
