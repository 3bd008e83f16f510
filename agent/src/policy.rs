//! Who says what an agent does next.

use glpft_data::Turn;

use crate::generate::GenerateError;
use crate::model_calls::ModelCalls;
use crate::policy_message::PolicyMessage;
use crate::task::Task;

/// A step to be said.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is to be done.
    pub task: &'a Task,
    /// All that was said and observed on the path, the user's query first.
    pub turns: &'a [Turn],
    /// The turn among them that says what is to be done now: it stays where older ones are left out.
    pub instruction: usize,
    /// How many steps this rollout has asked for before; with the policy's seed it decides what is drawn at random.
    pub count: usize,
}

/// Says what comes next: a team of models, a single model, or an oracle.
pub trait Policy {
    /// One answer for each step, in their order. They are asked together because a model answers many faster than one.
    ///
    /// # Errors
    /// Where a model fails.
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError>;

    /// The calls of models' servers that were made so far, and how many failed; none where no server answers.
    fn server_calls(&self) -> ModelCalls {
        ModelCalls::default()
    }

    /// Lets go of what is kept of earlier steps, as [`Generate::forget`](crate::Generate::forget) does. Only memory and
    /// time depend on it.
    fn forget(&mut self) {}
}
