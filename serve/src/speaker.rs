//! Who answers a chat's requests.

use std::error::Error;

use glpft_agent::{Asked, FINISH, GenerateError, Policy, Said, Task};
use glpft_data::Turn;
use serde_json::json;

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
    /// All that was said and observed, the query first.
    pub turns: Vec<Turn>,
    /// What else is asked for.
    pub wishes: Wishes,
}

/// What a step took, in tokens of the models' own tokenizers, over all that were asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompts.
    pub prompt_tokens: usize,
    /// Of these, the ones that did not have to be computed.
    pub cached_tokens: usize,
    /// Of the answers.
    pub new_tokens: usize,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What was said.
    pub said: Said,
    /// What it took, where that is known.
    pub usage: Option<Usage>,
    /// Whether the limit of tokens ended it.
    pub cut: bool,
}

/// Answers requests: [`Policy`] with what a single request may ask for.
pub trait Speaker {
    /// One answer for each question, in their order. They are asked together because a model answers many faster than one.
    ///
    /// A rationale that is ready before the rest may be told to `thought`, once at most, with its question's index: it is
    /// streamed at once. [`Said::thought`] has it in any case.
    ///
    /// # Errors
    /// Where a model fails. What was told till then does not count.
    fn speak(
        &mut self,
        questions: &[&Question],
        thought: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Spoken>, GenerateError>;
}

impl Speaker for Box<dyn Speaker> {
    fn speak(
        &mut self,
        questions: &[&Question],
        thought: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Spoken>, GenerateError> {
        (**self).speak(questions, thought)
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
        _thought: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Spoken>, GenerateError> {
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
                count: 0,
            })
            .collect();
        let said = self.0.say(&asked)?;
        Ok(questions
            .iter()
            .zip(said)
            .map(|(question, mut said)| {
                if !question.wishes.may_call && said.function != FINISH {
                    said.function = FINISH.to_owned();
                    said.arguments =
                        json!({"return_type": "give_answer", "final_answer": ""}).to_string();
                }
                Spoken {
                    said,
                    usage: None,
                    cut: false,
                }
            })
            .collect())
    }
}
