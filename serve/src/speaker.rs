//! Who answers a chat's requests.

use std::error::Error;

use glpft_agent::{
    Asked, FINISH, GenerateError, Generated, Listener, Policy, PolicyMessage, Role, Task, TooLong,
};
use glpft_data::{Text, Turn};

/// What a request asks for beside its conversation; what it does not say is as the server does by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// 0 takes the likeliest token; above it logits are divided by it.
    pub temperature: Option<f64>,
    /// In (0, 1]: only the fewest tokens whose probabilities reach it together.
    pub top_p: Option<f64>,
    /// The same seed draws the same answer; without one, every request draws anew.
    pub seed: Option<u64>,
    /// The most tokens of the whole step, rationale and answer.
    pub new_tokens: Option<usize>,
    /// Whether the step may be a call.
    pub may_call: bool,
}

/// A step to be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The functions to choose from, and the conversation's first query.
    pub task: Task,
    /// All that was said and observed.
    pub turns: Vec<Turn>,
    /// The turn that says what is asked for now: the user's last.
    pub instruction: usize,
    /// What else is asked for.
    pub wishes: Wishes,
}

/// A role's prompt to be completed.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompted {
    /// Who completes it.
    pub role: Role,
    /// The prompt.
    pub prompt: Text,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// What else is asked for.
    pub wishes: Wishes,
}

/// Answers requests: [`Policy`] with what a single request may ask for.
pub trait Speaker {
    /// One answer for each question, in their order. They are asked together because a model answers many faster than one.
    ///
    /// A rationale that is ready before the rest may be told to `listener`, once at most, with its question's index: it is
    /// streamed at once. [`PolicyMessage::thought`] has it in any case. What the listener does not wait for any more need not be
    /// answered.
    ///
    /// # Errors
    /// Where a model fails. What was told till then does not count.
    fn speak(
        &mut self,
        questions: &[&Question],
        listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError>;

    /// Completes roles' prompts, or says of those that are too long how much they are. `wanted` as in
    /// [`Generate::generate_while`](glpft_agent::Generate::generate_while).
    ///
    /// # Errors
    /// Where a model fails, or there is none that completes prompts.
    fn complete(
        &mut self,
        _prompts: &[&Prompted],
        _wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Result<Generated, TooLong>>, GenerateError> {
        Err(GenerateError::Request {
            index: 0,
            reason: "this server answers chats alone".to_owned(),
        })
    }
}

impl Speaker for Box<dyn Speaker> {
    fn speak(
        &mut self,
        questions: &[&Question],
        listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError> {
        (**self).speak(questions, listener)
    }

    fn complete(
        &mut self,
        prompts: &[&Prompted],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Result<Generated, TooLong>>, GenerateError> {
        (**self).complete(prompts, wanted)
    }
}

/// Opens what answers, in the thread that will ask it; once more where it failed beyond repair.
pub type OpenSpeaker =
    Box<dyn FnMut() -> Result<Box<dyn Speaker>, Box<dyn Error + Send + Sync>> + Send>;

/// A policy that answers as it does, whatever a request wishes: an oracle, or a stub.
///
/// Where no call is allowed it is shown no functions, and a call all the same is an empty answer.
#[derive(Clone, Debug)]
pub struct PolicySpeaker<P>(pub P);

impl<P: Policy> Speaker for PolicySpeaker<P> {
    fn speak(
        &mut self,
        questions: &[&Question],
        _listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError> {
        let without_functions: Vec<Task> = questions
            .iter()
            .map(|question| Task {
                id: question.task.id.clone(),
                query: question.task.query.clone(),
                functions: Vec::new(),
            })
            .collect();
        let asked: Vec<Asked<'_>> = questions
            .iter()
            .zip(&without_functions)
            .map(|(question, bare)| Asked {
                task: match question.wishes.may_call {
                    true => &question.task,
                    false => bare,
                },
                turns: &question.turns,
                instruction: question.instruction,
                count: 0,
            })
            .collect();
        let mut all = self.0.say(&asked)?;
        for (said, question) in all.iter_mut().zip(questions) {
            if !question.wishes.may_call && said.function != FINISH {
                *said = PolicyMessage::answer(said.thought.as_deref(), "");
            }
        }
        Ok(all)
    }
}
