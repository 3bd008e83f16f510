//! What sets two recipes apart, and what of a recipe decides what a stage learns.

use std::collections::BTreeMap;
use std::fs;

use crate::{
    FrozenWeights, Moments, Recipe, SourceRecipe, Stage,
    entries::{Entry, entries},
    value::Value,
};

/// Keys of a stage that decide nothing of what is learned.
const UNDECIDING: [&str; 7] = [
    "recompute",
    "eval_every",
    "checkpoint_every",
    "keep_checkpoints",
    "keep_best",
    "on_not_finite",
    "max_not_finite",
];

/// Keys of a stage that decide how many steps it has: what was trained so far counts with any number.
const LENGTH: [&str; 2] = ["epochs", "max_steps"];

/// Keys outside of a stage's table that decide what it learns. What concerns its data and what it starts from counts
/// by content instead.
const SHARED: [&str; 6] = [
    "seed",
    "arrangement",
    "reuse",
    "global_data",
    "data.sampling",
    "data.packing",
];

/// Keys whose values are paths: a file is the same however its path is spelled.
const PATHS: [&str; 9] = [
    "model.base",
    "model.tokenizer",
    "data.source",
    "data.sources",
    "data.test_query_ids",
    "data.prompts",
    "stage.planner.from",
    "stage.caller.from",
    "stage.summarizer.from",
];

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
    /// Whether a run that has begun may go on with the other value: it decides how much memory is taken, what is
    /// written, what becomes of steps that go wrong, or how long training goes on.
    ///
    /// `finished` are the stages that are done: how long they were trained is settled.
    pub fn may_change(&self, finished: &[Stage]) -> bool {
        let stage = self.key.strip_prefix("stage.");
        let Some((stage, key)) = stage.and_then(|rest| rest.split_once('.')) else {
            return false;
        };
        let is_finished = finished.iter().any(|finished| finished.name() == stage);
        UNDECIDING.contains(&key) || LENGTH.contains(&key) && !is_finished
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} here, {} there", self.key, self.ours, self.theirs)
    }
}

impl Recipe {
    /// The keys on which two recipes disagree, in the order in which recipes are written.
    ///
    /// `name` and `description` are for people: they decide nothing in a run and are not compared. Two paths that lead to the same
    /// file agree.
    pub fn differences(&self, theirs: &Recipe) -> Vec<Difference> {
        let (ours, theirs) = (entries(self), entries(theirs));
        let value = |entries: &[Entry], key: &str| {
            let entry = entries.iter().find(|entry| entry.path() == key);
            entry.and_then(|entry| entry.value.clone())
        };
        let shown = |value: &Option<Value>| match value {
            Some(value) => value.to_toml(),
            None => "not set".to_owned(),
        };
        // [model.random] may stand in one of the two alone.
        let mut keys: Vec<String> = ours.iter().map(Entry::path).collect();
        keys.extend(
            theirs
                .iter()
                .map(Entry::path)
                .filter(|key| key.starts_with("model.random.") && self.model.random.is_none()),
        );
        let difference = |key: String| {
            let (ours, theirs) = (value(&ours, &key), value(&theirs, &key));
            let is_path = PATHS.contains(&key.as_str());
            let difference = Difference {
                ours: shown(&ours),
                theirs: shown(&theirs),
                key,
            };
            let same = difference.ours == difference.theirs
                || is_path && lead_to_the_same(ours.as_ref(), theirs.as_ref());
            (!same).then_some(difference)
        };
        keys.into_iter()
            .filter(|key| key != "name" && key != "description")
            .filter_map(difference)
            .collect()
    }

    /// The keys that decide what a stage learns from its data, with their values as TOML; those of the stage itself
    /// without `stage.<name>.`.
    ///
    /// Not among them: what decides how long it goes on, and what counts by its content, the data and the model that it
    /// starts from.
    pub fn deciding(&self, stage: Stage) -> BTreeMap<String, String> {
        let prefix = format!("stage.{}.", stage.name());
        let mut deciding = BTreeMap::new();
        let stage_recipe = self.stage(stage);
        for entry in entries(self) {
            let path = entry.path();
            let key = match path.strip_prefix(&prefix) {
                Some(key)
                    if key != "from" && !UNDECIDING.contains(&key) && !LENGTH.contains(&key) =>
                {
                    key
                }
                None if SHARED.contains(&path.as_str()) => &path,
                _ => continue,
            };
            if let Some(value) = entry.value
                && (key != "moments" || stage_recipe.moments != Moments::F32)
            {
                deciding.insert(key.to_owned(), value.to_toml());
            }
        }
        // What is as it was before there was a choice is left out, so that older checkpoints go on.
        let frozen = stage_recipe.frozen;
        if frozen != FrozenWeights::default() {
            let FrozenWeights {
                held_as,
                double_quantization,
            } = frozen;
            deciding.insert("model.weights".to_owned(), format!("\"{held_as}\""));
            let key = "model.double_quantization".to_owned();
            deciding.insert(key, double_quantization.to_string());
        }
        deciding
    }
}

/// Whether two values of a key of [`PATHS`] name the same files.
fn lead_to_the_same(ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    match (ours, theirs) {
        (Some(Value::Text(ours)), Some(Value::Text(theirs))) => is_same_file(ours, theirs),
        (Some(Value::Sources(ours)), Some(Value::Sources(theirs))) => {
            let same = |ours: &SourceRecipe, theirs: &SourceRecipe| {
                let spelled = SourceRecipe {
                    path: theirs.path.clone(),
                    ..ours.clone()
                };
                spelled == *theirs && is_same_file(&ours.path, &theirs.path)
            };
            let mut pairs = ours.iter().zip(theirs);
            ours.len() == theirs.len() && pairs.all(|(ours, theirs)| same(ours, theirs))
        }
        _ => false,
    }
}

/// Whether two paths lead to one file or directory that is there.
fn is_same_file(ours: &str, theirs: &str) -> bool {
    let file = |path: &str| fs::canonicalize(path).ok();
    ours == theirs || file(ours).is_some_and(|ours| file(theirs) == Some(ours))
}

#[cfg(test)]
mod tests {
    use super::is_same_file;

    #[test]
    fn a_path_is_the_same_however_it_is_spelled() {
        for (ours, theirs, same) in [
            ("src/lib.rs", "./src/lib.rs", true),
            ("src/lib.rs", "src/../src/lib.rs", true),
            ("src", concat!(env!("CARGO_MANIFEST_DIR"), "/src/"), true),
            ("src/lib.rs", "src/plan.rs", false),
            ("absent", "./absent", false),
        ] {
            assert_eq!(is_same_file(ours, theirs), same, "{ours} {theirs}");
        }
    }
}
