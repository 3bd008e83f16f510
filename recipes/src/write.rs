//! The resolved recipe as TOML, and what sets two recipes apart.

use crate::{
    Recipe,
    entries::{Entry, entries},
    load::REQUIRED,
};

/// A key on which two recipes disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key from the top, such as `stage.planner.lr`.
    pub key: String,
    /// Its value in the one recipe, as TOML, or `not set`.
    pub ours: String,
    /// Its value in the other.
    pub theirs: String,
}

impl Difference {
    /// Whether a run that has begun may go on with the other value: it decides how much memory is taken and what is
    /// written, not what is learned.
    pub fn may_change(&self) -> bool {
        const MAY_CHANGE: [&str; 4] = [
            "recompute",
            "eval_every",
            "checkpoint_every",
            "keep_checkpoints",
        ];
        let stage = self.key.strip_prefix("stage.");
        let key = stage.and_then(|rest| rest.split_once('.'));
        key.is_some_and(|(_, key)| MAY_CHANGE.contains(&key))
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} here, {} there", self.key, self.ours, self.theirs)
    }
}

impl Recipe {
    /// The recipe as TOML with every default written out; loading it gives an equal recipe.
    ///
    /// Optional keys that are not set stand there as comments, and so do required ones.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# Resolved: every default is written out.\n");
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

    /// The keys on which two recipes disagree, in the order in which recipes are written.
    ///
    /// `name` and `description` are for people: they decide nothing in a run and are not compared.
    pub fn differences(&self, theirs: &Recipe) -> Vec<Difference> {
        let (ours, theirs) = (entries(self), entries(theirs));
        let shown = |entry: Option<&Entry>| match entry.and_then(|entry| entry.value.as_ref()) {
            Some(value) => value.to_toml(),
            None => "not set".to_owned(),
        };
        let find = |entries: &'_ [Entry], path: &str| {
            shown(entries.iter().find(|entry| entry.path() == path))
        };
        // [model.random] may stand in one of the two alone.
        let mut keys: Vec<String> = ours.iter().map(Entry::path).collect();
        keys.extend(
            theirs
                .iter()
                .map(Entry::path)
                .filter(|key| key.starts_with("model.random.") && self.model.random.is_none()),
        );
        keys.into_iter()
            .filter(|key| key != "name" && key != "description")
            .map(|key| Difference {
                ours: find(&ours, &key),
                theirs: find(&theirs, &key),
                key,
            })
            .filter(|difference| difference.ours != difference.theirs)
            .collect()
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
