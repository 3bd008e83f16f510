//! The layout of a run directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::atomic::remove_leftovers_of;
use crate::{FileError, remove_leftovers, write_atomically};

/// The directory that one recipe's run leaves everything in.
///
/// ```text
/// recipe.toml                resolved, every default written out
/// data/                      prepared data, prepare.json
/// stages/<stage>/            checkpoint-<step>/, train_log.jsonl, trainer_state.json
/// models/<role>/             finished: Hugging Face layout or PEFT adapter
/// summary.json
/// .leases/                   who is at work here (Lease)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// Makes the directory and its folders where they are missing, and checks that it can
    /// be written to. What is there stays.
    pub fn create(root: &Path) -> Result<Self, FileError> {
        let run = Self {
            root: root.to_owned(),
        };
        for folder in [run.data(), run.stages(), run.models()] {
            fs::create_dir_all(&folder)
                .map_err(|source| FileError::new("create the run's folder", &folder, source))?;
        }
        // Now, not after the first hour of training.
        let probe = root.join(".writable");
        write_atomically(&probe, |_| Ok(()))?;
        fs::remove_file(&probe).map_err(|source| FileError::new("remove", &probe, source))?;
        Ok(run)
    }

    /// Opens a directory that a run was started in; writes nothing.
    pub fn open(root: &Path) -> Result<Self, FileError> {
        let run = Self {
            root: root.to_owned(),
        };
        let failed = |source| FileError::new("open the run in", root, source);
        fs::read_dir(root).map_err(failed)?;
        if !run.recipe().is_file() {
            let missing = "it holds no recipe.toml, so it is not a run's directory";
            return Err(failed(io::Error::other(missing)));
        }
        Ok(run)
    }

    /// Removes what a killed run left unfinished. Only the one process that writes to the
    /// directory may call it.
    pub fn clean(&self) -> Result<(), FileError> {
        let mut folders = vec![self.root.clone(), self.data(), self.stages(), self.models()];
        for parent in [self.stages(), self.models()] {
            let failed = |source| FileError::new("clean up", &parent, source);
            for entry in fs::read_dir(&parent).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                if entry.file_type().map_err(failed)?.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        // Inner folders first: an outer one may itself be unfinished and go as a whole.
        for folder in folders.iter().rev() {
            remove_leftovers(folder)?;
        }
        Ok(())
    }

    /// Removes what a killed process left unfinished of one stage: its folder, its model, and what is in them. Only the
    /// process that works on that stage may call it; other processes may work on others.
    pub fn clean_stage(&self, stage: &str) -> Result<(), FileError> {
        for folder in [self.stage(stage), self.model(stage)] {
            if folder.is_dir() {
                remove_leftovers(&folder)?;
            }
        }
        for parent in [self.stages(), self.models()] {
            remove_leftovers_of(&parent, |name| name == stage)?;
        }
        Ok(())
    }

    /// Removes what a killed process left unfinished beside the stages: of the data, the recipe and the summary. Only the
    /// one process that writes these may call it.
    pub fn clean_beside_stages(&self) -> Result<(), FileError> {
        let is_for_stages = |name: &str| ["stages", "models"].contains(&name);
        remove_leftovers_of(&self.root, |name| !is_for_stages(name))?;
        remove_leftovers(&self.data())?;
        Ok(())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `recipe.toml`: the resolved recipe.
    pub fn recipe(&self) -> PathBuf {
        self.root.join("recipe.toml")
    }

    /// `data/`: the prepared data.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// `data/prepare.json`: what the preparation counted.
    pub fn prepare(&self) -> PathBuf {
        self.data().join("prepare.json")
    }

    /// `stages/<stage>/`: checkpoints, log and state of a stage. It may not exist yet.
    pub fn stage(&self, stage: &str) -> PathBuf {
        self.stages().join(stage)
    }

    /// `models/<role>/`: the finished model or adapter of a role. It may not exist yet.
    pub fn model(&self, role: &str) -> PathBuf {
        self.models().join(role)
    }

    /// The names in `models/`, sorted: the roles that are finished.
    pub fn finished(&self) -> Result<Vec<String>, FileError> {
        let models = self.models();
        let failed = |source| FileError::new("list the models in", &models, source);
        let entries = match fs::read_dir(&models) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().into_string()
                && !name.starts_with('.')
                && entry.path().is_dir()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// `summary.json`: what the run came to.
    pub fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    fn stages(&self) -> PathBuf {
        self.root.join("stages")
    }

    fn models(&self) -> PathBuf {
        self.root.join("models")
    }
}
