//! Tool servers outside this process, and the cache of one of them.

mod cache;
mod error;
mod http;
mod key;
mod pace;
mod rapidapi;
mod settings;
mod virtual_api;

pub use cache::CachedTools;
pub use error::ServerError;
pub use key::Key;
pub use rapidapi::{RapidApi, Strip};
pub use settings::HttpSettings;
pub use virtual_api::VirtualApi;

use std::path::Path;

use crate::tool_server::ToolServer;

/// The tool server that a text names: `http://…/virtual` a virtual one, another address ToolBench's, anything else the folder
/// of a cache.
///
/// # Errors
/// Where it cannot be used.
pub fn open_server(
    at: &str,
    settings: HttpSettings,
) -> Result<Box<dyn ToolServer + Send>, ServerError> {
    // What is no folder and may hold a key is told by who reads addresses, and does not show it.
    let is_address = at.contains("://") || at.contains(['?', '#', '@']) && !Path::new(at).exists();
    if !is_address {
        return Ok(Box::new(CachedTools::open(Path::new(at))?));
    }
    match at.trim().trim_end_matches('/').ends_with("/virtual") {
        true => Ok(Box::new(VirtualApi::open(at, settings)?)),
        false => Ok(Box::new(RapidApi::open(at, settings)?)),
    }
}
