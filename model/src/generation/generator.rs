//! From requests to answers.

use std::collections::VecDeque;

use super::error::GenerationError;
use super::kept::{Kept, Room};
use super::pass::NewTokens;
use super::request::{TokenAnswer, TokenFinish, TokenRequest, finish};
use super::sequence::Sequence;
use crate::cache::Cache;
use crate::decoder::Decoder;

/// How much is done, and kept, at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// The memory for keys and values. Where one request alone needs more, it gets more.
    pub cache_bytes: usize,
    /// The most sequences that take a step together.
    pub batch: usize,
    /// The most tokens of prompts that are computed at once.
    pub pass_tokens: usize,
}

impl Default for GeneratorSettings {
    fn default() -> Self {
        Self {
            cache_bytes: 2 << 30,
            batch: 32,
            pass_tokens: 2048,
        }
    }
}

/// Models on one backbone, and what they have read.
#[derive(Debug)]
pub struct Generator {
    models: Vec<Decoder>,
    kept: Kept,
    settings: GeneratorSettings,
}

impl Generator {
    /// A generator of one or more models of the same shape on the same device: clones of one that differ in their
    /// adapters share everything else. Where the adapter of one wakes, the first has none.
    ///
    /// # Panics
    /// Where there is no model, or one of another shape.
    pub fn new(models: Vec<Decoder>, settings: GeneratorSettings) -> Self {
        let first = &models[0];
        // An adapter on the embedding or the head unties the two; the cache has neither.
        let shape = |model: &Decoder| {
            let mut config = model.config().clone();
            config.tied = false;
            config
        };
        let same = |model: &Decoder| shape(model) == shape(first) && model.dtype() == first.dtype();
        assert!(models.iter().all(same));
        Self {
            kept: Kept::new(
                Cache::new(first.config(), first.device(), first.dtype()),
                models.len(),
            ),
            models,
            settings,
        }
    }

    /// The longest sequence that the models were made for, in tokens: [`ModelConfig::context`](glpft_checkpoints::ModelConfig::context).
    pub fn max_positions(&self) -> usize {
        self.models[0].config().context()
    }

    /// One of the models, by its place.
    ///
    /// # Panics
    /// Where there are fewer.
    pub fn model(&self, place: usize) -> &Decoder {
        &self.models[place]
    }

    /// The settings, which may change between calls.
    pub fn settings_mut(&mut self) -> &mut GeneratorSettings {
        &mut self.settings
    }

    /// How many tokens' keys and values are kept for later prompts.
    pub fn kept_tokens(&self) -> usize {
        self.kept.tokens()
    }

    /// Lets go of everything that was read; the memory stays for what is read next.
    pub fn forget(&mut self) {
        self.kept.forget();
    }

    /// Answers all requests. `watch` sees every answer after each of its tokens but one of [`TokenRequest::ends`], with the
    /// request's place, and ends it by returning true.
    ///
    /// # Errors
    /// A request that makes no sense, told before anything is computed; the device fails.
    pub fn generate(
        &mut self,
        requests: &[TokenRequest],
        watch: &mut dyn FnMut(usize, &[u32]) -> bool,
    ) -> Result<Vec<TokenAnswer>, GenerationError> {
        for (index, request) in requests.iter().enumerate() {
            request.check(index, self.models[0].config())?;
        }
        debug_assert!(
            requests.iter().all(|request| request.wakes_at == 0) || !self.models[0].is_adapted(),
            "what an adapter sleeps through is read by the first model, which has none"
        );
        let mut answers: Vec<TokenAnswer> = requests
            .iter()
            .map(|_| TokenAnswer {
                tokens: Vec::new(),
                finish: TokenFinish::Length,
                cached_tokens: 0,
            })
            .collect();
        for model in 0..self.models.len() {
            let waiting = (0..requests.len())
                .filter(|&at| requests[at].model == model && requests[at].new_tokens > 0);
            let answered = self.answer(model, waiting.collect(), requests, watch, &mut answers);
            if answered.is_err() {
                // Of what the tree promises, some may not be computed.
                self.forget();
            }
            answered?;
        }
        Ok(answers)
    }

