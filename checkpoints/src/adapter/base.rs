//! Which base an adapter belongs to, and where that is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ADAPTER_CONFIG_FILE, AdapterConfig, AdapterError, BASE_FINGERPRINT_FILE};
use crate::{
    CONFIG_FILE, FileError, HubCache, RunDirectory, hub_snapshot, json, read_json, write_json,
};

const NAME_KEY: &str = "base_model_name_or_path";

/// The content of [`BASE_FINGERPRINT_FILE`].
#[derive(Serialize, Deserialize)]
pub(super) struct BaseFingerprint {
    /// The fingerprint of the base's weights.
    pub fingerprint: String,
    /// Where the base is from the adapter's folder, where both move together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl BaseFingerprint {
    /// That of the adapter in `directory`; PEFT's own adapters have none.
    pub fn read(directory: &Path) -> Result<Option<Self>, AdapterError> {
        let path = directory.join(BASE_FINGERPRINT_FILE);
        match path.exists() {
            true => Ok(Some(read_json(&path)?)),
            false => Ok(None),
        }
    }
}

/// Finds the base of the adapter in `directory`: beside the adapter, where it says so, by the path that the adapter calls it
/// from the adapter's folder, or (as PEFT has it) from the current one, or by that name in a hub's cache.
pub(crate) fn base_directory(
    directory: &Path,
    config: &AdapterConfig,
) -> Result<PathBuf, AdapterError> {
    let name = config.base.as_str();
    let beside = BaseFingerprint::read(directory)?.and_then(|base| base.path);
    if name.is_empty() && beside.is_none() {
        return Err(AdapterError::Baseless {
            adapter: directory.to_owned(),
            said: said(directory),
        });
    }
    let mut looked = Vec::new();
    for path in [beside.as_deref().unwrap_or(""), name] {
        if !path.is_empty() {
            looked.push(directory.join(path));
        }
    }
    looked.push(PathBuf::from(name));
    looked.retain(|path| !path.as_os_str().is_empty());
    looked.dedup();
    let mut refused = None;
    for path in &looked {
        match hub_snapshot(path) {
            Ok(Some(snapshot)) => return Ok(snapshot),
            Ok(None) if path.join(CONFIG_FILE).is_file() => return Ok(path.clone()),
            Ok(None) => {}
            Err(error) => refused = refused.or(Some(error.to_string())),
        }
    }
    if let (None, Some(name)) = (&refused, config.hub_name()) {
        let cache = HubCache::of_environment();
        let folder = name.folder_in(&cache);
        match name.find_in(&cache) {
            Ok(snapshot) => return Ok(snapshot),
            Err(error) if folder.is_dir() => refused = Some(error.to_string()),
            Err(_) => looked.push(folder),
        }
    }
    let adapter = directory.to_owned();
    Err(match refused {
        Some(problem) => AdapterError::UnclearBase { adapter, problem },
        None => AdapterError::NoBase {
            adapter,
            name: name.chars().take(200).collect(),
            looked,
        },
    })
}

/// What an adapter says instead of its base's name.
fn said(directory: &Path) -> &'static str {
    let settings = json::read_value(&directory.join(ADAPTER_CONFIG_FILE));
    match settings.ok().as_ref().and_then(|value| value.get(NAME_KEY)) {
        None => "absent",
        Some(Value::Null) => "null",
        Some(_) => "empty",
    }
}

/// Writes the absolute paths of bases anew that adapters in a run's `models/` have beside them: other programs do not
/// find them by the old ones once the run was moved or copied. Only the one process that writes to the run's directory may
/// call it.
///
/// # Errors
/// The disk refuses. What cannot be read is left as it is.
pub fn name_bases_anew(run: &RunDirectory) -> Result<(), AdapterError> {
    for model in run.finished()? {
        let directory = run.model(&model);
        let path = directory.join(ADAPTER_CONFIG_FILE);
        if !path.is_file() {
            continue;
        }
        let beside = BaseFingerprint::read(&directory).ok().flatten();
        let (Some(beside), Ok(Value::Object(mut settings))) =
            (beside.and_then(|base| base.path), json::read_value(&path))
        else {
            continue;
        };
        let base = directory.join(beside);
        if !base.join(CONFIG_FILE).is_file() {
            continue;
        }
        let absolute =
            fs::canonicalize(&base).map_err(|source| FileError::new("find", &base, source))?;
        let name = Value::from(absolute.display().to_string());
        if settings.get(NAME_KEY) != Some(&name) {
            settings.insert(NAME_KEY.to_owned(), name);
            write_json(&path, &Value::Object(settings))?;
        }
    }
    Ok(())
}
