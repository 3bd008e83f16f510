//! `glpft eval`.

mod arguments;
mod perplexity;
mod progress;
mod score;
mod static_evaluation;
mod tables;

pub(crate) use perplexity::evaluate_perplexity;
pub(crate) use progress::StaticProgress;
pub(crate) use score::score;
pub(crate) use static_evaluation::evaluate_static;
