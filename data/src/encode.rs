//! [`Example`]s become tokens.

use crate::example::{Example, Prompt, Text};
use crate::tokenizer::{PromptTokenizer, SegmentCache, TokenizerError};
use crate::truncate::{self, DropReason};
use glpft_recipes::{DataRecipe, Separators, SystemPrefix, Truncate};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// One training example as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExample {
    /// Prompt, target and the separator that ends it.
    pub tokens: Vec<u32>,
    /// Index of the first target token in `tokens`; the tokens from here on are labels.
    pub label_start: usize,
    /// Index of the first token that the role alone reads, its instruction's: an adapter that wakes acts from here on. 0
    /// where prompts begin with their role.
    pub role_start: usize,
    /// Index of the trajectory in its source.
    pub trajectory: u32,
    /// Index of the target's turn in the trajectory's conversation.
    pub turn: u32,
}

impl TokenExample {
    /// The positions in `tokens` that are learned: the target's, but never position 0, which nothing predicts.
    pub fn label_positions(&self) -> std::ops::Range<usize> {
        let end = self.tokens.len();
        self.label_start.clamp(1, end.max(1))..end.max(1)
    }

    /// How many tokens are learned.
    pub fn label_tokens(&self) -> usize {
        self.label_positions().len()
    }
}

/// How examples become tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// What a separator is.
    pub separators: Separators,
    /// Whether `system: ` stands before a prompt.
    pub system_prefix: SystemPrefix,
    /// What happens to an example longer than `max_length`.
    pub truncate: Truncate,
    /// The longest example in tokens, prompt (with what the tokenizer puts before it) and target together.
    pub max_length: usize,
    /// Whether the prompt's tokens are labels, too: all but the first.
    pub train_on_inputs: bool,
}

impl EncodeOptions {
    /// The options of a recipe and of a stage's longest example.
    pub fn new(recipe: &DataRecipe, max_length: usize) -> Self {
        Self {
            separators: recipe.separators,
            system_prefix: recipe.system_prefix,
            truncate: recipe.truncate,
            max_length,
            train_on_inputs: recipe.train_on_inputs,
        }
    }
}

/// A data set's examples as tokens, and what was cut from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedExamples {
    /// The examples that are left, in the order given.
    pub examples: Vec<TokenExample>,
    /// How many of them lost tokens.
    pub truncated: usize,
    /// How many tokens these lost.
    pub cut_tokens: usize,
    /// How many tokens are not learned, because they were cut or their example was left out.
    pub lost_label_tokens: usize,
    /// How many are left out, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
}

/// Why examples could not become tokens.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The tokenizer failed on an example.
    #[error("trajectory {trajectory}, turn {turn}: {source}")]
    Tokenizer {
        /// The example's trajectory.
        trajectory: usize,
        /// The example's turn.
        turn: usize,
        /// What went wrong.
        source: TokenizerError,
    },
    /// An index that does not fit 32 bits.
    #[error("{what} {index} is beyond 32 bits")]
    IndexTooLarge {
        /// What is counted.
        what: &'static str,
        /// Its index.
        index: usize,
    },
}

/// The tokens of a prompt: what the tokenizer puts before a text, then the text, after `system: ` if
/// `with_system`. For training that is any [`SystemPrefix`] but `None`, for inference `Both` alone.
///
/// # Errors
/// Where the tokenizer fails.
pub fn encode_prompt(
    tokenizer: &PromptTokenizer,
    prompt: &Prompt,
    separators: Separators,
    with_system: bool,
) -> Result<Vec<u32>, TokenizerError> {
    let mut cache = SegmentCache::default();
    let tokens = prompt_tokens(tokenizer, prompt, separators, with_system, 0, &mut cache)?;
    Ok(tokens.ids)
}

/// A prompt as tokens.
#[derive(Clone, Debug)]
struct PromptTokens {
    ids: Vec<u32>,
    /// As in [`TokenExample`].
    role_start: usize,
}

