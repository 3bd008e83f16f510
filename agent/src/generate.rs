//! What a model must do for the team.

use std::error::Error;
use std::fmt;

use glpft_data::{Dataset, Text};

use crate::model_calls::ModelCalls;

/// The part that a request's answer plays; who implements [`Generate`] has a model, or an adapter, for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Thinks, and says who comes next.
    Planner,
    /// Writes calls.
    Caller,
    /// Writes answers.
    Summarizer,
    /// Does all of it at once: the single model that the team is compared with.
    Backbone,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 4] = [
        Role::Planner,
        Role::Caller,
        Role::Summarizer,
        Role::Backbone,
    ];

    /// The dataset that the role learns from, whose prompts it is asked with.
    pub fn dataset(self) -> Dataset {
        match self {
            Role::Planner => Dataset::Planner,
            Role::Caller => Dataset::Caller,
            Role::Summarizer => Dataset::Summarizer,
            Role::Backbone => Dataset::Backbone,
        }
    }

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        self.dataset().name()
    }
}

/// How long a prompt and an answer may be, in tokens of the role's own tokenizer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The prompt keeps this many of its last tokens.
    pub prompt_tokens: usize,
    /// The answer ends after this many.
    pub new_tokens: usize,
    /// The answer ends where its text ends with the same piece so often ([`crate::loop_end`]); none: it may go on.
    pub stop_repeats: Option<usize>,
}

/// Evaluations compare settings by this text: what is not asked for is not in it.
impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Limits");
        all.field("prompt_tokens", &self.prompt_tokens)
            .field("new_tokens", &self.new_tokens);
        if let Some(times) = self.stop_repeats {
            all.field("stop_repeats", &times);
        }
        all.finish()
    }
}

impl Limits {
    /// The published static evaluation's (α-UMi, `infer_pipeline.py`).
    pub const STATIC: Limits = Limits {
        prompt_tokens: 3750,
        new_tokens: 512,
        stop_repeats: None,
    };

    /// The published live agent's: a context of 4096 less the answer and 8 (ToolBench, `generate_stream`).
    pub const LIVE: Limits = Limits {
        prompt_tokens: 3576,
        new_tokens: 512,
        stop_repeats: None,
    };
}

impl Limits {
    /// How many tokens a prompt may have where the model has so many positions: none of them belongs to the answer, which
    /// gets half of them at most.
    pub fn room(&self, positions: usize) -> usize {
        let room = positions - self.new_tokens.min(positions / 2);
        room.min(self.prompt_tokens)
    }
}

/// A prompt beside what its model can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Measure {
    /// The prompt's tokens, none cut.
    pub prompt_tokens: usize,
    /// How many may be asked with, an answer as long as the limits allow beside them.
    pub room: usize,
    /// The tokens that the model can read and write together.
    pub positions: usize,
}

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// The likeliest; of equals the one with the smallest id.
    Greedy,
    /// Drawn at random; a pure function of the seed and the request, whatever else is in the batch.
    Random {
        /// Above 0; logits are divided by it.
        temperature: f64,
        /// In (0, 1]: only the fewest tokens whose probabilities reach it together.
        top_p: f64,
        /// Only so many tokens; `None`: all.
        top_k: Option<usize>,
        /// Two requests of the same prompt need different seeds to differ.
        seed: u64,
    },
}

/// Something to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who answers.
    pub role: Role,
    /// The prompt, whole. Text that spells a separator is no separator, here as in training, so an observation
    /// that holds `</s>` ends nothing; a model's own tokenizer says what a separator is.
    pub prompt: Text,
    /// Texts that end the answer, besides the model's end of sequence; not part of it.
    pub stop: Vec<String>,
    /// How long prompt and answer may be.
    pub limits: Limits,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// The model ended it.
    EndOfSequence,
    /// One of [`Request::stop`] came up, the one with this index.
    Stop(usize),
    /// [`Limits::new_tokens`] were generated.
    Length,
    /// It repeated itself as often as [`Limits::stop_repeats`] says.
    Repeats,
}

