//! Where real data and models are, and texts cut at separators.

use glpft_data::Text;
use std::path::PathBuf;

/// The folder of real data: `GLPFT_FIXTURES`, or `shared` beside the repository.
pub fn fixtures() -> PathBuf {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    std::env::var_os("GLPFT_FIXTURES").map_or_else(default, PathBuf::from)
}

/// The folder of real models: `GLPFT_MODELS`, or `models` among the fixtures.
pub fn models() -> PathBuf {
    std::env::var_os("GLPFT_MODELS").map_or_else(|| fixtures().join("models"), PathBuf::from)
}

#[allow(dead_code, reason = "each test file uses a part")]
/// A text with separators where it spells `</s>`.
pub fn cut(text: &str) -> Text {
    let mut result = Text::new();
    for (index, part) in text.split("</s>").enumerate() {
        if index > 0 {
            result.separate();
        }
        result.push(part);
    }
    result
}
