//! The metrics, each in a file of its own: what one step adds to it. Means over steps are taken in one place,
//! [`crate::Scorer`].

mod action;
mod arguments;
mod hallucination;
mod lcs;
mod plan;
mod rouge;

pub(crate) use action::action_matches;
pub use arguments::{ArgumentScore, ArgumentSkip, argument_score};
pub use hallucination::is_hallucinated;
pub(crate) use plan::plan_matches;
pub use rouge::{MAX_WORD_PAIRS, RougeError, rouge_l};
