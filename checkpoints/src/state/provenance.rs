//! What a stage's training hangs on, by name, so that a checkpoint can say what has changed since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What decides what a stage learns, each thing under its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The recipe's keys that decide it, with their values.
    pub recipe: BTreeMap<String, String>,
    /// Fingerprints of data and weights: `planner dataset`, `base model`.
    pub data: BTreeMap<String, String>,
}

impl Provenance {
    /// What is different now from what it was `then`, for people; nothing where all is the same.
    pub fn differences(&self, then: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let value = |of: &BTreeMap<String, String>, key: &str| match of.get(key) {
            Some(value) => value.clone(),
            None => "not set".to_owned(),
        };
        for key in changed(&self.recipe, &then.recipe) {
            let (was, is) = (value(&then.recipe, key), value(&self.recipe, key));
            found.push(format!("{key} was {was} and is {is}"));
        }
        for name in changed(&self.data, &then.data) {
            found.push(format!("the {name} is another"));
        }
        found
    }
}

/// What the first steps of a stage were made with, where it went on with something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Steps done with it, and with what was before it.
    pub steps: u64,
    /// What it was.
    pub provenance: Provenance,
}

/// The keys at which two maps differ, sorted.
fn changed<'m>(
    now: &'m BTreeMap<String, String>,
    then: &'m BTreeMap<String, String>,
) -> Vec<&'m str> {
    let absent = then.keys().filter(|key| !now.contains_key(*key));
    let mut keys: Vec<&str> = now.keys().chain(absent).map(String::as_str).collect();
    keys.retain(|key| now.get(*key) != then.get(*key));
    keys.sort_unstable();
    keys
}

/// What did a stage's arithmetic. Another one may round sums differently, so that what is learned differs in its last
/// digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputedBy {
    /// The device, as it was asked for.
    pub device: String,
    /// Threads on a CPU.
    pub threads: usize,
    /// The program's version.
    pub version: String,
    /// Ranks that train together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub ranks: usize,
}

impl Default for ComputedBy {
    fn default() -> Self {
        Self {
            device: String::new(),
            threads: 0,
            version: String::new(),
            ranks: one(),
        }
    }
}

fn one() -> usize {
    1
}

fn is_one(ranks: &usize) -> bool {
    *ranks == 1
}

impl std::fmt::Display for ComputedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            device,
            threads,
            version,
            ranks,
        } = self;
        let s = if *threads == 1 { "" } else { "s" };
        write!(f, "version {version} on {device} with {threads} thread{s}")?;
        match *ranks > 1 {
            true => write!(f, " on each of {ranks} ranks"),
            false => Ok(()),
        }
    }
}
