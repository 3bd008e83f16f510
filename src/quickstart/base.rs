//! The small model that the quick start begins with.
//!
//! It was trained by this program on worlds of other seeds: `base/README.md` says how, and what it has not seen.

use std::io::Write;
use std::path::Path;

use glpft_checkpoints::{FileError, create_directory_atomically, write_atomically};

use crate::Error;

/// Name and content of its files: a Hugging Face model directory.
const FILES: [(&str, &[u8]); 6] = [
    ("config.json", include_bytes!("base/config.json")),
    (
        "generation_config.json",
        include_bytes!("base/generation_config.json"),
    ),
    (
        "model.safetensors",
        include_bytes!("base/model.safetensors"),
    ),
    (
        "special_tokens_map.json",
        include_bytes!("base/special_tokens_map.json"),
    ),
    ("tokenizer.json", include_bytes!("base/tokenizer.json")),
    (
        "tokenizer_config.json",
        include_bytes!("base/tokenizer_config.json"),
    ),
];

/// Writes the model as the directory `path`, unless it is there.
///
/// # Errors
/// The disk refuses.
pub fn write_base(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    create_directory_atomically(path, |directory| {
        for (name, content) in FILES {
            write_atomically(&directory.join(name), |file| file.write_all(content))?;
        }
        Ok::<(), FileError>(())
    })?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use super::*;

    /// Content is never cut at added tokens, by Hugging Face it is: where every word is the vocabulary's own, both agree.
    #[test]
    fn its_tokenizer_adds_no_words() {
        let (_, file) = FILES
            .iter()
            .find(|(name, _)| *name == "tokenizer.json")
            .unwrap();
        let tokenizer: serde_json::Value = serde_json::from_slice(file).unwrap();
        let added = tokenizer["added_tokens"].as_array().unwrap();
        assert!(!added.is_empty());
        for token in added {
            assert_eq!(token["special"], true, "{token}");
        }
    }
}
