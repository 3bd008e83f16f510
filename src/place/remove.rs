//! `--overwrite`: what of a run makes way for a new start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{FileError, RunDirectory, remove_directory_atomically};
use glpft_recipes::{Recipe, Stage, StartFrom};

use super::{FOLDERS, LOGS_FOLDER, RECIPE, ROUNDS_FOLDER};
use crate::Error;
use crate::evaluate::EVAL_FOLDER;
use crate::prepare::IfChanged;
use crate::report::REPORT_FILE;
use crate::tensorboard::TENSORBOARD_FOLDER;

/// What of a run makes way for a new start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal<'a> {
    /// Nothing: it goes on if it is the same.
    Nothing,
    /// Nothing: it goes on even where it is not the same.
    NothingAnyway,
    /// Some stages and their models.
    Stages(&'a [Stage]),
    /// All of it.
    Everything,
}

impl Removal<'_> {
    /// What becomes of data that changed.
    pub fn if_changed(self) -> IfChanged {
        match self {
            Self::NothingAnyway => IfChanged::Accept,
            _ => IfChanged::Refuse,
        }
    }

    /// The folders that will go.
    fn folders(self, root: &Path) -> Vec<PathBuf> {
        match self {
            Self::Nothing | Self::NothingAnyway => Vec::new(),
            // Evaluations, curves and rounds are of the models that go.
            Self::Everything => [
                &FOLDERS[..],
                &[EVAL_FOLDER, TENSORBOARD_FOLDER, ROUNDS_FOLDER, LOGS_FOLDER],
            ]
            .concat()
            .iter()
            .map(|folder| root.join(folder))
            .collect(),
            // The model last: as long as it is there the stage counts as finished, and is removed again.
            Self::Stages(stages) => stages
                .iter()
                .flat_map(|stage| {
                    let of = |folder: &str| root.join(folder).join(stage.name());
                    [of("stages"), of("models")]
                })
                .collect(),
        }
    }

    /// What of worth will go: finished models and evaluations, as their paths in the run's directory.
    pub fn losses(self, root: &Path) -> Vec<String> {
        let entries = |folder: &str| -> Vec<String> {
            let Ok(entries) = fs::read_dir(root.join(folder)) else {
                return Vec::new();
            };
            let names = entries.flatten().map(|entry| entry.file_name());
            let names = names.filter_map(|name| name.into_string().ok());
            let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
            names.sort();
            names
                .iter()
                .map(|name| format!("{folder}/{name}"))
                .collect()
        };
        let mut losses = entries("models");
        match self {
            Self::Nothing | Self::NothingAnyway => return Vec::new(),
            Self::Everything => {
                losses.extend(entries(EVAL_FOLDER));
                losses.extend(entries(ROUNDS_FOLDER));
            }
            Self::Stages(stages) => losses.retain(|path| {
                let name = path.strip_prefix("models/");
                stages.iter().any(|stage| name == Some(stage.name()))
            }),
        }
        losses
    }

    /// Refuses a recipe that reads what would be removed: a model of the old run to start from, its data.
    ///
    /// # Errors
    /// The recipe reads such a thing.
    pub fn check(self, root: &Path, recipe: &Recipe) -> Result<(), Error> {
        let folders = self.folders(root);
        let folders: Vec<PathBuf> = folders
            .iter()
            .filter_map(|one| one.canonicalize().ok())
            .collect();
        let global = root.join("models/global").canonicalize().ok();
        let root = root.canonicalize().ok();
        for path in paths(recipe) {
            let Ok(mut read) = Path::new(path).canonicalize() else {
                continue;
            };
            // A run's directory as something to start from means its global model.
            if let (Some(global), true) = (&global, Some(&read) == root.as_ref()) {
                read = global.clone();
            }
            if folders.iter().any(|folder| read.starts_with(folder)) {
                return Err(Error::Argument {
                    argument: "--overwrite",
                    problem: format!(
                        "it would remove {path}, which is to be read; choose another --out, or copy that first"
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Every path that a recipe reads.
fn paths(recipe: &Recipe) -> Vec<&str> {
    let data = &recipe.data;
    let mut paths = vec![data.source.as_str(), recipe.model.base.as_str()];
    paths.extend(data.sources.iter().map(|part| part.path.as_str()));
    paths.extend(data.test_query_ids.as_deref());
    paths.extend(data.prompts.as_deref());
    paths.extend(recipe.model.tokenizer.as_deref());
    for stage in Stage::ALL {
        if let StartFrom::Directory(directory) = &recipe.stage(stage).from {
            paths.push(directory);
        }
    }
    paths
}

/// Removes it. `there` is the run of the same recipe that is there.
pub(super) fn remove(
    root: &Path,
    there: Option<&RunDirectory>,
    removal: Removal<'_>,
) -> Result<(), Error> {
    let recipe = root.join(RECIPE);
    let is_run = match removal {
        Removal::Nothing | Removal::NothingAnyway => false,
        Removal::Everything => recipe.is_file(),
        Removal::Stages(_) => there.is_some(),
    };
    if !is_run {
        return Ok(());
    }
    // They tell of what goes.
    remove_file(&root.join("summary.json"))?;
    remove_file(&root.join(REPORT_FILE))?;
    for folder in removal.folders(root) {
        if folder.is_dir() {
            remove_directory_atomically(&folder)?;
        }
    }
    match removal {
        // Last: it marks the rest as a run's.
        Removal::Everything => remove_file(&recipe),
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", path, error).into())
        }
        _ => Ok(()),
    }
}