impl StopReason {
    /// Whether a limit ended it, so that the model may have had more to say.
    pub fn is_a_limit(self) -> bool {
        matches!(self, Self::Length | Self::Repeats)
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The text, without special tokens and without what ended it.
    pub text: String,
    /// Why it ended.
    pub finish: StopReason,
    /// The prompt's tokens, after truncation to [`Limits::prompt_tokens`].
    pub prompt_tokens: usize,
    /// How many tokens of the prompt's beginning were cut off; 0 where it fits.
    pub cut_tokens: usize,
    /// Those of them that did not have to be computed, since an earlier request's prompt began with them.
    pub cached_tokens: usize,
    /// The tokens that were generated, the end of sequence included.
    pub new_tokens: usize,
}

/// Why nothing was generated. An implementation's own error is its source.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is no model for a role.
    #[error("there is no model for the {}", .0.name())]
    NoModel(Role),
    /// A request that makes no sense.
    #[error("request {index} cannot be answered: {reason}")]
    Request {
        /// Its place among the requests.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An agent's server failed.
    #[error("the agent did not answer")]
    Server {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The model, its tokenizer or the device failed.
    #[error("the {} did not answer", role.name())]
    Failed {
        /// Who.
        role: Role,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Answers prompts: a model behind each role, wherever it runs.
///
/// What callers may rely on, and implementations must keep:
/// - **One answer a request, in the requests' order**; any number of requests of any roles, none included.
/// - **A request's answer does not depend on the others.** Batching and caching make it faster, not different (but for
///   the rounding of another order of additions).
/// - **Prefixes are reused.** The prompts of one trajectory begin alike, and so do the branches of a search: an
///   implementation keeps, for each role, what it computed for earlier prompts, and says in
///   [`Generated::cached_tokens`] what that saved. Callers help by asking for a trajectory's steps together, or one
///   after the other, and say with [`Generate::forget`] when they go on to another.
/// - **Roles are independent.** They may be one backbone with adapters or three models with three tokenizers: only text
///   passes between them.
///
/// A team is three requests at most: planner, then caller or summarizer. Static evaluation asks the planner for all of a
/// trajectory's steps in one call, then caller and summarizer for those steps that need them in a second.
pub trait Generate {
    /// Answers all requests.
    ///
    /// # Errors
    /// Where one of them cannot be answered; nothing is then known of the others.
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError>;

    /// As [`Generate::generate`], for answers that may stop being wanted: `wanted` is asked with a request's index, any number
    /// of times, and an answer that is not wanted any more may be cut short. By itself every answer is given whole.
    ///
    /// # Errors
    /// As [`Generate::generate`].
    fn generate_while(
        &mut self,
        requests: &[Request],
        _wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Generated>, GenerateError> {
        self.generate(requests)
    }

    /// How long a request's prompt is, and how long it may be; none where that is not known. A prompt that is longer loses its
    /// beginning when it is asked: who must not lose any asks here first.
    ///
    /// # Errors
    /// There is no model for the role, or its tokenizer fails.
    fn measure(&self, _request: &Request) -> Result<Option<Measure>, GenerateError> {
        Ok(None)
    }

    /// The calls of servers that were made so far, and how many failed; none where no server answers.
    fn server_calls(&self) -> ModelCalls {
        ModelCalls::default()
    }

    /// Lets go of what is kept of earlier prompts: no later one begins like them. Only memory and time depend on it.
    fn forget(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A caller that only ever says how long its prompt is: the trait can be implemented, boxed and asked.
    struct Counter;

    impl Generate for Counter {
        fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
            requests
                .iter()
                .map(|request| match request.role {
                    Role::Caller => Ok(Generated {
                        text: request.prompt.to_string().len().to_string(),
                        finish: StopReason::EndOfSequence,
                        prompt_tokens: 1,
                        cut_tokens: 0,
                        cached_tokens: 0,
                        new_tokens: 1,
                    }),
                    other => Err(GenerateError::NoModel(other)),
                })
                .collect()
        }
    }

    #[test]
    fn a_generator_is_asked_through_a_box() {
        let mut prompt = Text::new();
        prompt.push("abc").separate();
        let request = |role| Request {
            role,
            prompt: prompt.clone(),
            stop: Vec::new(),
            limits: Limits::STATIC,
            sampling: Sampling::Greedy,
        };
        let mut generator: Box<dyn Generate> = Box::new(Counter);
        let answers = generator
            .generate(&[request(Role::Caller)])
            .map(|all| all[0].text.clone());
        assert_eq!(answers.ok().as_deref(), Some("7"));
        assert_eq!(generator.generate(&[]).map(|all| all.len()).ok(), Some(0));
        let error = generator
            .generate(&[request(Role::Planner)])
            .map_err(|error| error.to_string());
        assert_eq!(error, Err("there is no model for the planner".to_owned()));
        generator.forget();
    }
}
