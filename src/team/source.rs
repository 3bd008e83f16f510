//! Where a team's models are.

use std::fmt;
use std::path::{Path, PathBuf};

use glpft_agent::{ModelAddress, ModelServerSettings};

/// A model behind a server, and how it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedSource {
    /// Where it is.
    pub address: ModelAddress,
    /// How it is asked.
    pub settings: ModelServerSettings,
}

/// Where a role's model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSource {
    /// A model directory, an adapter directory, or a run with that role.
    Local(PathBuf),
    /// A server.
    Served(Box<ServedSource>),
}

impl RoleSource {
    /// The directory; none of a server.
    pub fn local(&self) -> Option<&Path> {
        match self {
            RoleSource::Local(path) => Some(path),
            RoleSource::Served(_) => None,
        }
    }
}

impl From<PathBuf> for RoleSource {
    fn from(path: PathBuf) -> Self {
        Self::Local(path)
    }
}

impl From<&Path> for RoleSource {
    fn from(path: &Path) -> Self {
        Self::Local(path.to_owned())
    }
}

/// The directory, or the address.
impl fmt::Display for RoleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoleSource::Local(path) => path.display().fmt(f),
            RoleSource::Served(served) => served.address.fmt(f),
        }
    }
}

/// Where a team's models are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamSource {
    /// A run's directory. Its arrangement says who answers: the three roles, each by a model or an adapter of its own or
    /// (`multi-task`) all by one; or the backbone
    /// (`single`, `mixed`).
    Run(PathBuf),
    /// Three models.
    Trio {
        /// The planner's.
        planner: RoleSource,
        /// The caller's.
        caller: RoleSource,
        /// The summarizer's.
        summarizer: RoleSource,
    },
    /// One model that answers for [`Role::Backbone`](glpft_agent::Role::Backbone): a model directory, an adapter directory, a
    /// run with a global model, or a server.
    Single(RoleSource),
    /// A rival: a server that chats and calls tools by itself.
    Agent(Box<ServedSource>),
}
