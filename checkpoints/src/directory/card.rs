//! The model card.

use std::io::Write;
use std::path::Path;

use crate::{FileError, write_atomically};

/// The file that describes a model to people.
pub const MODEL_CARD_FILE: &str = "README.md";

/// What a `README.md` says about a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelCard {
    /// The heading, such as `planner`.
    pub title: String,
    /// What the model was trained from.
    pub base: String,
    /// What it was trained on.
    pub data: String,
    /// The recipe's name, or its text as TOML (more than one line is shown as code).
    pub recipe: String,
    /// Named results, such as the validation loss.
    pub metrics: Vec<(String, f64)>,
    /// Whether the directory holds an adapter instead of a whole model.
    pub adapter: bool,
    /// The card of the model that it is a copy of, which stays as it is.
    pub copied: Option<String>,
}

impl ModelCard {
    /// Writes `README.md` into the folder `directory`.
    pub fn write_into(&self, directory: &Path) -> Result<(), FileError> {
        let text = self.to_markdown();
        let path = directory.join(MODEL_CARD_FILE);
        write_atomically(&path, |writer| writer.write_all(text.as_bytes()))
    }

    /// The card's text, with the header that the Hugging Face Hub reads.
    pub fn to_markdown(&self) -> String {
        if let Some(text) = &self.copied {
            return text.clone();
        }
        let library = if self.adapter { "peft" } else { "transformers" };
        let mut text = format!(
            "---\nlibrary_name: {library}\npipeline_tag: text-generation\ntags:\n- glpft\n---\n\n\
             # {}\n\n| | |\n| --- | --- |\n| base | {} |\n| data | {} |\n",
            line(&self.title),
            cell(&self.base),
            cell(&self.data),
        );
        let recipe = self.recipe.trim_end();
        if !recipe.contains('\n') {
            text += &format!("| recipe | {} |\n", cell(recipe));
        }
        if !self.metrics.is_empty() {
            text += "\n## Metrics\n\n| metric | value |\n| --- | --- |\n";
            for (name, value) in &self.metrics {
                text += &format!("| {} | {value} |\n", cell(name));
            }
        }
        if recipe.contains('\n') {
            // A fence longer than any inside.
            let ticks = recipe.split(|letter| letter != '`').map(str::len).max();
            let fence = "`".repeat(ticks.unwrap_or(0).max(2) + 1);
            text += &format!("\n## Recipe\n\n{fence}toml\n{recipe}\n{fence}\n");
        }
        text
    }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
