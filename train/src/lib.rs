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
mod report;
mod resume;
mod running;
mod schedule;
mod stage;
mod step;
mod steps;
mod together;
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
pub use report::{SourceResult, StageReport, stage_report};
pub use schedule::learning_rate;
pub use stage::{Inspect, OpenStage, Outcome, StageRun, train_stage};
pub use step::StepData;
pub use steps::total_steps;
pub use together::{Member, OpenStages};
pub use validation::{LossSum, losses, perplexity};
pub use values::DeviceValues;
