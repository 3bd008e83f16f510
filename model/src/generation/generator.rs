//! From requests to answers.

use std::collections::VecDeque;

use super::cache::Cache;
use super::choose::{Choice, Sampling};
use super::error::GenerationError;
use super::pass::NewTokens;
use super::prefixes::Prefixes;
use super::sequence::Sequence;
use super::slots::{FreeSlots, SlotList};
use crate::decoder::Decoder;
use crate::error::ModelError;

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

/// A prompt to be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRequest {
    /// Which of the generator's models answers.
    pub model: usize,
    /// The prompt, from its first token on; not empty.
    pub prompt: Vec<u32>,
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

/// Models on one backbone, and what they have read.
#[derive(Debug)]
pub struct Generator {
    models: Vec<Decoder>,
    cache: Cache,
    free: FreeSlots,
    /// Of each model: what one adapter computed is of no use to another.
    prefixes: Vec<Prefixes>,
    settings: GeneratorSettings,
    clock: u64,
}

impl Generator {
    /// A generator of one or more models of the same shape on the same device: clones of one that differ in their
    /// adapters share everything else.
    ///
    /// # Panics
    /// Where there is no model, or one of another shape.
    pub fn new(models: Vec<Decoder>, settings: GeneratorSettings) -> Self {
        let first = &models[0];
        assert!(
            models.iter().all(|model| {
                model.config() == first.config() && model.dtype() == first.dtype()
            })
        );
        Self {
            cache: Cache::new(first.config(), first.device(), first.dtype()),
            free: FreeSlots::default(),
            prefixes: models.iter().map(|_| Prefixes::default()).collect(),
            models,
            settings,
            clock: 0,
        }
    }

    /// The longest sequence that the models were made for, in tokens.
    pub fn max_positions(&self) -> usize {
        self.models[0].config().max_positions
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
        self.prefixes.iter().map(Prefixes::tokens).sum()
    }

    /// Lets go of everything that was read; the memory stays for what is read next.
    pub fn forget(&mut self) {
        let capacity = self.free.capacity();
        self.prefixes.fill_with(Prefixes::default);
        self.free = FreeSlots::default();
        self.free.grow(capacity);
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
            self.check(index, request)?;
        }
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

    fn check(&self, index: usize, request: &TokenRequest) -> Result<(), GenerationError> {
        let refuse = |reason| Err(GenerationError::Request { index, reason });
        let config = self.models[0].config();
        if request.prompt.is_empty() {
            return refuse("the prompt is empty".to_owned());
        }
        let (tokens, positions) = (request.prompt.len(), config.max_positions);
        if tokens > positions {
            return refuse(format!(
                "the prompt has {tokens} tokens, but the model was made for {positions} positions at most \
                 (max_position_embeddings); limit prompts to fewer tokens"
            ));
        }
        if let Err(reason) = request.sampling.check() {
            return refuse(reason);
        }
        let vocabulary = config.vocab_size;
        match request
            .prompt
            .iter()
            .find(|&&token| token as usize >= vocabulary)
        {
            Some(&token) => Err(ModelError::TokenOutside { token, vocabulary }.into()),
            None => Ok(()),
        }
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
        let mut active: Vec<Sequence> = Vec::new();
        loop {
            while let Some(&next) = waiting.front()
                && active.len() < self.settings.batch.max(1)
            {
                let alone = active.is_empty();
                let Some(sequence) = self.admit(next, &requests[next], alone) else {
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
                self.keep(model, sequence);
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
        let reads_prompt = |sequence: &Sequence| sequence.computed < sequence.prompt;
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
            let count = (sequence.tokens.len() - from).min(room - new.len());
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
        let logits = self.models[model].extend(new, &mut self.cache, &rows)?;
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

    /// Makes a sequence of a request, its prompt in the tree; none where the cache has no room for it now. One that is
    /// `alone` gets room.
    fn admit(&mut self, index: usize, request: &TokenRequest, alone: bool) -> Option<Sequence> {
        self.clock += 1;
        let (now, prompt) = (self.clock, &request.prompt);
        let length = prompt.len();
        // The last token is chosen, not read.
        let new_tokens = request.new_tokens.min(self.max_positions() - length + 1);
        let tree = &mut self.prefixes[request.model];
        let mut found = tree.find(prompt, now);
        tree.cut(&mut found);
        // The scores after the prompt come of its last token, which is therefore computed in any case.
        let cached = found.tokens.min(length - 1);
        let held = found.node;
        if let Some(node) = held {
            tree.hold(node);
        }
        let room = self.room(length - cached + new_tokens - 1, alone);
        let tree = &mut self.prefixes[request.model];
        let mut node = held;
        let sequence = room.map(|room| {
            let mut slots = found.slots.part(0, cached);
            slots.extend(&room);
            let mut own = cached;
            if found.tokens == cached {
                let rest = room.part(0, length - cached);
                node = tree.add(found, &prompt[cached..], rest, now);
                if let Some(node) = node {
                    tree.hold(node);
                }
                own = length;
            } else if let Some(node) = node {
                tree.hold(node);
            }
            Sequence {
                request: index,
                tokens: prompt.clone(),
                prompt: length,
                computed: cached,
                cached,
                slots,
                own,
                node,
                new_tokens,
                choice: Choice::new(request.sampling, prompt),
            }
        });
        if let Some(node) = held {
            tree.release(node);
        }
        sequence
    }

    /// Room for `count` tokens: free, new, or that of what nobody has asked for longest. None where all of it is in use,
    /// unless it is for something that is `alone`.
    fn room(&mut self, count: usize, alone: bool) -> Option<SlotList> {
        /// Room is made in steps of so many tokens at least.
        const STEP: usize = 1024;
        let limit = self.settings.cache_bytes / self.cache.token_bytes().max(1);
        loop {
            if let Some(slots) = self.free.take(count) {
                return Some(slots);
            }
            let capacity = self.free.capacity();
            let least = capacity + count - self.free.free();
            if least <= limit {
                let wanted = least.max(capacity * 2).max(capacity + STEP);
                self.grow(wanted.min(limit));
            } else if !self.drop_oldest() {
                if !alone {
                    return None;
                }
                self.grow(least);
            }
        }
    }

    fn grow(&mut self, capacity: usize) {
        self.cache.grow(capacity);
        self.free.grow(capacity);
    }

    fn drop_oldest(&mut self) -> bool {
        let trees = self.prefixes.iter().enumerate();
        let oldest = trees
            .filter_map(|(model, tree)| Some((tree.oldest()?, model)))
            .min();
        let Some(((_, node), model)) = oldest else {
            return false;
        };
        let slots = self.prefixes[model].drop_leaf(node);
        self.free.give(&slots);
        true
    }

    /// Puts what a finished sequence computed into the tree, for prompts that go on after its answer.
    fn keep(&mut self, model: usize, sequence: Sequence) {
        let tree = &mut self.prefixes[model];
        let computed = &sequence.tokens[..sequence.computed];
        let found = tree.find(computed, self.clock);
        let known = found.tokens.max(sequence.own).min(computed.len());
        if found.tokens >= sequence.own {
            let slots = sequence.slots.part(known, computed.len());
            tree.add(found, &computed[known..], slots, self.clock);
            self.free.give(&sequence.slots.part(sequence.own, known));
            self.free
                .give(&sequence.slots.part(computed.len(), usize::MAX));
        } else {
            self.free
                .give(&sequence.slots.part(sequence.own, usize::MAX));
        }
        if let Some(node) = sequence.node {
            tree.release(node);
        }
    }
}

/// Whether, and why, an answer ends with its last token.
fn finish(
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
