//! Static evaluation: a team answers every step of held-out conversations, each after the conversation's own history
//! (teacher forcing), and what it says is scored.
//!
//! [`StaticEvaluation::run`] does it and leaves, in a directory of its own:
//!
//! | file | content |
//! |---|---|
//! | `evaluation.json` | what decides the result: an evaluation goes on only where all of it is the same ([`Manifest`]) |
//! | `predictions.jsonl` | a [`StepRecord`] a step, in the data's order, written as they are made |
//! | `times.jsonl` | a [`Times`] for each batch of trajectories |
//! | `metrics.json` | a [`StaticReport`], once every step is answered |

mod agent;
mod batch;
mod contestant;
mod error;
mod observer;
mod outcome;
mod predictions;
mod record;
mod report;
mod run;
mod scoring;
mod settings;
mod statistics;
mod steps;
mod times;

pub use crate::manifest::{MANIFEST_FILE, Manifest};
pub use contestant::Contestant;
pub use error::StaticError;
pub(crate) use error::chain;
pub use observer::StaticObserver;
pub use outcome::{ArgumentKind, ArgumentOutcome, StepOutcome};
pub use predictions::PREDICTIONS_FILE;
pub use record::{Ending, Output, StepRecord, ToolName, read_records};
pub use report::{METRICS_FILE, StaticReport};
pub use run::StaticEvaluation;
pub use settings::{Answerer, StaticSettings};
pub use statistics::{Endings, RoleStatistics};
pub use steps::{DataCounts, GoldStep};
pub use times::{TIMES_FILE, Times};
