//! The tokenizer's files of a model directory.

use std::io::Write;
use std::path::Path;

use serde_json::{Map, Value};

use super::copy;
use crate::{FileError, JsonError, WeightsError, read_json, write_atomically, write_json};

/// The file that holds the whole tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

/// Every file that belongs to a tokenizer; a directory has some of them.
pub const TOKENIZER_FILES: [&str; 10] = [
    TOKENIZER_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
];

/// What transformers reads a tokenizer's settings from.
const CONFIG: &str = "tokenizer_config.json";
/// Its key that names Python files beside it.
const CODE: &str = "auto_map";

/// Where a directory's tokenizer comes from.
#[derive(Clone, Copy, Debug)]
pub enum TokenizerSource<'a> {
    /// Another model directory: its files are copied byte for byte, but for what no other program could read there: a
    /// byte order mark before JSON, and the names of Python files, which do not come along.
    Directory(&'a Path),
    /// A tokenizer made here: the files that transformers needs are written around it.
    Made {
        /// The content of `tokenizer.json`.
        json: &'a [u8],
        /// Its special tokens.
        special: &'a SpecialTokens,
        /// Its chat template, if it has one.
        chat_template: Option<&'a str>,
    },
}

/// The tokens with a role, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Begins a text.
    pub bos: Option<String>,
    /// Ends a text.
    pub eos: Option<String>,
    /// Fills rows.
    pub pad: Option<String>,
    /// Stands for what the vocabulary lacks.
    pub unk: Option<String>,
}

impl SpecialTokens {
    fn to_json(&self) -> Map<String, Value> {
        let tokens = [
            ("bos_token", &self.bos),
            ("eos_token", &self.eos),
            ("pad_token", &self.pad),
            ("unk_token", &self.unk),
        ];
        let given = |(key, token): (&str, &Option<String>)| {
            Some((key.to_owned(), Value::from(token.clone()?)))
        };
        tokens.into_iter().filter_map(given).collect()
    }
}

impl TokenizerSource<'_> {
    /// Writes the tokenizer's files into the folder `directory`. `max_length` is the longest
    /// text in tokens, for a tokenizer made here.
    pub fn write_into(
        &self,
        directory: &Path,
        max_length: Option<usize>,
    ) -> Result<(), WeightsError> {
        match self {
            Self::Directory(source) => Ok(copy_files(source, directory)?),
            Self::Made {
                json,
                special,
                chat_template,
            } => make_files(json, special, *chat_template, directory, max_length),
        }
    }
}

fn copy_files(source: &Path, directory: &Path) -> Result<(), FileError> {
    // Always attempted, so that its absence is the error.
    copy(
        &source.join(TOKENIZER_FILE),
        &directory.join(TOKENIZER_FILE),
    )?;
    for name in &TOKENIZER_FILES[1..] {
        let path = source.join(name);
        if !path.is_file() {
            continue;
        }
        let to = directory.join(name);
        match *name == CONFIG && names_code(&path) {
            true => copy_without_code(&path, &to)?,
            false => copy(&path, &to)?,
        }
    }
    Ok(())
}

/// Whether a `tokenizer_config.json` names Python files.
fn names_code(path: &Path) -> bool {
    read_json::<Map<String, Value>>(path).is_ok_and(|config| config.contains_key(CODE))
}

fn copy_without_code(from: &Path, to: &Path) -> Result<(), FileError> {
    let copied = read_json::<Map<String, Value>>(from).and_then(|mut config| {
        config.shift_remove(CODE);
        write_json(to, &config)
    });
    match copied {
        Ok(()) => Ok(()),
        Err(JsonError::File(error)) => Err(error),
        // It was JSON a moment ago.
        Err(JsonError::Content { .. }) => copy(from, to),
    }
}

fn make_files(
    json: &[u8],
    special: &SpecialTokens,
    chat_template: Option<&str>,
    directory: &Path,
    max_length: Option<usize>,
) -> Result<(), WeightsError> {
    write_atomically(&directory.join(TOKENIZER_FILE), |writer| {
        writer.write_all(json)
    })?;
    let tokens = special.to_json();
    write_json(&directory.join("special_tokens_map.json"), &tokens)?;
    let mut config = tokens;
    if let Some(template) = chat_template {
        config.insert("chat_template".into(), template.into());
    }
    config.insert("clean_up_tokenization_spaces".into(), false.into());
    if let Some(length) = max_length {
        config.insert("model_max_length".into(), length.into());
    }
    config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
    Ok(write_json(&directory.join(CONFIG), &config)?)
}
