//! A run over several ranks: the first one runs it, and the others follow it from stage to stage.
//!
//! The first rank checks and prepares, decides what is trained next, writes every file, and tells how it goes. It calls the
//! others to each stage; they load the same model and the same prepared data from the run's directory, which all share, train
//! it together with the first ([`glpft_train::Transport`]), and leave nothing of their own but a log (`logs/rank-<rank>.jsonl`).

mod follow;
mod rank_log;
mod threads;

pub use follow::{Signals, follow};
pub use threads::in_threads;