/// Encodes all examples of a trajectory: truncation looks at them together. `cache` remembers the segments of their
/// text, for the trajectory's examples in other data sets, too; it must be of no other tokenizer.
///
/// # Errors
/// Where the tokenizer fails on an example, the first such.
pub fn encode_trajectory(
    tokenizer: &PromptTokenizer,
    examples: &[Example],
    options: &EncodeOptions,
    cache: &mut SegmentCache,
) -> Result<EncodedExamples, EncodeError> {
    Trajectory {
        tokenizer,
        options,
        examples,
        cache,
    }
    .encode()
}

/// Encodes the examples of many trajectories (each one's are neighbours), on rayon's threads; the result does not
/// depend on their number.
///
/// # Errors
/// As [`encode_trajectory`].
pub fn encode_examples(
    tokenizer: &PromptTokenizer,
    examples: &[Example],
    options: &EncodeOptions,
) -> Result<EncodedExamples, EncodeError> {
    let trajectories: Vec<&[Example]> = examples
        .chunk_by(|a, b| a.trajectory == b.trajectory)
        .collect();
    let encoded: Vec<Result<EncodedExamples, EncodeError>> = trajectories
        .into_par_iter()
        .map(|examples| {
            encode_trajectory(tokenizer, examples, options, &mut SegmentCache::default())
        })
        .collect();
    let mut all = EncodedExamples::default();
    for trajectory in encoded {
        let trajectory = trajectory?;
        all.examples.extend(trajectory.examples);
        all.truncated += trajectory.truncated;
        all.cut_tokens += trajectory.cut_tokens;
        all.lost_label_tokens += trajectory.lost_label_tokens;
        for (reason, count) in trajectory.dropped {
            *all.dropped.entry(reason).or_default() += count;
        }
    }
    Ok(all)
}

/// The prompt's tokens without the `cut` oldest of its turns; the instruction always stays.
fn prompt_tokens(
    tokenizer: &PromptTokenizer,
    prompt: &Prompt,
    separators: Separators,
    with_system: bool,
    cut: usize,
    cache: &mut SegmentCache,
) -> Result<PromptTokens, TokenizerError> {
    let mut text = Text::new();
    if with_system {
        text.push("system: ");
    }
    text.extend(&prompt.before);
    for (index, turn) in prompt.turns.iter().enumerate() {
        // Turns after the instruction have one fewer before them that may go.
        let older = index - usize::from(index > prompt.instruction);
        if index == prompt.instruction || older >= cut {
            text.extend(turn);
        }
    }
    text.extend(&prompt.after);
    let mut ids = tokenizer.prefix().to_vec();
    let (own, seam) = tokenizer.encode_seamed(&text, separators, cache)?;
    let role_start = match seam {
        0 => 0,
        seam => ids.len() + seam,
    };
    ids.extend(own);
    Ok(PromptTokens { ids, role_start })
}

/// A trajectory's examples on their way to tokens.
struct Trajectory<'a> {
    tokenizer: &'a PromptTokenizer,
    options: &'a EncodeOptions,
    examples: &'a [Example],
    cache: &'a mut SegmentCache,
}

