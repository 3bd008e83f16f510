//! Why a model's server is of no use.

use std::path::PathBuf;

use glpft_data::TokenizerError;
use glpft_recipes::counted;

use crate::http::ProxyError;

/// Why a model's server cannot be used, or has not answered.
#[derive(Debug, thiserror::Error)]
pub enum ModelServerError {
    /// The text is not the address of a model.
    #[error(
        "{text:?} is not the address of a model ({reason}); one looks like http://127.0.0.1:8000/v1#planner"
    )]
    Address {
        /// The text, if it may be shown.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody is there.
    #[error(
        "the model server at {url} cannot be reached: {reason}. Is it running, and is this its address?"
    )]
    Unreachable {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
    },
    /// It refuses, and would refuse again.
    #[error("the model server at {url} refuses: {reason}{advice}")]
    Refused {
        /// Where it was asked.
        url: String,
        /// What it says.
        reason: String,
        /// What may help; empty where nothing is known.
        advice: &'static str,
    },
    /// It has failed as often as it was asked.
    #[error("the model server at {url} failed {}, the last time: {reason}", counted(.attempts, "time", "times"))]
    Failing {
        /// Where it was asked.
        url: String,
        /// How often.
        attempts: usize,
        /// What went wrong the last time.
        reason: String,
    },
    /// The tokenizer.
    #[error("{}: {source}", path.display())]
    Tokenizer {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: TokenizerError,
    },
    /// The tokenizer cannot write a prompt.
    #[error("its tokenizer fails: {0}")]
    Encode(TokenizerError),
    /// The proxy on the way.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}
