//! Examples that are longer than a micro-batch.

use std::fmt;

use glpft_data::Dataset;
use glpft_recipes::Recipe;

use super::{Prepared, stage_of};
use crate::Error;

/// Examples of a dataset that are longer than the micro-batches of the stage that reads it. Each is a micro-batch by
/// itself, larger than asked for, and the prefix that it shares with others is computed again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The dataset.
    pub dataset: Dataset,
    /// How many examples are too long, of all splits.
    pub examples: usize,
    /// How many examples there are.
    pub of: usize,
    /// The longest, in tokens.
    pub longest: usize,
    /// `micro_batch_tokens` of the stage.
    pub budget: usize,
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} of {} examples are longer than micro_batch_tokens ({}), up to {} tokens: each is a micro-batch by \
             itself and shares no prefix; a larger micro_batch_tokens computes less and takes more memory",
            self.dataset.name(),
            self.examples,
            self.of,
            self.budget,
            self.longest
        )
    }
}

impl Prepared {
    /// What is longer than its micro-batch, of some datasets; of stages whose adapters wake nothing is.
    ///
    /// # Errors
    /// Where a dataset's file cannot be read.
    pub fn over_budget(
        &self,
        recipe: &Recipe,
        datasets: &[Dataset],
    ) -> Result<Vec<OverBudget>, Error> {
        let mut found = Vec::new();
        for &dataset in datasets {
            let stage = recipe.stage(stage_of(recipe, dataset));
            // Where adapters wake, the budget is that of the roles' own texts, which are short.
            if stage.wakes() {
                continue;
            }
            let budget = stage.micro_batch_tokens;
            let Some(told) = self.report.dataset(dataset) else {
                continue;
            };
            if told.longest <= budget {
                continue;
            }
            let Some(prepared) = self.dataset(dataset)? else {
                continue;
            };
            let longer = (0..told.examples).filter(|&index| prepared.length(index) > budget);
            found.push(OverBudget {
                dataset,
                examples: longer.count(),
                of: told.examples,
                longest: told.longest,
                budget,
            });
        }
        Ok(found)
    }
}
