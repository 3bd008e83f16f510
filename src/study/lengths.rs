//! How long the stages of a study's cells train, where that is not the recipe's to say.

use std::collections::BTreeMap;

use glpft_data::{Dataset, fingerprint};
use glpft_recipes::{Recipe, Stage, StartFrom};

use super::budget::{Budget, StageLength, shares};
use super::cell::Cell;
use super::computed::ComputedTokens;
use crate::Error;
use crate::arrangement::Job;
use crate::prepare::{
    PrepareObserver, Prepared, datasets_of_jobs, deciding_keys, prepare_in_memory, stage_of,
};

/// Another number where the same data and recipe give other lengths.
const VERSION: &str = "glpft study lengths 1";

/// Says how long the stages of a cell train by a budget.
pub trait Lengths {
    /// The lengths of a cell's stages; none where they are the recipe's. `glpft` is the cell of GLPFT with the recipe's epochs
    /// on the same data, `own` the one that is asked about, with the recipe's epochs too.
    ///
    /// # Errors
    /// The data cannot be prepared.
    fn lengths(
        &mut self,
        glpft: &Cell,
        own: &Cell,
        budget: Budget,
    ) -> Result<Vec<StageLength>, Error>;
}

/// Lengths by the tokens that are computed, counted on the prepared data.
pub struct CountedLengths<'o> {
    /// What is known already, by key: what an earlier start counted, and what is counted now.
    pub known: BTreeMap<String, Vec<StageLength>>,
    observer: &'o mut PrepareObserver<'o>,
    /// The data that were prepared last: neighbours in a plan have the same.
    prepared: Vec<(String, Prepared)>,
    /// What the last GLPFT computes, and its stages' keys.
    total: Option<(String, u64)>,
}

impl<'o> CountedLengths<'o> {
    /// Counts what is not known.
    pub fn new(
        known: BTreeMap<String, Vec<StageLength>>,
        observer: &'o mut PrepareObserver<'o>,
    ) -> Self {
        Self {
            known,
            observer,
            prepared: Vec::new(),
            total: None,
        }
    }

    /// How many tokens a whole cell computes as the recipe has it.
    fn total(&mut self, cell: &Cell) -> Result<u64, Error> {
        let key = key(cell, cell, None);
        if let Some((_, total)) = self.total.as_ref().filter(|(other, _)| *other == key) {
            return Ok(*total);
        }
        let mut total = 0;
        for (_, tokens) in &mut self.counted(cell)? {
            total += tokens.as_planned()?;
        }
        self.total = Some((key, total));
        Ok(total)
    }

    /// The tokens of each stage's steps.
    fn counted(&mut self, cell: &Cell) -> Result<Vec<(Stage, ComputedTokens)>, Error> {
        let (recipe, jobs) = (&cell.recipe, cell.jobs());
        let prepared = self.prepared(recipe, &jobs)?;
        let counted = jobs.iter().map(|job| {
            let tokens = ComputedTokens::new(recipe, job.stage, prepared)?;
            Ok((job.stage, tokens))
        });
        counted.collect()
    }

    /// The datasets of some stages: those that are at hand, where they are the same.
    fn prepared(&mut self, recipe: &Recipe, jobs: &[Job]) -> Result<&Prepared, Error> {
        let datasets = datasets_of_jobs(recipe, jobs);
        let key = data_key(recipe)?;
        let holds = |prepared: &Prepared| {
            let there = |&dataset: &Dataset| prepared.report.dataset(dataset).is_some();
            datasets.iter().all(there)
        };
        let found = self
            .prepared
            .iter()
            .position(|(other, prepared)| *other == key && holds(prepared));
        let place = match found {
            Some(place) => place,
            None => {
                let prepared = prepare_in_memory(recipe, &datasets, self.observer)?;
                // Those with reuse and those without: more may be large.
                if self.prepared.len() > 1 {
                    self.prepared.remove(0);
                }
                self.prepared.push((key, prepared));
                self.prepared.len() - 1
            }
        };
        Ok(&self.prepared[place].1)
    }
}

impl Lengths for CountedLengths<'_> {
    fn lengths(
        &mut self,
        glpft: &Cell,
        own: &Cell,
        budget: Budget,
    ) -> Result<Vec<StageLength>, Error> {
        let global = match budget {
            Budget::Stages => return Ok(Vec::new()),
            // What it is measured by.
            Budget::Tokens if own.compared == glpft.compared => return Ok(Vec::new()),
            Budget::Tokens => None,
            Budget::Split(percent) => Some(percent),
        };
        let key = key(glpft, own, global);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let total = self.total(glpft)?;
        let mut stages = self.counted(own)?;
        let as_planned = stages
            .iter_mut()
            .map(|(stage, tokens)| Ok((*stage, tokens.as_planned()?)));
        let as_planned = as_planned.collect::<Result<Vec<_>, Error>>()?;
        let (mut lengths, mut left_over) = (Vec::new(), 0.0);
        for ((_, tokens), (_, wanted)) in stages.iter_mut().zip(shares(total, &as_planned, global))
        {
            // A step more or less of one stage is made up for by the next.
            let (length, computed) = tokens.nearest(wanted + left_over)?;
            left_over += wanted - computed as f64;
            lengths.push(length);
        }
        self.known.insert(key, lengths.clone());
        Ok(lengths)
    }
}

/// What decides lengths, hashed: the keys of stages tell their data and recipes.
fn key(glpft: &Cell, own: &Cell, global: Option<u8>) -> String {
    let stages = glpft.stages.iter().chain(&own.stages);
    let mut parts: Vec<&[u8]> = vec![VERSION.as_bytes()];
    parts.extend(stages.map(|(_, key)| key.as_bytes()));
    let global = format!("{global:?}");
    parts.push(global.as_bytes());
    fingerprint(&parts)
}

/// Two recipes of one study with the same key have the same datasets, as far as they have them.
fn data_key(recipe: &Recipe) -> Result<String, Error> {
    let stages = Dataset::ALL.map(|dataset| {
        let stage = recipe.stage(stage_of(recipe, dataset));
        // The backbone has the base's tokenizer.
        let tokenizer = match &stage.from {
            StartFrom::Directory(directory) => directory.as_str(),
            StartFrom::Base | StartFrom::Global => "",
        };
        (stage.max_length, tokenizer)
    });
    let keys = deciding_keys(&recipe.data)?;
    Ok(format!(
        "{} {keys} {stages:?} {}",
        recipe.model.base, recipe.reuse
    ))
}
