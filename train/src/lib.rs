//! One training stage: step, loss, optimizer, schedule, loop.
//!
//! [`train_stage`] is the only loop there is: every stage of every arrangement runs through it, told apart by its
//! [`StageRun`] alone.

mod ahead;
mod checkpoint;
mod error;
mod gradients;
mod log;
mod memory;
mod observer;
mod optimizer;
mod pass;
mod schedule;
mod stage;
mod step;
mod validation;

pub use error::TrainError;
pub use gradients::Gradients;
pub use log::{LogRecord, StepRecord, TRAIN_LOG_FILE, ValidationRecord, read_log};
pub use memory::StepMemory;
pub use observer::{Observer, StageStart};
pub use optimizer::Optimizer;
pub use schedule::learning_rate;
pub use stage::{Inspect, Outcome, StageReport, StageRun, stage_report, total_steps, train_stage};
pub use step::StepData;
pub use validation::mean_loss;
