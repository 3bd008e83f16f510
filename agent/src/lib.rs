//! The team of planner, caller and summarizer as a program sees it: text that models wrote, and what it decides.
//!
//! No model is in here. [`Generate`] is what a model must do for the team. [`run_rollouts`] lets a [`Policy`] work on tasks
//! with a [`ToolServer`].

mod backbone;
mod calls;
mod code;
mod decision;
mod environment;
mod fitted_prompts;
mod generate;
mod http;
mod instructions;
mod listener;
mod model_calls;
mod model_server;
mod naming;
mod outputs;
mod parse;
mod planner;
mod policy;
mod policy_message;
mod policy_settings;
mod prompts;
mod readable;
mod repetition;
mod reply;
mod retrieve;
mod rollout;
mod rollouts;
mod search;
mod servers;
mod single_policy;
mod step;
mod strategy;
mod task;
mod team_policy;
mod tool_server;
mod usage;
mod watched;

pub use calls::{Calls, Unreached};
pub use code::Code;
pub use decision::{Decision, Plan};
pub use environment::{OBSERVATION_CHARACTERS, Observed, step};
pub use generate::{
    Generate, GenerateError, Generated, Limits, Measure, Request, Role, Sampling, StopReason,
};
pub use http::{Fault, FaultKind, HttpClient, ProxyError};
pub use instructions::{InstructionsError, read_instructions};
pub use listener::Listener;
pub use model_calls::ModelCalls;
pub use model_server::{
    ChatReply, Completion, ModelAddress, ModelServerError, ModelServerSettings, RivalPolicy,
    ServedModel,
};
pub use naming::{change_name, standard_category, standardize};
pub use parse::{ParseError, parse_step};
pub use planner::{NOTHING, PlannerTurn, clean_output};
pub use policy::{Asked, Policy};
pub use policy_message::{FINISH, PolicyMessage, TooLong};
pub use policy_settings::{LongPrompts, PolicySettings, StepSettings};
pub use prompts::{Cut, StepPrompts};
pub use readable::readable;
pub use repetition::{loop_end, loops, loops_now};
pub use reply::ToolReply;
pub use retrieve::retrieve;
pub use rollout::{Limit, PathStep, Rollout, RolloutEnd};
pub use rollouts::{RolloutObserver, RolloutSettings, run_rollouts};
pub use search::{Rank, RepliesFirst, Search, SearchSettings};
pub use servers::{
    CachedTools, HttpSettings, Key, RapidApi, ServerError, Strip, VirtualApi, open_server,
};
pub use single_policy::SinglePolicy;
pub use step::{Prediction, reference_text};
pub use strategy::{Strategy, StrategyError};
pub use task::{Api, Function, Task};
pub use team_policy::TeamPolicy;
pub use tool_server::ToolServer;
pub use usage::Usage;
pub use watched::{NoToolReached, Watched};
