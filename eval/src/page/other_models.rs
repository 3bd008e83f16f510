//! Whether an evaluation is of the models that the run has now.

use std::collections::BTreeMap;
use std::path::Path;

use glpft_agent::Role;
use glpft_checkpoints::read_json;

use crate::manifest::Manifest;

/// The roles that a manifest tells of other models.
pub(super) fn others(
    path: &Path,
    models: &BTreeMap<String, String>,
    problems: &mut Vec<String>,
) -> Vec<String> {
    if !path.is_file() {
        // Predictions that somebody put there: nobody knows whose.
        return Vec::new();
    }
    let manifest: Manifest = match read_json(path) {
        Ok(manifest) => manifest,
        Err(error) => {
            problems.push(error.to_string());
            return Vec::new();
        }
    };
    Role::ALL
        .into_iter()
        .map(Role::name)
        .filter(|role| {
            let then = manifest.decides.get(*role);
            then.is_some() && then != models.get(*role)
        })
        .map(str::to_owned)
        .collect()
}
