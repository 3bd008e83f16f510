//! What can go wrong while generating.

use crate::error::ModelError;

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// A request that makes no sense.
    #[error("request {index}: {reason}")]
    Request {
        /// Its place among the requests.
        index: usize,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The model computed something that is no number.
    #[error("the model's output for request {index} is not a number: its weights are damaged")]
    NotANumber {
        /// The request's place among the requests.
        index: usize,
    },
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}
