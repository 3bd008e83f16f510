//! Several sources as one: each read in turn, with its weight and the roles that it trains.
//!
//! Splits go by query over all of them: conversations that begin with the same one are on one side, whatever their source.

use std::path::Path;

use glpft_recipes::SourceRecipe;

use super::{Record, Source, SourceError};
use crate::conversation::Conversation;
use crate::example::Dataset;
use crate::fingerprint::fraction_of;
use crate::query::level_query;

/// One of several sources.
#[derive(Debug)]
pub(super) struct Part {
    pub recipe: SourceRecipe,
    pub source: Source,
    seed: u64,
}

impl Part {
    pub fn open(
        recipe: &SourceRecipe,
        test_query_ids: Option<&Path>,
        seed: u64,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            recipe: recipe.clone(),
            source: Source::open_named(&recipe.path, test_query_ids)?,
            seed,
        })
    }

    /// Whether it trains a data set.
    pub fn trains(&self, dataset: Dataset) -> bool {
        self.recipe.roles.iter().any(|role| role == dataset.name())
    }

    /// Makes a record one of the mixture's; says how often it is read.
    pub fn mix(&self, record: &mut Record) -> usize {
        record.extra = self.recipe.extra;
        let conversation = &mut record.conversation;
        for dataset in Dataset::ALL {
            if self.trains(dataset) {
                continue;
            }
            if !do_not_train(conversation, dataset) {
                return 0;
            }
        }
        let whole = self.recipe.weight.floor();
        // The same queries for every weight that is larger.
        let extra =
            fraction_of(self.seed, &level_query(&conversation.query)) < self.recipe.weight - whole;
        whole as usize + usize::from(extra)
    }
}

/// Leaves a conversation out of what a data set learns; false where nothing else would learn from it.
pub(super) fn do_not_train(conversation: &mut Conversation, dataset: Dataset) -> bool {
    let marks = &mut conversation.marks;
    if let Some(example) = &marks.example {
        return example.dataset != dataset;
    }
    let turns = 0..conversation.turns.len();
    marks.untaught.extend(turns.map(|turn| (turn, dataset)));
    true
}
