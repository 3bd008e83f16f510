//! The conversations that a study measures on, none of which may be trained on.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use glpft_checkpoints::FileError;
use glpft_data::{
    Conversation, Conversations, QuerySplits, ReadOptions, Source, SourceError, Split,
    compared_instructions, fingerprint,
};
use glpft_recipes::{Behaviour, Recipe, Schemas};

use super::plan::StudyPlan;
use crate::Error;

/// How many instructions an error names.
const NAMED: usize = 3;
/// How much of each.
const SHOWN: usize = 100;

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
        let Some(first) = plan.cells.first() else {
            return Ok(());
        };
        let held_out = self.conversations.iter().flat_map(compared_instructions);
        let known: HashSet<String> = held_out.map(|(_, levelled)| levelled).collect();
        let data = &first.recipe.data;
        let (mut queries, mut seen) = (BTreeSet::new(), Vec::new());
        Source::from_recipe(data)?.read::<SourceError>(
            &ReadOptions::from(data),
            &mut |_, _| {},
            &mut |record| {
                let conversation = record.conversation;
                for (_, levelled) in compared_instructions(&conversation) {
                    if known.contains(&levelled) {
                        seen.push((conversation.query.clone(), levelled));
                    }
                }
                queries.insert(conversation.query);
                Ok(())
            },
        )?;
        let mut trained: HashSet<String> = HashSet::new();
        for recipe in largest_shares(plan) {
            let data = &recipe.data;
            let splits = QuerySplits::new(
                queries.iter().map(String::as_str),
                data.fraction,
                data.validation_fraction,
                data.split_seed,
            );
            let trains = |query: &str| {
                let split = splits.get(query);
                split.is_some_and(|split| split != Split::Validation)
            };
            let of_seed = seen.iter().filter(|(query, _)| trains(query));
            trained.extend(of_seed.map(|(_, instruction)| instruction.clone()));
        }
        let both: Vec<&str> = self
            .conversations
            .iter()
            .filter_map(|one| {
                compared_instructions(one).find(|(_, levelled)| trained.contains(levelled))
            })
            .map(|(spelled, _)| spelled)
            .collect();
        if both.is_empty() {
            return Ok(());
        }
        Err(Error::HeldOutIsTrainedOn {
            file: self.path.clone(),
            source_path: data.source_paths(),
            count: both.len(),
            of: self.conversations.len(),
            first: both.iter().take(NAMED).map(|one| shown(one)).collect(),
        })
    }
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

fn shown(instruction: &str) -> String {
    match instruction.char_indices().nth(SHOWN) {
        None => format!("{instruction:?}"),
        Some((end, _)) => format!("{:?}", format!("{}…", &instruction[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_instructions_are_cut() {
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert!(shown(&"ä".repeat(500)).chars().count() < 110);
    }
}
