//! Live evaluation: an agent works on tasks with tools, and what it did is judged.
//!
//! [`LiveEvaluation::run`] does it and leaves, in a directory of its own:
//!
//! | file | content |
//! |---|---|
//! | `evaluation.json` | what decides the rollouts: an evaluation goes on only where all of it is the same |
//! | `rollouts.jsonl` | a [`RolloutRecord`](crate::RolloutRecord) a task, in the tasks' order, written as they are made |
//! | `answers/GROUP/ID_METHOD.json` | the whole tree of each rollout, in ToolBench's format |
//! | `judgments.jsonl` | every judgment of a model that judges: none is asked for twice |
//! | `verdicts.jsonl` | a [`TaskVerdict`](crate::tool_eval::TaskVerdict) a task, once all are judged |
//! | `live.json` | a [`LiveReport`] |
//! | `times.jsonl` | wall time of each batch: alone of these files, another start's is another |
//!
//! Who judges decides nothing of the rollouts: the same rollouts can be judged again by another judge, or against another
//! reference.

mod error;
mod judging;
mod observer;
mod repetition;
mod report;
mod rollouts;
mod run;
mod settings;
mod tasks;

pub use error::LiveError;
pub use observer::LiveObserver;
pub use repetition::Repetition;
pub use report::{Ends, LIVE_FILE, LiveReport};
pub use rollouts::{
    ANSWERS_FOLDER, BatchTime, ROLLOUTS_FILE, VERDICTS_FILE, read_rollouts, read_verdicts,
};
pub use run::{LiveEvaluation, Reference};
pub use settings::LiveSettings;
pub use tasks::{LiveTask, check_tasks};
