//! What the files of a tokenizer's directory say of it.

use std::path::Path;

use glpft_checkpoints::{SpecialTokens, TOKENIZER_FILE};
use serde_json::Value;

use super::GgufTokenizer;
use crate::PromptTokenizer;
use crate::tokenizer::TokenizerError;
use crate::tokenizer::load::{read, side_file};

impl GgufTokenizer {
    /// The tokenizer of a Hugging Face directory, which is loaded as `tokenizer`.
    ///
    /// # Errors
    /// A file cannot be read or is no JSON object.
    pub fn of_directory(
        directory: &Path,
        tokenizer: &PromptTokenizer,
    ) -> Result<Self, TokenizerError> {
        let config = side_file(&directory.join("tokenizer_config.json"))?.unwrap_or_default();
        let token = |key: &str| {
            let token = &config[key];
            let text = token.as_str().or_else(|| token["content"].as_str());
            text.map(str::to_owned)
        };
        let special = SpecialTokens {
            bos: token("bos_token"),
            eos: Some(tokenizer.eos_text()),
            pad: token("pad_token"),
            unk: token("unk_token"),
        };
        let chat_template = match template(&config["chat_template"]) {
            Some(template) => Some(template),
            None => template_file(directory)?,
        };
        Ok(Self {
            json: read(&directory.join(TOKENIZER_FILE))?,
            special,
            chat_template,
        })
    }
}

/// A template, or of several the one that is used where none is named.
fn template(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let mut templates = value.as_array()?.iter();
    let default = templates.find(|entry| entry["name"] == "default")?;
    Some(default["template"].as_str()?.to_owned())
}

fn template_file(directory: &Path) -> Result<Option<String>, TokenizerError> {
    let path = directory.join("chat_template.jinja");
    if !path.is_file() {
        let config = side_file(&directory.join("chat_template.json"))?.unwrap_or_default();
        return Ok(template(&config["chat_template"]));
    }
    let text = String::from_utf8(read(&path)?);
    text.map(Some).map_err(|error| TokenizerError::Parse {
        origin: path.display().to_string(),
        reason: error.to_string(),
    })
}
