//! What a folder without a model's safetensors holds instead.

use std::path::Path;

use crate::{FileError, parts};

/// Kinds of files that hold weights and are not read, and what to do.
const KINDS: [(&[&str], &str); 3] = [
    (&["gguf"], "give the path of that file itself"),
    (
        &["bin", "pt", "pth", "ckpt", "h5", "msgpack", "onnx", "npz"],
        "convert it to safetensors, which alone are read (in transformers, from_pretrained and then save_pretrained)",
    ),
    (
        &["safetensors"],
        "name it model.safetensors if it is the whole model under Hugging Face's names",
    ),
];

/// What weights of another kind or name lie in the folder, as the end of a sentence; empty where there are none.
pub(super) fn hint(directory: &Path) -> Result<String, FileError> {
    // A folder that cannot be listed has a better explanation than "no weights".
    let entries = std::fs::read_dir(directory)
        .map_err(|source| FileError::new("open the model folder", directory, source))?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
    names.sort();
    if let Some(part) = names
        .iter()
        .find(|name| name.ends_with(".safetensors") && parts::Part::of(name).is_some())
    {
        return Ok(format!(
            "; there is {part}, a part of a model without its index: fetch model.safetensors.index.json and every part"
        ));
    }
    for (extensions, advice) in KINDS {
        let of_kind = |name: &&String| {
            let extension = name.rsplit_once('.').map(|(_, extension)| extension);
            extension.is_some_and(|extension| extensions.contains(&extension))
        };
        if let Some(found) = names.iter().find(of_kind) {
            let found: String = found.chars().take(80).collect();
            return Ok(format!("; there is {found}: {advice}"));
        }
    }
    Ok(String::new())
}
