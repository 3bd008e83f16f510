//! Tool servers outside this process, and the cache of one of them.

mod cache;
mod error;
mod http;
mod key;
mod naming;
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
