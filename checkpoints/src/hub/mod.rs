//! Models by their names on a hub, in the cache that its own tool fills. Nothing is fetched here.

mod cache;
mod name;
mod snapshot;

use std::path::{Path, PathBuf};

pub use cache::HubCache;
pub use name::HubName;
pub use snapshot::hub_snapshot;

/// A model that the cache of a hub does not give.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A folder of a hub's cache that does not say which model or snapshot is meant.
    #[error("{} {message}", .path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// What it is, and what to do.
        message: String,
    },
    /// A model's name on a hub that no cache here holds.
    #[error(
        "{name}: {problem}; `hf download {}{}` fetches it",
        .name.id(),
        .name.revision().map_or_else(String::new, |revision| format!(" --revision {revision}"))
    )]
    NotInCache {
        /// The name.
        name: HubName,
        /// Where it was looked for.
        problem: String,
    },
}

/// The snapshot that a path means which does not exist and spells a model's name on a hub; `None` for any other path.
///
/// # Errors
/// The cache of this machine's user does not hold the model.
pub fn hub_model(path: &Path) -> Result<Option<(HubName, PathBuf)>, HubError> {
    // What exists is meant, a link that leads nowhere too.
    if path.symlink_metadata().is_ok() {
        return Ok(None);
    }
    let Some(name) = path.to_str().and_then(HubName::parse) else {
        return Ok(None);
    };
    let found = name.find_in(&HubCache::of_environment())?;
    Ok(Some((name, found)))
}
