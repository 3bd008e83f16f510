//! One role of a team: its tokenizer, and which model answers.

use std::sync::Arc;

use glpft_agent::{
    GenerateError, Generated, Request, Role, Sampling, StopReason, loop_end, loops_now,
};
use glpft_data::{PromptTokenizer, SegmentCache, TokenizerError};
use glpft_model::generation::{self, AnswerText, TokenAnswer, TokenFinish, TokenRequest};
use glpft_recipes::Separators;

/// The text that a separator is where it is no token of its own.
const LITERAL: &str = "</s>";

/// Who answers for a role.
#[derive(Debug)]
pub struct Member {
    /// The role.
    pub role: Role,
    /// The place of its backbone's generator.
    pub generator: usize,
    /// The place of its model in the generator.
    pub model: usize,
    /// Its tokenizer.
    pub tokenizer: Arc<PromptTokenizer>,
    /// What a separator is to it.
    pub separators: Separators,
    /// What wakes its adapter; empty where that acts on every token.
    pub invocation: Vec<u32>,
    /// The tokens that its model ends a text with, by its configuration.
    pub ends: Vec<u32>,
}

impl Member {
    /// A prompt's tokens, none cut.
    pub fn prompt(
        &self,
        request: &Request,
        cache: &mut SegmentCache,
    ) -> Result<Vec<u32>, GenerateError> {
        let mut prompt = self.tokenizer.prefix().to_vec();
        let text = self
            .tokenizer
            .encode_cached(&request.prompt, self.separators, cache)
            .map_err(|error| self.failed(error))?;
        prompt.extend(text);
        Ok(prompt)
    }

    /// A request as tokens, and how many of its prompt's first tokens were cut off.
    pub fn encode(
        &self,
        request: &Request,
        cache: &mut SegmentCache,
    ) -> Result<(TokenRequest, usize), GenerateError> {
        let mut prompt = self.prompt(request, cache)?;
        // As the published inference has it, a text's first token goes as well.
        let cut = prompt.len().saturating_sub(request.limits.prompt_tokens);
        prompt.drain(..cut);
        let wakes_at = self.wakes_at(&prompt)?;
        let mut ends = self.ends.clone();
        ends.push(self.tokenizer.eos_id());
        ends.extend(self.tokenizer.separator_id(self.separators));
        let encoded = TokenRequest {
            model: self.model,
            prompt,
            wakes_at,
            new_tokens: request.limits.new_tokens,
            ends,
            vocabulary: self.tokenizer.vocab_size(),
            sampling: match request.sampling {
                Sampling::Greedy => generation::Sampling::Greedy,
                Sampling::Random {
                    temperature,
                    top_p,
                    top_k,
                    seed,
                } => generation::Sampling::Random {
                    temperature,
                    top_p,
                    top_k,
                    seed,
                },
            },
        };
        Ok((encoded, cut))
    }

    /// Where its adapter wakes in a prompt: where the invocation last stands, as PEFT has it.
    fn wakes_at(&self, prompt: &[u32]) -> Result<usize, GenerateError> {
        if self.invocation.is_empty() {
            return Ok(0);
        }
        let mut windows = prompt.windows(self.invocation.len());
        let found = windows.rposition(|window| window == self.invocation);
        found.ok_or_else(|| GenerateError::Failed {
            role: self.role,
            source: "the prompt has none of the tokens that wake the adapter (`alora_invocation_tokens`); it was trained \
                     with other prompt templates, or with another `data.layout`"
                .into(),
        })
    }

    /// Whether a text in the answer ends it, or that it repeats itself.
    pub fn stop(&self, request: &Request, answer: &[u32]) -> Result<bool, GenerateError> {
        let stops = self.stops(request);
        let reader = self.text(&stops);
        let found = reader.stop(answer).map_err(|error| self.failed(error))?;
        let Some(times) = request.limits.stop_repeats else {
            return Ok(found.is_some());
        };
        let text = reader.text(answer).map_err(|error| self.failed(error))?;
        Ok(found.is_some() || loops_now(&text, times))
    }

    /// An answer's tokens as what the request asked for. `prompt_tokens` were read, `cut_tokens` before them were not.
    pub fn read(
        &self,
        request: &Request,
        [prompt_tokens, cut_tokens]: [usize; 2],
        answer: &TokenAnswer,
    ) -> Result<Generated, GenerateError> {
        let stops = self.stops(request);
        let reader = self.text(&stops);
        let whole = |tokens: &[u32]| reader.text(tokens).map_err(|error| self.failed(error));
        let stopped = || {
            reader
                .stop(&answer.tokens)
                .map_err(|error| self.failed(error))
        };
        let (text, finish) = match (answer.finish, answer.tokens.split_last()) {
            (TokenFinish::End, Some((_, text))) => (whole(text)?, StopReason::EndOfSequence),
            (TokenFinish::Watched, _) => match stopped()? {
                Some(found) if found.stop < request.stop.len() => {
                    (found.text, StopReason::Stop(found.stop))
                }
                Some(found) => (found.text, StopReason::EndOfSequence),
                None => {
                    let mut text = whole(&answer.tokens)?;
                    let repeats = request.limits.stop_repeats;
                    match repeats.and_then(|times| loop_end(&text, times)) {
                        Some(end) => {
                            // What a token has behind the loop's end goes, as it does from a server's reply.
                            text.truncate(end);
                            (text, StopReason::Repeats)
                        }
                        None => (text, StopReason::Length),
                    }
                }
            },
            _ => (whole(&answer.tokens)?, StopReason::Length),
        };
        Ok(Generated {
            text,
            finish,
            prompt_tokens,
            cut_tokens,
            cached_tokens: answer.cached_tokens,
            new_tokens: answer.tokens.len(),
        })
    }

    fn text<'a>(&'a self, stops: &'a [String]) -> AnswerText<'a> {
        AnswerText {
            tokenizer: &self.tokenizer,
            stops,
        }
    }

    /// The request's stops, then the separator where it is a text.
    fn stops(&self, request: &Request) -> Vec<String> {
        let mut stops = request.stop.clone();
        if self.tokenizer.separator_id(self.separators).is_none() {
            stops.push(LITERAL.to_owned());
        }
        stops
    }

    fn failed(&self, error: TokenizerError) -> GenerateError {
        GenerateError::Failed {
            role: self.role,
            source: Box::new(error),
        }
    }
}
