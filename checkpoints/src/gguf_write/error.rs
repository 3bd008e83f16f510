//! What can go wrong while a GGUF file is written.

use std::error::Error;

use crate::FileError;

use super::GgufType;

/// A GGUF file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum GgufWriteError {
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tensor's values could not be had.
    #[error("cannot get the values of `{name}`: {source}")]
    Source {
        /// The tensor's name in Hugging Face's files.
        name: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A value that the type does not hold.
    #[error(
        "`{name}` holds {value}, which {} cannot hold; {}",
        .kind.name(), advice(*.kind, *.value)
    )]
    Value {
        /// The tensor's name in Hugging Face's files.
        name: String,
        /// The value.
        value: f32,
        /// The type.
        kind: GgufType,
    },
    /// Something that llama.cpp has no form for.
    #[error("{what} cannot be written as GGUF; {advice}")]
    Unsupported {
        /// What it is.
        what: String,
        /// What can, or what to do.
        advice: &'static str,
    },
    /// Tensors that contradict their description.
    #[error("`{name}`: {message}")]
    Contradiction {
        /// The tensor's name.
        name: String,
        /// What is wrong.
        message: String,
    },
}

fn advice(kind: GgufType, value: f32) -> &'static str {
    match (value.is_finite(), kind) {
        (false, _) => "the model is broken",
        (true, GgufType::Bf16) => "choose --type f32",
        (true, _) => "choose --type bf16 or f32",
    }
}
