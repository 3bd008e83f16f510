//! The second reading of a source: conversations → examples → tokens, some trajectories at a time.

use std::collections::HashMap;
use std::ops::ControlFlow;

use glpft_data::{
    Conversation, Dataset, EncodeOptions, EncodedExamples, GiveUpPrompt, QuerySplits, ReadOptions,
    Record, SegmentCache, Source, SourceError, Split, encode_trajectory, examples,
};
use glpft_recipes::{GiveUpHistory, Layout};
use rayon::prelude::*;

use super::Maker;
use crate::Error;
use crate::prepare::report::{QueryCounts, SourceState};
use crate::prepare::stamp::listing;
use crate::prepare::{PrepareObserver, PrepareProgress, stage_of};

/// How many trajectories become tokens at once: enough for every thread, few enough for memory.
const CHUNK: usize = 128;

/// A source whose records and queries are known, about to become datasets.
pub(in crate::prepare) struct Made<'m> {
    pub maker: &'m Maker<'m>,
    pub source: Source,
    pub splits: QuerySplits,
    pub state: SourceState,
}

/// A trajectory that is used.
pub(in crate::prepare) struct MadeTrajectory {
    /// Its index in the source.
    pub index: usize,
    pub conversation: Conversation,
    pub split: Split,
    /// What a step that gives up shows, as it is when this trajectory's turn comes.
    pub give_up: GiveUpPrompt,
    /// Its examples in each of the datasets that were asked for.
    pub encoded: Vec<EncodedExamples>,
}

impl Made<'_> {
    pub fn queries(&self) -> QueryCounts {
        QueryCounts {
            first_half: self.splits.count(Split::FirstHalf),
            second_half: self.splits.count(Split::SecondHalf),
            validation: self.splits.count(Split::Validation),
        }
    }

    /// Hands the examples of every trajectory that is used to `each`, in the source's order, until it breaks off. No
    /// more than a few are held; rayon's threads encode them, and the result does not depend on how many there are.
    pub fn each_trajectory(
        &self,
        datasets: &[Dataset],
        observer: &mut PrepareObserver<'_>,
        each: &mut dyn FnMut(MadeTrajectory) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let recipe = self.maker.recipe;
        let total = self.state.report.records;
        let mut order = Order::new(self, datasets);
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut progress = |done, _| observer(PrepareProgress::Encoding { done, total });
        let read = self.source.read::<Stop>(
            &ReadOptions::from(&recipe.data),
            &mut progress,
            &mut |record| {
                chunk.extend(order.next(record));
                if chunk.len() < CHUNK {
                    return Ok(());
                }
                self.encode_chunk(datasets, &mut chunk, each)
            },
        );
        let report = match read {
            Ok(report) => report,
            Err(Stop::Wanted) => return Ok(()),
            Err(Stop::Failed(error)) => return Err(*error),
        };
        match self.encode_chunk(datasets, &mut chunk, each) {
            Err(Stop::Failed(error)) => return Err(*error),
            Ok(()) | Err(Stop::Wanted) => {}
        }
        // Splits were made of the first reading.
        let listing = listing(&recipe.data)?;
        if report != self.state.report || listing != self.state.listing {
            return Err(Error::SourceChanged {
                path: recipe.data.source_paths(),
            });
        }
        Ok(())
    }

    fn encode_chunk(
        &self,
        datasets: &[Dataset],
        chunk: &mut Vec<MadeTrajectory>,
        each: &mut dyn FnMut(MadeTrajectory) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Stop> {
        let encoded: Vec<Result<MadeTrajectory, Error>> = std::mem::take(chunk)
            .into_par_iter()
            .map(|mut trajectory| {
                trajectory.encoded = self.encode(datasets, &trajectory)?;
                Ok(trajectory)
            })
            .collect();
        for trajectory in encoded {
            match each(trajectory?)? {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(()) => return Err(Stop::Wanted),
            }
        }
        Ok(())
    }

    /// A trajectory's examples in every dataset. They share most of their text, so its segments are encoded once.
    fn encode(
        &self,
        datasets: &[Dataset],
        trajectory: &MadeTrajectory,
    ) -> Result<Vec<EncodedExamples>, Error> {
        let Maker {
            recipe, prompts, ..
        } = self.maker;
        if prompts.layout() == Layout::RoleLast && trajectory.conversation.marks.example.is_some() {
            return Err(Error::Argument {
                argument: "data.layout",
                problem: "the source has examples whose prompts are text already, such as role files: they cannot be laid \
                          out as \"role-last\"; leave it \"role-first\", or read the trajectories that they were made of"
                    .to_owned(),
            });
        }
        let mut give_up = trajectory.give_up.clone();
        let mut caches: HashMap<&str, SegmentCache> = HashMap::new();
        let mut all = Vec::with_capacity(datasets.len());
        for &dataset in datasets {
            let stage = stage_of(recipe, dataset);
            let options = EncodeOptions::new(&recipe.data, recipe.stage(stage).max_length);
            let conversation = &trajectory.conversation;
            let examples = examples(
                trajectory.index,
                conversation,
                dataset,
                prompts,
                &mut give_up,
            );
            all.push(match self.maker.tokenizer(stage) {
                Some(tokenizer) => {
                    let cache = caches.entry(tokenizer.fingerprint()).or_default();
                    encode_trajectory(tokenizer, &examples, &options, cache)?
                }
                // Only of a dataset that was not asked for.
                None => EncodedExamples::default(),
            });
        }
        Ok(all)
    }

    pub fn max_length(&self, dataset: Dataset) -> usize {
        let recipe = self.maker.recipe;
        recipe.stage(stage_of(recipe, dataset)).max_length
    }
}

/// What hangs on the order of the source's records: their indices, and the prompts that steps which give up show.
///
/// In compat that is another trajectory's. It must not carry text over a split, so each side has its own.
struct Order<'m> {
    made: &'m Made<'m>,
    /// Whether the prompts matter: they are the costly part.
    stale: bool,
    index: usize,
    give_up: HashMap<Split, GiveUpPrompt>,
}

impl<'m> Order<'m> {
    fn new(made: &'m Made<'m>, datasets: &[Dataset]) -> Self {
        let history = made.maker.recipe.data.give_up_history;
        Self {
            made,
            stale: history == GiveUpHistory::Stale && datasets.contains(&Dataset::Backbone),
            index: 0,
            give_up: HashMap::new(),
        }
    }

    /// The conversation of the next record, if it is used.
    fn next(&mut self, record: Record) -> Option<MadeTrajectory> {
        let Maker {
            recipe, prompts, ..
        } = self.made.maker;
        let index = self.index;
        self.index += 1;
        let conversation = record.conversation;
        let split = self.made.splits.of(&conversation.query, record.extra)?;
        let side = match split {
            Split::SecondHalf if recipe.reuse => Split::FirstHalf,
            side => side,
        };
        let history = recipe.data.give_up_history;
        let state = self
            .give_up
            .entry(side)
            .or_insert_with(|| GiveUpPrompt::new(history));
        let give_up = state.clone();
        if self.stale {
            // Only for the prompt that it leaves behind.
            examples(index, &conversation, Dataset::Backbone, prompts, state);
        }
        Some(MadeTrajectory {
            index,
            conversation,
            split,
            give_up,
            encoded: Vec::new(),
        })
    }
}

/// Why reading ends before the source's end.
enum Stop {
    /// Whoever asked has what it wants.
    Wanted,
    Failed(Box<Error>),
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}
