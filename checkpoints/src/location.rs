//! Finding the model that a path on the command line means.

use std::path::{Path, PathBuf};

use crate::adapter::base_directory;
use crate::{
    ADAPTER_CONFIG_FILE, AdapterConfig, AdapterError, CONFIG_FILE, FileError, GgufFile, HubError,
    RunDirectory, foreign_file, hub_model, hub_snapshot, is_present,
};

/// What a path that a user gave stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelLocation {
    /// A model directory, or a GGUF file.
    Full(PathBuf),
    /// An adapter directory and the model directory it belongs to.
    Adapter {
        /// The adapter's folder.
        directory: PathBuf,
        /// The base's folder.
        base: PathBuf,
    },
}

/// A path that stands for no model.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The adapter there, or its base.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// A model's name on a hub, or a folder of a hub's cache.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A single file.
    #[error(
        "{} is a file{}; give the directory that holds config.json, the weights and tokenizer.json, or a .gguf file",
        .path.display(),
        .what.map_or_else(String::new, |what| format!(" ({what})"))
    )]
    SingleFile {
        /// The file.
        path: PathBuf,
        /// What it is, where that is well known.
        what: Option<&'static str>,
    },
    /// Nothing known is there.
    #[error(
        "there is no model in {}: looked for config.json (a model), adapter_config.json (an \
         adapter) and recipe.toml (a run)",
        .path.display()
    )]
    Nothing {
        /// The path.
        path: PathBuf,
    },
    /// A run, and no word on which of its models.
    #[error(
        "{} is a run with {}: say which with --role, or give the path of one",
        .path.display(), listed(.finished)
    )]
    WhichRole {
        /// The run's directory.
        path: PathBuf,
        /// The models that it has.
        finished: Vec<String>,
    },
    /// A run without that model.
    #[error(
        "the run in {} has no finished model `{role}` yet, it has {}; `glpft run` resumes it",
        .path.display(), listed(.finished)
    )]
    Unfinished {
        /// The run's directory.
        path: PathBuf,
        /// The role asked for.
        role: String,
        /// The models that it has.
        finished: Vec<String>,
    },
}

impl ModelLocation {
    /// Finds the model that `path` means: a model directory, a GGUF file, an adapter directory, a
    /// model's folder in a hub's cache ([`hub_snapshot`]) or its name on the hub ([`hub_model`]), or
    /// a run's directory, in which `role` names the model (`global`, `planner`, …; it may be `None`
    /// where there is only one). For all but the last `role` says nothing.
    pub fn find(path: &Path, role: Option<&str>) -> Result<Self, LocationError> {
        Self::find_on(path, role, None)
    }

    /// Like [`find`](Self::find), but an adapter's base is `base`, whatever the adapter says.
    pub fn find_on(
        path: &Path,
        role: Option<&str>,
        base: Option<&Path>,
    ) -> Result<Self, LocationError> {
        if GgufFile::is_at(path) {
            return Ok(Self::Full(path.to_owned()));
        }
        if path.is_file() {
            return Err(LocationError::SingleFile {
                path: path.to_owned(),
                what: foreign_file(path),
            });
        }
        let snapshot = match hub_model(path)? {
            Some((_, snapshot)) => Some(snapshot),
            None => hub_snapshot(path)?,
        };
        let path = snapshot.as_deref().unwrap_or(path);
        if let Some(found) = Self::directly(path, base)? {
            return Ok(found);
        }
        std::fs::read_dir(path).map_err(|source| FileError::new("open", path, source))?;
        let Ok(run) = RunDirectory::open(path) else {
            let path = path.to_owned();
            return Err(LocationError::Nothing { path });
        };
        let finished = run.finished()?;
        let role = match (role, finished.as_slice()) {
            (Some(role), _) => role,
            (None, [only]) => only,
            (None, _) => {
                let path = path.to_owned();
                return Err(LocationError::WhichRole { path, finished });
            }
        };
        // A role comes from the command line: it must not lead out of the run.
        let found = match finished.iter().any(|name| name == role) {
            true => Self::directly(&run.model(role), base)?,
            false => None,
        };
        found.ok_or_else(|| LocationError::Unfinished {
            path: path.to_owned(),
            role: role.to_owned(),
            finished: finished.clone(),
        })
    }

    fn directly(path: &Path, base: Option<&Path>) -> Result<Option<Self>, LocationError> {
        if is_present(&path.join(ADAPTER_CONFIG_FILE)) {
            let base = match base {
                Some(base) => match hub_model(base)? {
                    Some((_, snapshot)) => snapshot,
                    None => hub_snapshot(base)?.unwrap_or_else(|| base.to_owned()),
                },
                None => base_directory(path, &AdapterConfig::read(path)?)?,
            };
            return Ok(Some(Self::Adapter {
                directory: path.to_owned(),
                base,
            }));
        }
        // A link to nowhere is found, too, and told when it is opened.
        let full = is_present(&path.join(CONFIG_FILE));
        Ok(full.then(|| Self::Full(path.to_owned())))
    }

    /// The folder that has the tokenizer: the adapter's own if it has one, else the base's.
    pub fn tokenizer_directory(&self) -> &Path {
        match self {
            Self::Full(directory) => directory,
            Self::Adapter { directory, base } => {
                match directory.join(crate::TOKENIZER_FILE).is_file() {
                    true => directory,
                    false => base,
                }
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "no finished model".to_owned(),
        names => names.join(", "),
    }
}
