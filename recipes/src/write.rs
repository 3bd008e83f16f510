//! The resolved recipe as TOML.

use crate::{
    Recipe,
    entries::{Entry, entries},
    required::REQUIRED,
};

/// Begins a resolved recipe.
pub(crate) const RESOLVED: &str = "# Resolved: every default is written out.";

impl Recipe {
    /// The recipe as TOML with every default written out; loading it gives an equal recipe.
    ///
    /// Optional keys that are not set stand there as comments, and so do required ones.
    pub fn to_toml(&self) -> String {
        self.to_toml_with(&[])
    }

    /// [`to_toml`](Self::to_toml) with lines of comment at its head.
    pub fn to_toml_with(&self, comments: &[String]) -> String {
        let mut text = format!("{RESOLVED}\n");
        for line in comments.iter().flat_map(|comment| comment.lines()) {
            text.push_str(&format!("# {line}\n"));
        }
        let mut table = String::new();
        for entry in entries(self) {
            if entry.table != table {
                text.push_str(&format!("\n[{}]\n", entry.table));
                if let Some(comment) = comment(&entry.table) {
                    text.push_str(&format!("# {comment}\n"));
                }
                table.clone_from(&entry.table);
            }
            text.push_str(&line(&entry));
        }
        text
    }
}

fn line(entry: &Entry) -> String {
    if let Some(value) = &entry.value {
        return format!("{} = {}\n", entry.key, value.to_toml());
    }
    let path = entry.path();
    match REQUIRED.iter().find(|required| required.key == path) {
        Some(required) => format!("# {} = …   # to be set: {}\n", entry.key, required.what),
        None => format!("# {} is not set\n", entry.key),
    }
}

/// What a reader of the file cannot guess.
fn comment(table: &str) -> Option<&'static str> {
    Some(match table {
        "data" => {
            "`behaviour` only chose the defaults of the keys from give_up_history to sampling."
        }
        "stage.global" => "The backbone on whole trajectories.",
        "stage.planner" => {
            "from: \"global\" (the run's global model), \"base\" or a model directory."
        }
        "stage.global.lora" => "Used where `tune` is \"lora\".",
        _ => return None,
    })
}
