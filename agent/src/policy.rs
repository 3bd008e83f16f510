//! Who says what an agent does next.

use glpft_data::Turn;

use crate::generate::GenerateError;
use crate::task::Task;

/// The name of the function that ends a path.
pub const FINISH: &str = "Finish";

/// What a policy said at one step: a thought, and a call of a function or of [`FINISH`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The thought, without a tag for who comes next; `None` where a message has no content.
    pub thought: Option<String>,
    /// The function; [`FINISH`] to answer or to give up.
    pub function: String,
    /// The arguments, as they were written. Those of [`FINISH`]: `{"return_type": "give_answer", "final_answer": …}` or
    /// `{"return_type": "give_up_and_restart"}`.
    pub arguments: String,
    /// The same as turns, word for word: what stands in later prompts.
    pub turns: Vec<Turn>,
}

/// A step to be said.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is to be done.
    pub task: &'a Task,
    /// All that was said and observed on the path, the user's query first.
    pub turns: &'a [Turn],
    /// How many steps this rollout has asked for before; with the policy's seed it decides what is drawn at random.
    pub count: usize,
}

/// Says what comes next: a team of models, a single model, or an oracle.
pub trait Policy {
    /// One answer for each step, in their order. They are asked together because a model answers many faster than one.
    ///
    /// # Errors
    /// Where a model fails.
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError>;
}
