//! Names and patterns of modules in an adapter's settings.

use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::AdapterError;
use crate::ConfigError;
use crate::config::fields::Fields;

/// The longest list of names or patterns.
pub(super) const LARGEST_LIST: usize = 1 << 14;
/// The longest regular expression, in bytes.
const LONGEST_PATTERN: usize = 1 << 12;
/// Bounds on what a hostile regular expression takes: bytes when compiled, steps of a match.
const PATTERN_BYTES: usize = 1 << 20;
const PATTERN_STEPS: usize = 1 << 16;

/// Which modules are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleNames {
    /// These: whole paths, or the ends of paths after a dot, such as `q_proj`.
    Names(Vec<String>),
    /// Those whose whole path a regular expression matches.
    Pattern(String),
    /// Every linear map but the output head.
    AllLinear,
}

impl ModuleNames {
    /// What PEFT calls [`AllLinear`](Self::AllLinear).
    pub(super) const ALL_LINEAR: &str = "all-linear";

    /// As `adapter_config.json` has it.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Names(names) => json!(names),
            Self::Pattern(pattern) => json!(pattern),
            Self::AllLinear => json!(Self::ALL_LINEAR),
        }
    }
}

impl<T: Into<String>> FromIterator<T> for ModuleNames {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self::Names(names.into_iter().map(Into::into).collect())
    }
}

/// Checks one regular expression of the setting `key`.
pub(super) fn check_pattern(fields: &Fields, key: &str, pattern: &str) -> Result<(), ConfigError> {
    match compile(pattern) {
        Ok(_) => Ok(()),
        Err(message) => Err(fields.invalid(key, &wrong_pattern(pattern, &message))),
    }
}

/// Checks the regular expressions of the setting `key`, and their number.
pub(super) fn check_patterns<'a>(
    fields: &Fields,
    key: &str,
    patterns: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), ConfigError> {
    if patterns.len() > LARGEST_LIST {
        return Err(fields.invalid(key, "has too many entries"));
    }
    for pattern in patterns {
        check_pattern(fields, key, pattern)?;
    }
    Ok(())
}

fn wrong_pattern(pattern: &str, message: &str) -> String {
    let shown: String = pattern.chars().take(80).collect();
    format!("{shown:?} is not a usable regular expression: {message}")
}

/// A regular expression of Python's kind.
fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("it is longer than {LONGEST_PATTERN} bytes"));
    }
    let built = RegexBuilder::new(pattern)
        .backtrack_limit(PATTERN_STEPS)
        .delegate_size_limit(PATTERN_BYTES)
        .delegate_dfa_size_limit(PATTERN_BYTES)
        .build();
    built.map_err(|error| {
        let message = error.to_string();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        message.chars().take(160).collect()
    })
}

/// A regular expression of the setting `key`, ready.
pub(super) struct Pattern {
    pub key: &'static str,
    pub text: String,
    pub regex: Regex,
}

impl Pattern {
    /// `whole` is what is matched, with the pattern's own text in it.
    pub fn new(key: &'static str, text: &str, whole: &str) -> Result<Self, AdapterError> {
        let text = text.to_owned();
        match compile(whole) {
            Ok(regex) => Ok(Self { key, text, regex }),
            Err(message) => Err(AdapterError::Pattern { key, text, message }),
        }
    }

    pub fn matches(&self, path: &str) -> Result<bool, AdapterError> {
        let found = self.regex.is_match(path);
        found.map_err(|error| AdapterError::Pattern {
            key: self.key,
            text: self.text.clone(),
            message: error.to_string(),
        })
    }
}
