//! `glpft`: turns tool-use trajectories into a planner, a caller and a summarizer (GLPFT, arXiv 2401.07324).
//!
//! This crate is the program: it puts GLPFT's stages in order, keeps runs in directories, exports, serves and studies. As a
//! library, start at [`run`] (train a recipe's stages) and [`Team`] (ask a finished team). The other crates do one thing each:
//!
//! | crate | does | needs burn |
//! |---|---|---|
//! | `glpft-recipes` | the typed recipe, its validation, the built-in recipes | no |
//! | `glpft-checkpoints` | model directories, adapters, GGUF files, checkpoints, run directories | no |
//! | `glpft-data` | trajectories, conversations, role datasets, tokens, batches | no |
//! | `glpft-agent` | policies, searches, tool servers, model servers | no |
//! | `glpft-world` | a simulated world of tools | no |
//! | `glpft-eval` | metrics, static and live evaluation, judges, report pages | no |
//! | `glpft-serve` | a team as an OpenAI-compatible chat | no |
//! | `glpft-model` | the decoder: layers, LoRA, kernels, generation | yes |
//! | `glpft-train` | one training stage | yes |
//!
//! `docs/architecture.md` is the map of the repository.

pub mod allocator;
pub mod arrangement;
pub mod base;
mod carry;
pub mod check;
pub mod compare;
pub mod doctor;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod home;
pub mod improve;
pub mod launch;
pub mod memory;
pub mod model;
pub mod notice;
pub mod place;
pub mod prepare;
pub mod quickstart;
pub mod ranks;
pub mod ready;
pub mod report;
pub mod result;
pub mod run;
pub mod serve;
pub mod size;
pub mod stage;
pub mod stage_call;
pub mod status;
pub mod study;
pub mod team;
pub mod tensorboard;
pub mod threads;

pub use base::Base;
pub use error::Error;
pub use team::{RoleSource, ServedSource, Team, TeamSource};
