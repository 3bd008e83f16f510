//! Whether a directory is a model's and nothing else, so that it may be replaced.

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, BASE_FINGERPRINT_FILE, CONFIG_FILE,
    GENERATION_CONFIG_FILE, MODEL_CARD_FILE, TOKENIZER_FILES, WEIGHTS_FILE, WEIGHTS_INDEX_FILE,
};

/// The files of models and adapters beside the tokenizer's and shards.
const FILES: [&str; 8] = [
    CONFIG_FILE,
    GENERATION_CONFIG_FILE,
    MODEL_CARD_FILE,
    WEIGHTS_FILE,
    WEIGHTS_INDEX_FILE,
    ADAPTER_CONFIG_FILE,
    ADAPTER_WEIGHTS_FILE,
    BASE_FINGERPRINT_FILE,
];

/// Takes an empty directory, and one with a model's or an adapter's configuration and no file or folder that does not
/// belong to it. Otherwise says, as a phrase, why not.
pub(super) fn check(directory: &Path) -> Result<(), String> {
    let is_directory = directory
        .symlink_metadata()
        .is_ok_and(|found| found.is_dir());
    if !is_directory {
        return Err("it is a file or a link".to_owned());
    }
    let entries = fs::read_dir(directory).map_err(|error| error.to_string())?;
    let mut empty = true;
    for entry in entries {
        let entry = entry.map_err(|error| error.to_string())?;
        empty = false;
        let name = entry.file_name();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_file || !name.to_str().is_some_and(is_known) {
            return Err(format!("it holds {}", name.to_string_lossy()));
        }
    }
    let has = |name: &str| directory.join(name).is_file();
    match empty || has(CONFIG_FILE) || has(ADAPTER_CONFIG_FILE) {
        true => Ok(()),
        false => Err("it has no config.json".to_owned()),
    }
}

fn is_known(name: &str) -> bool {
    FILES.contains(&name) || TOKENIZER_FILES.contains(&name) || is_shard(name)
}

/// `model-00001-of-00002.safetensors`.
fn is_shard(name: &str) -> bool {
    let numbers = name
        .strip_prefix("model-")
        .and_then(|rest| rest.strip_suffix(".safetensors"))
        .and_then(|rest| rest.split_once("-of-"));
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(number, of)| digits(number) && digits(of))
}
