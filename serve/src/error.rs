//! Why a server did not start, or did not end well.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Why a server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened at.
    #[error(
        "cannot listen at {address}: {source}; choose another --port (0 takes a free one) or --host"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The host's name means no address.
    #[error("--host {host:?} is not an address of this machine: {reason}")]
    Host {
        /// What was given.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The system gave no threads, or no signals.
    #[error("cannot start the server: {0}")]
    Start(#[source] io::Error),
    /// The model did not open.
    #[error(transparent)]
    Model(Box<dyn Error + Send + Sync>),
    /// Requests were still under way when the time for them was over.
    #[error("requests were still under way {} s after the server was told to end", .0.as_secs())]
    Unfinished(Duration),
}
