//! Conversations → examples → tokens.

use std::collections::HashMap;

use glpft_data::{
    Conversation, Dataset, DatasetStatistics, EncodeOptions, EncodedExamples, Example,
    GiveUpPrompt, PreparedDataset, QuerySplits, Split, TokenExample, encode_examples, examples,
};
use glpft_recipes::Stage;

use super::build::Maker;
use super::report::{DatasetReport, QueryCounts, SourceState};
use super::{PrepareObserver, PrepareProgress, stage_of};
use crate::Error;

/// How many trajectories become tokens at once: enough for every thread, few enough for memory.
const CHUNK: usize = 128;

/// A source that was read, about to become datasets.
pub(super) struct Made<'m> {
    pub maker: &'m Maker<'m>,
    pub conversations: Vec<Conversation>,
    pub splits: QuerySplits,
    pub state: SourceState,
}

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

impl Made<'_> {
    pub fn queries(&self) -> QueryCounts {
        QueryCounts {
            first_half: self.splits.count(Split::FirstHalf),
            second_half: self.splits.count(Split::SecondHalf),
            validation: self.splits.count(Split::Validation),
        }
    }

    /// A dataset, and what is to be told of it.
    pub fn dataset(
        &self,
        dataset: Dataset,
        observer: &mut PrepareObserver<'_>,
    ) -> Result<(PreparedDataset, DatasetReport), Error> {
        let recipe = self.maker.recipe;
        let stage = stage_of(recipe, dataset);
        let total = self.conversations.len();
        let mut all = EncodedExamples::default();
        for chunk in self.chunks(dataset) {
            let (chunk, done) = chunk;
            let encoded = self.encode(dataset, &chunk)?;
            all.examples.extend(encoded.examples);
            all.truncated += encoded.truncated;
            for (reason, count) in encoded.dropped {
                *all.dropped.entry(reason).or_default() += count;
            }
            observer(PrepareProgress::Encoding {
                dataset,
                done,
                total,
            });
        }
        let splits: Vec<Split> = all
            .examples
            .iter()
            .filter_map(|one| self.split(one))
            .collect();
        let count =
            |wanted: &dyn Fn(Split) -> bool| splits.iter().filter(|&&split| wanted(split)).count();
        let fingerprint = self
            .maker
            .fingerprint(dataset)
            .unwrap_or_default()
            .to_owned();
        let tokenizer = self.maker.tokenizer(stage);
        let mut report = DatasetReport {
            fingerprint: fingerprint.clone(),
            source: self.state.fingerprint.clone(),
            tokenizer: tokenizer.map_or("", |one| one.fingerprint()).to_owned(),
            prompts: self.maker.templates.clone(),
            vocab_size: tokenizer.map_or(0, |one| one.vocab_size()),
            max_length: recipe.stage(stage).max_length,
            training_examples: count(&|split| split.trains(stage == Stage::Global, recipe.reuse)),
            validation_examples: count(&|split| split == Split::Validation),
            ..DatasetReport::default()
        };
        report.count(DatasetStatistics::new(&all));
        let prepared = PreparedDataset {
            examples: all.examples,
            splits,
            fingerprint,
        };
        Ok((prepared, report))
    }

    /// The example at a place of the prepared dataset.
    pub fn example(&self, dataset: Dataset, index: usize) -> Result<PreparedExample, Error> {
        let mut before = 0;
        for (chunk, _) in self.chunks(dataset) {
            let encoded = self.encode(dataset, &chunk)?.examples;
            let Some(tokens) = encoded.get(index - before) else {
                before += encoded.len();
                continue;
            };
            let made_from = |one: &&Example| {
                one.trajectory == tokens.trajectory as usize && one.turn == tokens.turn as usize
            };
            if let (Some(example), Some(split)) = (chunk.iter().find(made_from), self.split(tokens))
            {
                return self.explain(dataset, example, tokens, split);
            }
            break;
        }
        Err(Error::NoSuchExample {
            index,
            dataset: dataset.name(),
            examples: before,
        })
    }

    fn explain(
        &self,
        dataset: Dataset,
        example: &Example,
        tokens: &TokenExample,
        split: Split,
    ) -> Result<PreparedExample, Error> {
        let whole = self.encode_up_to(dataset, std::slice::from_ref(example), usize::MAX)?;
        let whole = whole.examples.first().map_or(&[][..], |one| &one.tokens);
        let same = whole
            .iter()
            .zip(&tokens.tokens)
            .take_while(|(one, other)| one == other);
        let (prompt, labels) = tokens.tokens.split_at(tokens.label_start);
        let decode = |ids: &[u32]| match self.maker.tokenizer(stage_of(self.maker.recipe, dataset))
        {
            Some(tokenizer) => tokenizer.decode(ids, true),
            None => Ok(String::new()),
        };
        Ok(PreparedExample {
            example: example.clone(),
            tokens: tokens.clone(),
            whole_tokens: whole.len(),
            cut_at: same.count(),
            split,
            prompt_decoded: decode(prompt)?,
            labels_decoded: labels
                .iter()
                .map(|&id| decode(&[id]))
                .collect::<Result<_, _>>()?,
        })
    }

    fn split(&self, example: &TokenExample) -> Option<Split> {
        let conversation = self.conversations.get(example.trajectory as usize)?;
        self.splits.get(&conversation.query)
    }

    fn encode(&self, dataset: Dataset, examples: &[Example]) -> Result<EncodedExamples, Error> {
        let recipe = self.maker.recipe;
        let max_length = recipe.stage(stage_of(recipe, dataset)).max_length;
        self.encode_up_to(dataset, examples, max_length)
    }

    fn encode_up_to(
        &self,
        dataset: Dataset,
        examples: &[Example],
        max_length: usize,
    ) -> Result<EncodedExamples, Error> {
        let recipe = self.maker.recipe;
        let options = EncodeOptions::new(&recipe.data, max_length);
        match self.maker.tokenizer(stage_of(recipe, dataset)) {
            Some(tokenizer) => Ok(encode_examples(tokenizer, examples, &options)?),
            // Only of a dataset that was not asked for.
            None => Ok(EncodedExamples::default()),
        }
    }

    /// The examples of the trajectories that are used, some trajectories at a time, in the source's order, with the
    /// number of trajectories behind.
    ///
    /// In compat a step that gives up shows another trajectory's prompt. That must not carry text over a split, so
    /// each side has its own.
    fn chunks(&self, dataset: Dataset) -> impl Iterator<Item = (Vec<Example>, usize)> + '_ {
        let recipe = self.maker.recipe;
        let mut give_up: HashMap<Split, GiveUpPrompt> = HashMap::new();
        let mut chunks = self.conversations.chunks(CHUNK);
        let mut done = 0;
        std::iter::from_fn(move || {
            let chunk = chunks.next()?;
            let mut all = Vec::new();
            for (index, conversation) in chunk.iter().enumerate() {
                let Some(split) = self.splits.get(&conversation.query) else {
                    continue;
                };
                let side = match split {
                    Split::SecondHalf if recipe.reuse => Split::FirstHalf,
                    side => side,
                };
                let give_up = give_up
                    .entry(side)
                    .or_insert_with(|| GiveUpPrompt::new(recipe.data.give_up_history));
                let prompts = &self.maker.prompts;
                all.extend(examples(
                    done + index,
                    conversation,
                    dataset,
                    prompts,
                    give_up,
                ));
            }
            done += chunk.len();
            Some((all, done))
        })
    }
}
