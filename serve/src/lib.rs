//! A team of models behind an OpenAI-compatible HTTP API, and tools behind ToolBench's.
//!
//! [`run_chat`] serves whatever implements [`Speaker`]; [`run_tools`] serves any
//! [`ToolServer`](glpft_agent::ToolServer). What comes in is a stranger's: every part of it has a limit, what cannot be
//! answered gets one clear error, and nothing of it becomes more than text.

mod chat;
mod connections;
mod error;
mod limits;
mod metrics;
mod queue;
mod run;
mod speaker;
mod stop;
mod team;
mod tools;
mod worker;

pub use chat::{ChatSettings, GAVE_UP};
pub use error::ServeError;
pub use limits::{ConnectionLimits, RequestLimits};
pub use run::{Place, run_chat, run_tools};
pub use speaker::{OpenSpeaker, PolicySpeaker, Question, Speaker, Wishes};
pub use stop::{Stop, Stopper, stop};
pub use team::TeamSpeaker;
pub use tools::{Catalogue, MAX_RESPONSE_CHARS, ToolsSettings};