    /// Answers those of `requests` that `waiting` names, all of one model.
    fn answer(
        &mut self,
        model: usize,
        mut waiting: VecDeque<usize>,
        requests: &[TokenRequest],
        watch: &mut dyn FnMut(usize, &[u32]) -> bool,
        answers: &mut [TokenAnswer],
    ) -> Result<(), GenerationError> {
        let positions = self.max_positions();
        let mut active: Vec<Sequence> = Vec::new();
        loop {
            while let Some(&next) = waiting.front()
                && active.len() < self.settings.batch.max(1)
            {
                let room = Room {
                    bytes: self.settings.cache_bytes,
                    alone: active.is_empty(),
                };
                let Some(sequence) = self.kept.admit(next, &requests[next], positions, room) else {
                    break;
                };
                waiting.pop_front();
                active.push(sequence);
            }
            if active.is_empty() {
                return Ok(());
            }
            let chosen = self.advance(model, &mut active, requests)?;
            // From the last, so that the places of those before stay.
            for at in chosen.into_iter().rev() {
                let sequence = &active[at];
                let request = &requests[sequence.request];
                let Some(finish) = finish(sequence, request, watch) else {
                    continue;
                };
                let sequence = active.remove(at);
                answers[sequence.request] = TokenAnswer {
                    tokens: sequence.answer().to_vec(),
                    finish,
                    cached_tokens: sequence.cached,
                };
                self.kept.keep(request, sequence);
                self.kept.trim(self.settings.cache_bytes);
            }
        }
    }

    /// Computes the next tokens: first those of prompts, as many as a pass takes, then one of each sequence. Returns the
    /// places of the sequences that have one token more, ascending.
    fn advance(
        &mut self,
        model: usize,
        active: &mut [Sequence],
        requests: &[TokenRequest],
    ) -> Result<Vec<usize>, GenerationError> {
        // What stands before an adapter wakes is the first model's to read, and first of all.
        let asleep = |sequence: &Sequence| {
            requests[sequence.request]
                .wakes_at
                .saturating_sub(sequence.computed)
        };
        let before = active.iter().any(|sequence| asleep(sequence) > 0);
        let reads_prompt = |sequence: &Sequence| match before {
            true => asleep(sequence) > 0,
            false => sequence.computed < sequence.prompt,
        };
        let prompts = active.iter().any(reads_prompt);
        let room = match prompts {
            true => self.settings.pass_tokens.max(1),
            false => usize::MAX,
        };
        let (mut new, mut rows, mut complete) = (NewTokens::default(), Vec::new(), Vec::new());
        for (at, sequence) in active.iter_mut().enumerate() {
            if prompts && !reads_prompt(sequence) {
                continue;
            }
            let from = sequence.computed;
            let readable = match before {
                true => asleep(sequence),
                false => sequence.tokens.len() - from,
            };
            let count = readable.min(room - new.len());
            if count == 0 {
                break;
            }
            new.add(&sequence.tokens[from..from + count], from, &sequence.slots);
            sequence.computed += count;
            if sequence.computed == sequence.tokens.len() {
                rows.push(new.len() as u32 - 1);
                complete.push(at);
            }
        }
        let reader = if before { 0 } else { model };
        let logits = self.models[reader].extend(new, &mut self.kept.cache, &rows)?;
        let vocabulary = self.models[model].config().vocab_size;
        for (&at, logits) in complete.iter().zip(logits.chunks_exact(vocabulary)) {
            let sequence = &mut active[at];
            let index = sequence.request;
            let logits = &logits[..requests[index].vocabulary.clamp(1, vocabulary)];
            let token = sequence.choice.choose(logits, sequence.answer().len());
            let token = token.ok_or(GenerationError::NotANumber { index })?;
            sequence.tokens.push(token);
        }
        Ok(complete)
    }
}
