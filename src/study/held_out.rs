//! The conversations that a study measures on, none of which may be trained on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glpft_checkpoints::FileError;
use glpft_data::{Conversation, Conversations, fingerprint};
use glpft_recipes::{Behaviour, Recipe, Schemas};

use super::plan::StudyPlan;
use crate::Error;
use crate::error::OverlapError;
use crate::evaluate::{shown, trained_on};

/// How many instructions an error names.
const NAMED: usize = 3;

/// Held-out conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOut {
    /// Their file.
    pub path: PathBuf,
    /// A hash of its content.
    pub fingerprint: String,
    /// Those that are evaluated, in the file's order.
    pub conversations: Vec<Conversation>,
}

impl HeldOut {
    /// The first conversations of a file, at most so many, with tools as the study's recipe has them.
    ///
    /// # Errors
    /// The file cannot be read or holds no conversation.
    pub fn read(path: &Path, most: Option<usize>, schemas: Schemas) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| FileError::new("read", path, source))?;
        let Conversations {
            mut conversations, ..
        } = crate::evaluate::read(path, Behaviour::Fixed, schemas)?;
        conversations.truncate(most.unwrap_or(usize::MAX));
        if conversations.is_empty() {
            return Err(Error::Argument {
                argument: "--eval",
                problem: format!("{} holds no conversation to evaluate", path.display()),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            fingerprint: fingerprint(&[&bytes]),
            conversations,
        })
    }

    /// Tells which conversations they are.
    pub fn key(&self) -> String {
        format!("{} {}", self.fingerprint, self.conversations.len())
    }

    /// Refuses a study of which some cell trains on an instruction that is held out, whatever the system says before it and
    /// wherever in a conversation it stands. What a cell only validates on is not trained on.
    ///
    /// # Errors
    /// Such an instruction, or the source cannot be read.
    pub fn check(&self, plan: &StudyPlan) -> Result<(), Error> {
        refuse_trained_on(&self.conversations, &self.path, plan)
    }
}

/// Refuses a study of which some cell trains on an instruction of these conversations, which stand in `file`.
pub(super) fn refuse_trained_on(
    conversations: &[Conversation],
    file: &Path,
    plan: &StudyPlan,
) -> Result<(), Error> {
    let Some(first) = plan.cells.first() else {
        return Ok(());
    };
    let recipes: Vec<_> = largest_shares(plan).map(|recipe| &recipe.data).collect();
    let both = trained_on(conversations, &recipes)?;
    if both.is_empty() {
        return Ok(());
    }
    Err(Error::Overlap(OverlapError::HeldOut {
        file: file.to_owned(),
        source_path: first.recipe.data.source_paths(),
        count: both.len(),
        of: conversations.len(),
        first: both.iter().take(NAMED).map(|one| shown(one)).collect(),
    }))
}

/// A recipe of the largest share of each seed: smaller shares are subsets of it.
fn largest_shares(plan: &StudyPlan) -> impl Iterator<Item = &Recipe> {
    let mut largest: BTreeMap<u32, &Recipe> = BTreeMap::new();
    for cell in &plan.cells {
        let recipe = largest.entry(cell.seed).or_insert(&cell.recipe);
        if cell.recipe.data.fraction > recipe.data.fraction {
            *recipe = &cell.recipe;
        }
    }
    largest.into_values()
}
