//! StableToolBench's cache of replies, read without its server.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use glpft_data::python::{self, json};
use serde_json::{Map, Value};

use super::error::ServerError;
use crate::calls::Unreached;
use crate::naming::{change_name, standard_category, standardize};
use crate::reply::ToolReply;
use crate::task::Api;
use crate::tool_server::ToolServer;

/// The largest file that is read; published ones have a few megabytes.
const LARGEST: u64 = 64 << 20;

/// A folder `{category}/{tool}_for_{category}/{api}.json`, each file an object with a reply for each input, whose key is
/// what Python prints for the input. What is not in there does not work.
#[derive(Debug)]
pub struct CachedTools {
    folder: PathBuf,
}

impl CachedTools {
    /// The cache in this folder.
    ///
    /// # Errors
    /// Where it cannot be listed or has no folder of a category.
    pub fn open(folder: &Path) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Cache {
            path: folder.to_owned(),
            source,
        };
        let mut entries = std::fs::read_dir(folder).map_err(failed)?;
        let is_category =
            |entry: io::Result<std::fs::DirEntry>| entry.is_ok_and(|entry| entry.path().is_dir());
        if !entries.any(is_category) {
            return Err(failed(io::Error::other("it has no folder of a category")));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The file of an API's replies; `None` for names that no cache has.
    fn file(&self, api: &Api) -> Option<PathBuf> {
        let category = standard_category(&api.category);
        let suffix = format!("_for_{category}");
        let tool = api.tool.strip_suffix(&suffix).unwrap_or(&api.tool);
        let tool = standardize(tool);
        let name = change_name(&standardize(&api.name));
        // A function's whole name may stand for the API's.
        let name = match name.split_once(&format!("_for_{tool}")) {
            Some((name, _)) if !tool.is_empty() => name,
            _ => &name,
        };
        let names = [&category, &tool, name];
        let is_odd = |name: &str| {
            name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0', ':'])
        };
        if names.iter().any(|name| is_odd(name)) {
            return None;
        }
        let tool = format!("{tool}{suffix}");
        Some(
            self.folder
                .join(&category)
                .join(tool)
                .join(format!("{name}.json")),
        )
    }

    fn find(&self, api: &Api, key: &str) -> Option<Value> {
        let file = File::open(self.file(api)?).ok()?;
        let mut text = String::new();
        let length = file.take(LARGEST + 1).read_to_string(&mut text).ok()?;
        if length as u64 > LARGEST {
            return None;
        }
        json::load_key(&text, key).ok()?
    }
}

impl ToolServer for CachedTools {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        let input = match json::loads(arguments) {
            Ok(input) => input,
            Err(_) if arguments.is_empty() => Map::new().into(),
            Err(_) => return ToolReply::new("Tool input parse error...\n", ""),
        };
        match self.find(api, &python::str(&input)) {
            Some(found) => {
                let reply =
                    ToolReply::of_json(found.clone()).unwrap_or_else(|| ToolReply::new("", found));
                // A server that kept what went wrong kept no tool's reply.
                match Unreached::of_code(reply.code) {
                    Some(why) => reply.without_tool(why),
                    None => reply,
                }
            }
            None => {
                ToolReply::new("API not working error...", "").without_tool(Unreached::NotCached)
            }
        }
    }

    fn place(&self) -> Option<String> {
        Some(self.folder.display().to_string())
    }
}
