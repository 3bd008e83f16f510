//! ToolBench files → trajectories → role datasets → tokens → batches.

mod example;

pub use example::{Dataset, Example, Piece, Prompt, Text};
