//! Why a tool server cannot be used.

use std::io;
use std::path::PathBuf;

use crate::http::ProxyError;

/// Why a tool server cannot be used at all. What goes wrong with a single call is a reply.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The text is no address.
    #[error(
        "{url:?} is not the address of a tool server ({reason}); one looks like http://127.0.0.1:8080{path}"
    )]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        reason: String,
        /// Where such servers answer.
        path: &'static str,
    },
    /// Nobody is there.
    #[error(
        "the tool server at {url} cannot be reached: {reason}. Is it running, and is this its address?"
    )]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
    },
    /// Somebody is there, but no such server.
    #[error("{url} is not found on that server: tool servers of this kind answer under {path}")]
    NotFound {
        /// The address.
        url: String,
        /// Where such servers answer.
        path: &'static str,
    },
    /// A key that no header can hold. It is not shown.
    #[error(
        "the key in {variable} has characters that no request can hold (a line break at its end?)"
    )]
    Key {
        /// The environment's variable.
        variable: String,
    },
    /// The proxy on the way.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The folder of a cache.
    #[error("{}: the cache of tools' replies cannot be read ({source})", path.display())]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
