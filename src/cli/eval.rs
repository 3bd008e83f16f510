//! `glpft eval`.

mod arguments;
mod live;
mod perplexity;
mod progress;
mod score;
mod static_evaluation;
mod tables;

pub(crate) use arguments::team;
pub(crate) use live::{
    LiveProgress, evaluate_live, judge_choice, policy, search, server, workplace,
};
pub(crate) use perplexity::evaluate_perplexity;
pub(crate) use progress::StaticProgress;
pub(crate) use score::score;
pub(crate) use static_evaluation::evaluate_static;
