//! ToolBench files → trajectories → role datasets → tokens → batches.

mod batch;
mod encode;
mod example;
mod fingerprint;
pub mod quickstart;
mod random;
mod tokenizer;

pub use batch::{Batch, Target, tree_tokens};
pub use encode::TokenExample;
pub use example::{Dataset, Example, Piece, Prompt, Text};
pub use fingerprint::fingerprint;
pub use random::{Purpose, Random};
pub use tokenizer::{PromptTokenizer, SegmentCache, TokenizerError};
