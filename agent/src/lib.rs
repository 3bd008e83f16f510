//! The team of planner, caller and summarizer as a program sees it: text that models wrote, and what it decides.
//!
//! No model is in here. [`Generate`] is what a model must do for the team; everything else is pure functions.

mod backbone;
mod decision;
mod generate;
mod parse;
mod planner;
mod policy;
mod prompts;
mod reply;
mod rollout;
mod step;
mod task;
mod tool_server;

pub use decision::{Decision, Plan};
pub use generate::{
    Generate, GenerateError, Generated, Limits, Request, Role, Sampling, StopReason,
};
pub use parse::{ParseError, parse_step};
pub use planner::{NOTHING, PlannerTurn, clean_output};
pub use policy::{Asked, FINISH, Policy, Said};
pub use prompts::StepPrompts;
pub use reply::{Code, ToolReply};
pub use rollout::{PathStep, Rollout, RolloutEnd};
pub use step::{Prediction, reference_text};
pub use task::{Api, Function, Task};
pub use tool_server::ToolServer;
