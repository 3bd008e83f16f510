//! What a study's directory says of the study: the recipe and the bases, which must stay what they were.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{read_json, write_json};
use glpft_recipes::{Recipe, Stage};
use serde::{Deserialize, Serialize};

use super::budget::StageLength;
use super::plan::StudyPlan;
use crate::error::FolderError;
use crate::place::RECIPE;
use crate::{Base, Error};

/// The file in the study's directory.
const STATE_FILE: &str = "study.json";
/// The folder of the cells' runs.
const RUNS: &str = "runs";
/// How many differing keys an error lists.
const LISTED: usize = 5;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The program's version that began it.
    version: String,
    /// The recipe, as TOML.
    recipe: String,
    /// What decides a model that starts from a base, by `model.base`.
    bases: BTreeMap<String, String>,
    /// How long stages train by budgets, as it was counted ([`CountedLengths`](super::CountedLengths)).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lengths: BTreeMap<String, Vec<StageLength>>,
}

/// The lengths that an earlier start of the study in a directory counted; none where there is none.
pub fn known_lengths(out: &Path) -> BTreeMap<String, Vec<StageLength>> {
    let there = read_json::<State>(&out.join(STATE_FILE));
    there.map(|state| state.lengths).unwrap_or_default()
}

/// Refuses a directory that something else lives in.
pub(super) fn check_place(out: &Path) -> Result<(), Error> {
    let what = match out {
        _ if out.join(RECIPE).exists() => "a run",
        _ if out.join(STATE_FILE).exists() => return Ok(()),
        _ if out.join(RUNS).exists() => "runs/",
        _ => return Ok(()),
    };
    Err(Error::Folder(FolderError::NotAStudy {
        path: out.to_owned(),
        what: what.to_owned(),
    }))
}

/// Begins a study, or goes on with the one that is there: of the same recipe and bases, whatever its grid.
pub(super) fn begin(
    out: &Path,
    recipe: &Recipe,
    plan: &StudyPlan,
    lengths: &BTreeMap<String, Vec<StageLength>>,
) -> Result<(), Error> {
    let path = out.join(STATE_FILE);
    let there = path.is_file().then(|| read_json::<State>(&path));
    let mut bases = BTreeMap::new();
    for cell in &plan.cells {
        if !bases.contains_key(&cell.base.path) {
            let fingerprint = Base::resolve(&cell.recipe)?.fingerprint()?;
            bases.insert(cell.base.path.clone(), fingerprint);
        }
    }
    let Some(there) = there.transpose()? else {
        return write(&path, recipe, bases, lengths.clone());
    };
    let known = Recipe::parse(&there.recipe, STATE_FILE, &[])?;
    let mut differences = recipe.differences(&known);
    // The base is a part of the grid.
    differences.retain(|one| !one.may_change(&Stage::ALL) && one.key != "model.base");
    if !differences.is_empty() {
        let listed = differences.iter().take(LISTED);
        let mut listed: Vec<String> = listed
            .map(|one| format!("{} = {} there, {} now", one.key, one.theirs, one.ours))
            .collect();
        if differences.len() > LISTED {
            listed.push(format!("{} more", differences.len() - LISTED));
        }
        return Err(other(out, &listed.join("; ")));
    }
    for (base, fingerprint) in there.bases {
        let now = bases.entry(base.clone()).or_insert(fingerprint.clone());
        if *now != fingerprint {
            return Err(other(out, &format!("{base} holds another model now")));
        }
    }
    let mut lengths = lengths.clone();
    lengths.extend(there.lengths);
    write(&path, recipe, bases, lengths)
}

fn write(
    path: &Path,
    recipe: &Recipe,
    bases: BTreeMap<String, String>,
    lengths: BTreeMap<String, Vec<StageLength>>,
) -> Result<(), Error> {
    let state = State {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        recipe: recipe.to_toml(),
        bases,
        lengths,
    };
    Ok(write_json(path, &state)?)
}

fn other(out: &Path, differences: &str) -> Error {
    Error::Folder(FolderError::OtherStudy {
        path: PathBuf::from(out),
        differences: differences.to_owned(),
    })
}
