//! What can be wrong with a GGUF file.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::{ConfigError, FileError};

/// A GGUF file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The model that it describes.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is not whole, or no GGUF file.
    #[error("{} is damaged or not a GGUF file: {message}; fetch it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A well-known file of another kind.
    #[error("{} is {what}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, and what to do.
        what: &'static str,
    },
    /// A part of a split model, and not the whole can be read.
    #[error("{} is {message}", .path.display())]
    Split {
        /// The part.
        path: PathBuf,
        /// Which part it is, what is wrong, and what to do.
        message: String,
    },
    /// An entry of the metadata that is absent or has another type than it must.
    #[error("{}: `{key}` {message}", .path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The entry's key.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// Something that is well-formed and not implemented.
    #[error("{}: {what} is not implemented; {advice}", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What is, or what to do.
        advice: Cow<'static, str>,
    },
}
