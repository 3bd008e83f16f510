//! `glpft`: turns tool-use trajectories into a planner, a caller and a summarizer (GLPFT, arXiv 2401.07324).
//!
//! The crates below do one thing each; this one puts them in GLPFT's order.

pub mod allocator;
pub mod arrangement;
pub mod base;
pub mod check;
pub mod doctor;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod home;
pub mod memory;
pub mod model;
pub mod notice;
pub mod place;
pub mod prepare;
pub mod quickstart;
pub mod ready;
pub mod report;
pub mod result;
pub mod run;
pub mod serve;
pub mod size;
pub mod stage;
pub mod status;
pub mod study;
pub mod team;
pub mod tensorboard;

pub use base::Base;
pub use error::Error;
pub use team::{RoleSource, ServedSource, Team, TeamSource};
