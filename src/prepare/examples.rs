//! One example of a dataset, with its text.

use std::ops::ControlFlow;

use glpft_data::{
    Dataset, EncodeOptions, Example, SegmentCache, Split, TokenExample, encode_trajectory, examples,
};

use super::build::{Made, MadeTrajectory};
use super::{PrepareObserver, stage_of};
use crate::Error;

/// An example with its text and its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedExample {
    /// Prompt and target as text, whole.
    pub example: Example,
    /// What training reads, truncated where it was too long.
    pub tokens: TokenExample,
    /// How many tokens it has without truncation.
    pub whole_tokens: usize,
    /// Where in `tokens` the ones that truncation took are missing.
    pub cut_at: usize,
    /// Where it belongs.
    pub split: Split,
    /// The prompt's tokens as text, special ones spelled out.
    pub prompt_decoded: String,
    /// The tokens that are learned, with each one's text.
    pub labels_decoded: Vec<String>,
}

/// The example at a place of the prepared dataset.
pub(super) fn example(
    made: &Made<'_>,
    dataset: Dataset,
    index: usize,
    observer: &mut PrepareObserver<'_>,
) -> Result<PreparedExample, Error> {
    let mut before = 0;
    let mut found = None;
    made.each_trajectory(&[dataset], observer, &mut |trajectory| {
        let encoded = trajectory.encoded.first();
        let encoded = encoded.map_or(&[][..], |encoded| &encoded.examples);
        match encoded.get(index - before) {
            None => {
                before += encoded.len();
                Ok(ControlFlow::Continue(()))
            }
            Some(tokens) => {
                found = Some(explain(made, dataset, &trajectory, tokens)?);
                Ok(ControlFlow::Break(()))
            }
        }
    })?;
    found.flatten().ok_or(Error::NoSuchExample {
        index,
        dataset: dataset.name(),
        examples: before,
    })
}

fn explain(
    made: &Made<'_>,
    dataset: Dataset,
    trajectory: &MadeTrajectory,
    tokens: &TokenExample,
) -> Result<Option<PreparedExample>, Error> {
    let recipe = made.maker.recipe;
    let texts = examples(
        trajectory.index,
        &trajectory.conversation,
        dataset,
        &made.maker.prompts,
        &mut trajectory.give_up.clone(),
    );
    let example = texts
        .into_iter()
        .find(|one| one.turn == tokens.turn as usize);
    let tokenizer = made.maker.tokenizer(stage_of(recipe, dataset));
    let (Some(example), Some(tokenizer)) = (example, tokenizer) else {
        return Ok(None);
    };
    let whole = encode_trajectory(
        tokenizer,
        std::slice::from_ref(&example),
        &EncodeOptions::new(&recipe.data, usize::MAX),
        &mut SegmentCache::default(),
    )?;
    let whole = whole.examples.first().map_or(&[][..], |one| &one.tokens);
    let same = whole
        .iter()
        .zip(&tokens.tokens)
        .take_while(|(one, other)| one == other)
        .count();
    let (prompt, labels) = tokens.tokens.split_at(tokens.label_start);
    Ok(Some(PreparedExample {
        tokens: tokens.clone(),
        whole_tokens: whole.len(),
        cut_at: same,
        split: trajectory.split,
        prompt_decoded: tokenizer.decode(prompt, true)?,
        labels_decoded: labels
            .iter()
            .map(|&id| tokenizer.decode(&[id], true))
            .collect::<Result<_, _>>()?,
        example,
    }))
}
