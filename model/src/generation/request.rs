//! What is asked, and what is answered.

use glpft_checkpoints::ModelConfig;

use super::choose::Sampling;
use super::error::GenerationError;
use super::sequence::Sequence;
use crate::error::ModelError;
/// A prompt to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRequest {
    /// Which of the generator's models answers.
    pub model: usize,
    /// The prompt, from its first token on; not empty.
    pub prompt: Vec<u32>,
    /// The first token that the model's adapter acts on, which wakes there: those before are read by the first of the
    /// generator's models, which has none, and kept for every model that wakes. 0: it acts on all.
    pub wakes_at: usize,
    /// The most tokens of the answer, the one that ends it included.
    pub new_tokens: usize,
    /// The tokens that end the answer.
    pub ends: Vec<u32>,
    /// Only ids below this are chosen: the tokenizer's vocabulary, which may be smaller than the model's.
    pub vocabulary: usize,
    /// How tokens are chosen.
    pub sampling: Sampling,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFinish {
    /// Its last token is one of [`TokenRequest::ends`].
    End,
    /// The caller ended it.
    Watched,
    /// It has [`TokenRequest::new_tokens`], or as many as the model has positions for.
    Length,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// Its tokens, the one that ended it included.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish: TokenFinish,
    /// How many of the prompt's tokens did not have to be computed.
    pub cached_tokens: usize,
}

/// How far a token's id is from what else a tree's key says.
const MARK: u32 = 1 << 24;

impl TokenRequest {
    /// Whose tree it reads and adds to: of models that wake the first one's.
    pub(super) fn tree(&self) -> usize {
        match self.wakes_at {
            0 => self.model,
            _ => 0,
        }
    }

    /// What a tree knows tokens by, of which the first is number `from` of the sequence. What the adapter of a model that
    /// wakes has computed is of no use to another, so that its tokens are marked.
    pub(super) fn keys(&self, from: usize, tokens: &[u32]) -> Vec<u32> {
        let mark = (self.model as u32 + 1) * MARK;
        let keys = tokens.iter().enumerate().map(|(at, &token)| {
            match self.wakes_at > 0 && from + at >= self.wakes_at {
                true => token + mark,
                false => token,
            }
        });
        keys.collect()
    }

    /// Whether it makes sense to a model; `index` is its place among the requests.
    pub(super) fn check(&self, index: usize, config: &ModelConfig) -> Result<(), GenerationError> {
        let refuse = |reason| Err(GenerationError::Request { index, reason });
        if self.prompt.is_empty() {
            return refuse("the prompt is empty".to_owned());
        }
        let (tokens, positions) = (self.prompt.len(), config.context());
        if tokens > positions {
            return refuse(format!(
                "the prompt has {tokens} tokens, but the model was made for {positions} positions at most ({}); limit \
                 prompts to fewer tokens",
                config.context_key()
            ));
        }
        if let Err(reason) = self.sampling.check() {
            return refuse(reason);
        }
        let vocabulary = config.vocab_size;
        if self.wakes_at > 0 && vocabulary > MARK as usize {
            return refuse(format!(
                "an adapter that wakes knows {MARK} tokens, not {vocabulary}"
            ));
        }
        if self.wakes_at >= tokens {
            return refuse("the adapter wakes behind the prompt".to_owned());
        }
        match self
            .prompt
            .iter()
            .find(|&&token| token as usize >= vocabulary)
        {
            Some(&token) => Err(ModelError::TokenOutside { token, vocabulary }.into()),
            None => Ok(()),
        }
    }
}

/// Whether, and why, an answer ends with its last token.
pub(super) fn finish(
    sequence: &Sequence,
    request: &TokenRequest,
    watch: &mut dyn FnMut(usize, &[u32]) -> bool,
) -> Option<TokenFinish> {
    let answer = sequence.answer();
    if answer
        .last()
        .is_some_and(|last| request.ends.contains(last))
    {
        Some(TokenFinish::End)
    } else if watch(sequence.request, answer) {
        Some(TokenFinish::Watched)
    } else if answer.len() >= sequence.new_tokens {
        Some(TokenFinish::Length)
    } else {
        None
    }
}
