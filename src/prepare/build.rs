//! Everything that decides a recipe's datasets, and reading its source.

mod encoding;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use glpft_checkpoints::{FileError, RunDirectory, create_directory_atomically};
use glpft_data::{
    Dataset, PromptTokenizer, Prompts, QuerySplits, ReadOptions, Source, SourceError, fingerprint,
    sample,
};
use glpft_recipes::{DataRecipe, Recipe, Stage, StartFrom};

use super::report::SourceState;
use super::stamp::{BUILTIN_SOURCE, stamp};
use super::{PrepareObserver, PrepareProgress, PrepareReport, stage_of};
use crate::base::global_model;
use crate::{Base, Error};

pub(super) use encoding::{Made, MadeTrajectory};

/// Another number where the same inputs give other datasets.
const VERSION: &str = "glpft datasets 3";

/// Keys of `[data]` that do not decide what a dataset is. The source's and the templates' content do, wherever it
/// lies; `behaviour` only sets defaults; the others matter when batches are made, or to errors.
const UNDECIDING: [&str; 9] = [
    "source",
    "sources",
    "test_query_ids",
    "prompts",
    "behaviour",
    "sampling",
    "packing",
    "strict",
    "max_bad_fraction",
];

/// Everything that decides datasets, looked at but not read.
pub(super) struct Maker<'r> {
    pub recipe: &'r Recipe,
    pub source: SourceState,
    pub prompts: Prompts,
    /// A hash of the templates' text.
    pub templates: String,
    tokenizers: Vec<(StartFrom, PromptTokenizer)>,
    fingerprints: Vec<(Dataset, String)>,
    /// The run whose datasets they are: its global model may decide a tokenizer, and the built-in source is written
    /// there.
    run: Option<&'r RunDirectory>,
}

impl<'r> Maker<'r> {
    /// Cheapest first: templates and tokenizers are checked before a source is looked through.
    pub fn new(
        recipe: &'r Recipe,
        datasets: &[Dataset],
        run: Option<&'r RunDirectory>,
        known: Option<&PrepareReport>,
    ) -> Result<Self, Error> {
        let data = &recipe.data;
        let path = data.prompts.as_deref().map(Path::new);
        let prompts = Prompts::open(path)?.with_layout(data.layout)?;
        let text = match path {
            None => Prompts::builtin_text().as_bytes().to_owned(),
            Some(path) => fs::read(path).map_err(|source| FileError::new("read", path, source))?,
        };
        let mut maker = Self {
            recipe,
            source: SourceState::default(),
            prompts,
            templates: fingerprint(&[&text]),
            tokenizers: Vec::new(),
            fingerprints: Vec::new(),
            run,
        };
        for &dataset in datasets {
            let stage = stage_of(recipe, dataset);
            if maker.tokenizer(stage).is_none() {
                let origin = maker.origin(stage);
                let tokenizer = Base::for_start(recipe, &origin, run)?.tokenizer;
                maker.tokenizers.push((origin, tokenizer));
            }
        }
        let known = known.filter(|known| known.source.path == data.source_paths());
        let known = known.map(|known| (&*known.source.listing, &*known.source.fingerprint));
        let stamp = stamp(data, known)?;
        maker.source = SourceState {
            path: data.source_paths(),
            fingerprint: stamp.content,
            listing: stamp.listing,
            ..SourceState::default()
        };
        for &dataset in datasets {
            let fingerprint = maker.dataset_fingerprint(dataset)?;
            maker.fingerprints.push((dataset, fingerprint));
        }
        Ok(maker)
    }

    pub fn fingerprint(&self, dataset: Dataset) -> Option<&str> {
        let found = self
            .fingerprints
            .iter()
            .find(|(other, _)| *other == dataset);
        found.map(|(_, fingerprint)| fingerprint.as_str())
    }

    pub fn tokenizer(&self, stage: Stage) -> Option<&PromptTokenizer> {
        let origin = self.origin(stage);
        let found = self.tokenizers.iter().find(|(other, _)| *other == origin);
        found.map(|(_, tokenizer)| tokenizer)
    }

    /// What a stage's tokenizer is the tokenizer of: stages that agree share one.
    fn origin(&self, stage: Stage) -> StartFrom {
        match &self.recipe.stage(stage).from {
            // It has the base's tokenizer once it is there.
            StartFrom::Global if global_model(self.run).is_none() => StartFrom::Base,
            from => from.clone(),
        }
    }

    fn dataset_fingerprint(&self, dataset: Dataset) -> Result<String, Error> {
        let stage = stage_of(self.recipe, dataset);
        let tokenizer = self
            .tokenizer(stage)
            .map_or("", PromptTokenizer::fingerprint);
        let max_length = self.recipe.stage(stage).max_length;
        Ok(fingerprint(&[
            VERSION.as_bytes(),
            dataset.name().as_bytes(),
            self.source.fingerprint.as_bytes(),
            self.templates.as_bytes(),
            tokenizer.as_bytes(),
            deciding_keys(&self.recipe.data)?.as_bytes(),
            format!("{max_length} {}", self.recipe.reuse).as_bytes(),
        ]))
    }

    /// Reads the source a first time: which records it has, and how their queries are split. The records themselves
    /// are read again as datasets are made of them, so that memory grows with the queries alone.
    pub fn read(&self, observer: &mut PrepareObserver<'_>) -> Result<Made<'_>, Error> {
        let data = &self.recipe.data;
        let source = match (self.run, data.source == BUILTIN_SOURCE) {
            (Some(run), true) => {
                // As files, so that a user sees what ToolBench's look like, and reads them the same way.
                let path = run.data().join("source");
                create_directory_atomically::<FileError>(&path, |path| {
                    sample::write_source(path)
                        .map_err(|source| FileError::new("write", path, source))
                })?;
                Source::open(&path, data.test_query_ids.as_deref().map(Path::new))?
            }
            _ => Source::from_recipe(data)?,
        };
        let mut progress = |done, total| observer(PrepareProgress::Reading { done, total });
        let mut queries = HashSet::new();
        let report =
            source.read::<SourceError>(&ReadOptions::from(data), &mut progress, &mut |record| {
                if !record.extra {
                    queries.insert(record.conversation.query);
                }
                Ok(())
            })?;
        let splits = QuerySplits::new(
            queries.iter().map(String::as_str),
            data.fraction,
            data.validation_fraction,
            data.split_seed,
        );
        let mut state = self.source.clone();
        state.form = source.form().name().to_owned();
        state.test_query_ids = source.test_query_ids();
        state.report = report;
        Ok(Made {
            maker: self,
            source,
            splits,
            state,
        })
    }
}

/// The keys of `[data]` that decide a dataset, so that a key that is added to it counts until it is said not to.
pub(crate) fn deciding_keys(data: &DataRecipe) -> Result<String, Error> {
    let mut keys = serde_json::to_value(data).map_err(|error| Error::Argument {
        argument: "[data]",
        problem: error.to_string(),
    })?;
    if let Some(keys) = keys.as_object_mut() {
        keys.retain(|key, _| !UNDECIDING.contains(&key.as_str()));
    }
    Ok(keys.to_string())
}
