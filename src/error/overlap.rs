//! What is learned from and what is measured on, where they are not apart.

use std::path::PathBuf;

/// What is learned from and what is measured on, where they are not apart.
#[derive(Debug, thiserror::Error)]
pub enum OverlapError {
    /// Tasks to learn from are tasks to be measured on.
    #[error(
        "{count} of {of} {what}: {}; what is learned and what is measured must be apart: leave them out", first.join(", ")
    )]
    Tasks {
        /// How many tasks.
        count: usize,
        /// Of how many.
        of: usize,
        /// Which tasks, and what they are besides.
        what: &'static str,
        /// The first of them.
        first: Vec<String>,
    },
    /// A study would be measured on what it trains on.
    #[error(
        "{}: {count} of the {of} held-out conversations have an instruction that {source_path} is trained on: {}; \
         leave them out of the one or the other", file.display(), first.join(", ")
    )]
    HeldOut {
        /// The held-out conversations.
        file: PathBuf,
        /// The training data.
        source_path: String,
        /// How many instructions are in both.
        count: usize,
        /// How many are held out.
        of: usize,
        /// The first of them.
        first: Vec<String>,
    },
}
