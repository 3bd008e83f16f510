//! ToolBench files → trajectories → role datasets → tokens → batches.

mod batch;
mod encode;
mod example;
pub mod quickstart;
mod random;

pub use batch::{Batch, Target, tree_tokens};
pub use encode::TokenExample;
pub use example::{Dataset, Example, Piece, Prompt, Text};
pub use random::{Purpose, Random};
