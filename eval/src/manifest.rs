//! `evaluation.json`: what decides an evaluation's result.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The manifest's file.
pub const MANIFEST_FILE: &str = "evaluation.json";

/// What decides what is predicted, by name: the team's and the data's fingerprints, the settings. An interrupted
/// evaluation goes on only where all of it is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What decides.
    pub decides: BTreeMap<String, String>,
    /// What does not, and is worth to know: paths, the program's version.
    #[serde(default)]
    pub about: BTreeMap<String, String>,
}

impl Manifest {
    /// What an earlier start had and this one has not, as `name: earlier, now other`; nothing where they agree.
    pub fn differences(&self, now: &Manifest) -> Vec<String> {
        let absent = "absent".to_owned();
        let names: std::collections::BTreeSet<&String> =
            self.decides.keys().chain(now.decides.keys()).collect();
        names
            .into_iter()
            .filter_map(|name| {
                let then = self.decides.get(name).unwrap_or(&absent);
                let now = now.decides.get(name).unwrap_or(&absent);
                (then != now).then(|| format!("{name}: {}, now {}", short(then), short(now)))
            })
            .collect()
    }
}

/// Enough of a fingerprint to tell it by.
fn short(value: &str) -> String {
    const SHOWN: usize = 60;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
