//! ToolBench files → trajectories → role datasets → tokens → batches.

mod batch;
mod encode;
mod example;
mod fingerprint;
pub mod quickstart;
mod plan;
mod prepared;
mod random;
mod split;
mod statistics;
mod tokenizer;
mod truncate;

pub use batch::{Batch, Target, tree_tokens};
pub use encode::{
    EncodeError, EncodeOptions, EncodedExamples, TokenExample, encode_examples, encode_prompt,
};
pub use example::{Dataset, Example, Piece, Prompt, Text};
pub use fingerprint::fingerprint;
pub use plan::{Plan, micro_batches};
pub use prepared::{PreparedDataset, PreparedError};
pub use random::{Purpose, Random};
pub use split::{QuerySplits, Split};
pub use statistics::DatasetStatistics;
pub use tokenizer::{PromptTokenizer, SegmentCache, TokenizerError};
pub use truncate::DropReason;
