//! Where a served model is.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use super::error::ModelServerError;

/// A model's address: the server's, up to and with `/v1`, and the model's name there behind a `#`:
/// `http://127.0.0.1:8000/v1#planner`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelAddress {
    base: String,
    model: String,
}

impl ModelAddress {
    /// Whether a text is meant to be an address: no path of a file looks like it.
    pub fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// The server's address, without the model and without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The server's address without `/v1`: where servers tell of themselves.
    pub(super) fn root(&self) -> &str {
        self.base.strip_suffix("/v1").unwrap_or(&self.base)
    }

    /// The model's name at the server.
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl FromStr for ModelAddress {
    type Err = ModelServerError;

    /// # Errors
    /// A text that is no address, or that holds what may be a key; it is not shown then.
    fn from_str(text: &str) -> Result<Self, ModelServerError> {
        let (base, model) = match text.trim().split_once('#') {
            Some((base, model)) => (base, model.trim()),
            None => (text.trim(), ""),
        };
        let holds_key = base.contains(['?', '@']);
        let wrong = |reason: &str| ModelServerError::Address {
            text: if holds_key { "…" } else { text }.to_owned(),
            reason: reason.to_owned(),
        };
        if holds_key {
            return Err(wrong(
                "give scheme, host and path alone; a key belongs in an environment variable (--model-key)",
            ));
        }
        let uri: Uri = base
            .parse()
            .map_err(|error: ureq::http::uri::InvalidUri| wrong(&error.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it begins with neither http:// nor https://"));
        }
        if uri.host().unwrap_or_default().is_empty() {
            return Err(wrong("it names no host"));
        }
        if model.is_empty() || model.contains(char::is_control) {
            return Err(wrong("it names no model behind a #"));
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            model: model.to_owned(),
        })
    }
}

impl fmt::Display for ModelAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.base, self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_server_and_model() {
        let read = |text: &str| text.parse::<ModelAddress>().map_err(|e| e.to_string());
        let address =
            read("http://127.0.0.1:8000/v1/#org/planner:7b").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.base(), "http://127.0.0.1:8000/v1");
        assert_eq!(address.root(), "http://127.0.0.1:8000");
        assert_eq!(address.model(), "org/planner:7b");
        assert_eq!(
            address.to_string(),
            "http://127.0.0.1:8000/v1#org/planner:7b"
        );
        for (text, told) in [
            ("http://host/v1", "names no model"),
            ("http://host/v1#", "names no model"),
            ("ftp://host/v1#m", "neither http"),
            ("http:///v1#m", ""),
            ("https://user:geheim@host/v1#m", "--model-key"),
            ("https://host/v1?key=geheim#m", "--model-key"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(told), "{text}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
        assert!(ModelAddress::is_meant("http://host/v1#m"));
        assert!(!ModelAddress::is_meant("runs/http"));
    }
}