impl Trajectory<'_> {
    fn encode(mut self) -> Result<EncodedExamples, EncodeError> {
        let mut whole = Vec::with_capacity(self.examples.len());
        for index in 0..self.examples.len() {
            let target = self.target(index)?;
            whole.push((self.prompt(index, 0)?, target));
        }
        let cut = match self.options.truncate {
            Truncate::OldestTurns => self.drop_oldest_turns(&whole)?,
            Truncate::Last | Truncate::Drop => BTreeMap::new(),
        };
        let mut encoded = EncodedExamples::default();
        for (index, (prompt, target)) in whole.into_iter().enumerate() {
            let PromptTokens {
                ids: mut tokens,
                mut role_start,
            } = prompt;
            let mut label_start = tokens.len();
            tokens.extend(&target);
            let whole = tokens.len();
            // The first token of all is never learned.
            let whole_labels = match self.options.train_on_inputs {
                true => whole.saturating_sub(1),
                false => whole - label_start.clamp(1.min(whole), whole),
            };
            let mut dropped = None;
            let too_long = tokens.len() > self.options.max_length;
            if too_long {
                match self.options.truncate {
                    Truncate::Last => {
                        role_start = role_start
                            .saturating_sub(tokens.len().saturating_sub(self.options.max_length));
                        label_start =
                            truncate::keep_last(&mut tokens, label_start, self.options.max_length);
                    }
                    Truncate::OldestTurns => match cut.get(&index) {
                        Some(shorter) => {
                            tokens.clone_from(&shorter.ids);
                            label_start = tokens.len();
                            role_start = shorter.role_start;
                            tokens.extend(target);
                        }
                        None => dropped = Some(DropReason::NoRoom),
                    },
                    Truncate::Drop => dropped = Some(DropReason::TooLong),
                }
            }
            if self.options.train_on_inputs {
                label_start = 1;
            }
            let example = &self.examples[index];
            let example = TokenExample {
                tokens,
                label_start,
                role_start,
                trajectory: index_u32("trajectory", example.trajectory)?,
                turn: index_u32("turn", example.turn)?,
            };
            if dropped.is_none() && example.label_tokens() == 0 {
                dropped = Some(DropReason::NoLabel);
            }
            match dropped {
                Some(reason) => {
                    *encoded.dropped.entry(reason).or_default() += 1;
                    encoded.lost_label_tokens += whole_labels;
                }
                None => {
                    encoded.truncated += usize::from(too_long);
                    encoded.cut_tokens += whole - example.tokens.len();
                    encoded.lost_label_tokens += whole_labels - example.label_tokens();
                    encoded.examples.push(example);
                }
            }
        }
        Ok(encoded)
    }

    /// The prompts of the examples that are too long and have turns to spare, by index.
    fn drop_oldest_turns(
        &mut self,
        whole: &[(PromptTokens, Vec<u32>)],
    ) -> Result<BTreeMap<usize, PromptTokens>, EncodeError> {
        let max_length = self.options.max_length;
        let mut indices = Vec::new();
        let mut needs = Vec::new();
        for (index, (prompt, target)) in whole.iter().enumerate() {
            if prompt.ids.len() + target.len() <= max_length {
                continue;
            }
            let droppable = self.examples[index].prompt.turns.len().saturating_sub(1);
            let fits = |cut| Ok(self.prompt(index, cut)?.ids.len() + target.len() <= max_length);
            if let Some(smallest) = truncate::smallest_cut(droppable, fits)? {
                indices.push(index);
                needs.push(truncate::Need {
                    smallest,
                    droppable,
                });
            }
        }
        let mut shorter = BTreeMap::new();
        for ((index, need), shared) in indices
            .into_iter()
            .zip(&needs)
            .zip(truncate::shared_cuts(&needs))
        {
            let target = &whole[index].1;
            let mut prompt = self.prompt(index, shared)?;
            if prompt.ids.len() + target.len() > max_length {
                // Fewer turns are more tokens only where text merges oddly; then the example keeps its own cut.
                prompt = self.prompt(index, need.smallest)?;
            }
            shorter.insert(index, prompt);
        }
        Ok(shorter)
    }

    fn prompt(&mut self, index: usize, cut: usize) -> Result<PromptTokens, EncodeError> {
        let with_system = self.options.system_prefix != SystemPrefix::None;
        let prompt = &self.examples[index].prompt;
        prompt_tokens(
            self.tokenizer,
            prompt,
            self.options.separators,
            with_system,
            cut,
            self.cache,
        )
        .map_err(|source| self.failed(index, source))
    }

    fn target(&mut self, index: usize) -> Result<Vec<u32>, EncodeError> {
        let mut text = Text::new();
        text.push(&self.examples[index].target).separate();
        self.tokenizer
            .encode_cached(&text, self.options.separators, self.cache)
            .map_err(|source| self.failed(index, source))
    }

    fn failed(&self, index: usize, source: TokenizerError) -> EncodeError {
        let example = &self.examples[index];
        EncodeError::Tokenizer {
            trajectory: example.trajectory,
            turn: example.turn,
            source,
        }
    }
}

fn index_u32(what: &'static str, index: usize) -> Result<u32, EncodeError> {
    u32::try_from(index).map_err(|_| EncodeError::IndexTooLarge { what, index })
}

#[cfg(test)]
mod tests;
