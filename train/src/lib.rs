//! One training stage: step, loss, optimizer, schedule, loop.
//!
//! [`train_stage`] is the only loop there is: every stage of every arrangement runs through it, told apart by its
//! [`StageRun`] alone.

mod checkpoint;
mod error;
mod finite;
mod gradients;
mod log;
mod memory;
mod moments;
mod observer;
mod optimizer;
mod pass;
mod prefetch;
mod rank_error;
mod ranks;
mod report;
mod resume;
mod schedule;
mod sources;
mod stage;
mod stage_loop;
mod stage_run;
mod step;
mod steps;
mod together;
mod trained;
mod usual_loss;
mod validation;
mod values;

pub use error::TrainError;
pub use gradients::Gradients;
pub use log::{
    Event, EventRecord, LogRecord, SourceLoss, StepRecord, TRAIN_LOG_FILE, ValidationRecord,
    read_log,
};
pub use memory::StepMemory;
pub use observer::{Observer, Resumed, StageStart};
pub use optimizer::Optimizer;
pub use rank_error::RankError;
#[cfg(feature = "mpi")]
pub use ranks::Mpi;
pub use ranks::{Alone, ThreadRank, Transport, thread_ranks};
pub use report::{SourceResult, StageReport, stage_report};
pub use schedule::learning_rate;
pub use stage::{OpenStage, train_stage};
pub use stage_run::{Inspect, Outcome, StageRun};
pub use step::StepData;
pub use steps::total_steps;
pub use together::{Member, OpenStages};
pub use validation::{LossSum, losses, perplexity};
pub use values::DeviceValues;
