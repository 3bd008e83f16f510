//! Evaluation: the paper's step-level metrics, and the static evaluation that they are taken of.
//!
//! A predictions file holds, for each step of held-out trajectories, what the team said and what the reference says.
//! [`score_file`] reads one and scores it; a [`Scorer`] takes steps as they come. The metrics are the published
//! evaluation script's (α-UMi, `evaluate-multi_agent.py`), one file each in `metrics/`. [`static_evaluation`] makes such a
//! file: it asks a team's models about every step.
//!
//! Whole tasks are evaluated live: [`judge`] says whether a rollout did what it was to do, [`tool_eval`] makes the pass and
//! win rates of it, and [`live_evaluation`] has an agent work on tasks and judges what it did.
//!
//! [`page`] is the report of a whole run, [`plot`] draws for it.

mod day;
mod directory;
mod entry;
mod equality;
mod error;
mod intervals;
pub mod judge;
mod lines;
pub mod live_evaluation;
mod manifest;
mod mean;
mod metric_values;
mod metrics;
pub mod page;
pub mod plot;
mod read;
mod report;
mod rollout;
mod score;
pub mod static_evaluation;
mod step;
mod tally;
pub mod tool_eval;

pub use directory::DirectoryError;
pub use entry::Entry;
pub use equality::python_equal;
pub use error::{EntryError, PredictionsError, StepError, Which};
pub use intervals::{Interval, Intervals, Over, ratio_interval};
pub use mean::Mean;
pub use metric_values::Metrics;
pub use metrics::{
    ArgumentScore, ArgumentSkip, MAX_WORD_PAIRS, RougeError, argument_score, is_hallucinated,
    rouge_l,
};
pub use read::{MAX_LINE_BYTES, MAX_LIST_BYTES, read_predictions};
pub use report::{Confusion, Counts, Mended, MetricReport, Note, Row, Skipped};
pub use rollout::{End, RolloutRecord, StepOfPath, Usage};
pub use score::{Scorer, score_file};
pub use step::{StepScore, score_step};
