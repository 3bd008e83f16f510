//! From a recipe's data source to the token datasets that its stages read, in the run's directory.
//!
//! `data/<dataset>.safetensors` are the datasets, `data/prepare.json` says what is in them and what they were made
//! from ([`PrepareReport`]). Each dataset carries a fingerprint of everything that decides it, so that what is there
//! is used again exactly where making it again would give the same.

mod budget;
mod build;
mod change;
mod examples;
mod reads;
mod report;
mod stamp;
mod writing;

use std::collections::BTreeMap;
use std::io::{self, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{AtomicFile, FileError, RunDirectory, read_json, write_json};
use glpft_data::{
    Dataset, PreparedDataset, Prompts, Source, Split, TokenExample, temporary_file,
    temporary_folder,
};
use glpft_recipes::{Recipe, StartFrom};

use crate::error::FolderError;
use crate::{Base, Error};

pub use budget::OverBudget;
pub use change::IfChanged;
pub use examples::PreparedExample;
pub use reads::{datasets, datasets_of, datasets_of_jobs, stage_of};
pub use report::{DatasetReport, PrepareReport, QueryCounts, SourceCounts, SourceState};

pub(crate) use build::deciding_keys;

use build::Made;
use build::Maker;
use writing::Writing;

/// How preparing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrepareProgress {
    /// Records of the source are read.
    Reading {
        /// How many.
        done: usize,
        /// Of how many, where that is known.
        total: Option<usize>,
    },
    /// They are read again and become tokens.
    Encoding {
        /// How many records.
        done: usize,
        /// Of how many.
        total: usize,
    },
}

/// Hears how preparing goes on.
pub type PrepareObserver<'o> = dyn FnMut(PrepareProgress) + 'o;

/// Takes a trajectory's examples of a dataset, all of one split.
pub type TakeExamples<'t> = dyn FnMut(Dataset, Split, &[TokenExample]) -> Result<(), Error> + 't;

/// The datasets of a run.
#[derive(Debug)]
pub struct Prepared {
    /// What they are.
    pub report: PrepareReport,
    /// Whether all of them were there already.
    pub reused: bool,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Nameless(BTreeMap<&'static str, PreparedDataset>),
}

impl Prepared {
    /// The tokens of a dataset. `None` where it was not prepared.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged.
    pub fn dataset(&self, dataset: Dataset) -> Result<Option<PreparedDataset>, Error> {
        let Some(report) = self.report.dataset(dataset) else {
            return Ok(None);
        };
        Ok(match &self.place {
            Place::Nameless(datasets) => datasets.get(dataset.name()).cloned(),
            Place::Directory(directory) => Some(PreparedDataset::open(
                &file(directory, dataset),
                report.vocab_size,
            )?),
        })
    }
}

/// Prepares every dataset that a recipe's run reads: [`prepare_datasets`] of [`datasets`].
///
/// # Errors
/// As [`prepare_datasets`].
pub fn prepare(
    recipe: &Recipe,
    run: &RunDirectory,
    if_changed: IfChanged,
    observer: &mut PrepareObserver<'_>,
) -> Result<Prepared, Error> {
    prepare_datasets(recipe, run, datasets(recipe), if_changed, observer)
}

/// Prepares some datasets in a run's directory, and leaves the others alone. What is there and still right is used.
///
/// # Errors
/// Where the source, the templates or a tokenizer cannot be used, a dataset has nothing to train on, a file cannot
/// be written, or one of these has changed since a stage was trained on it and `if_changed` refuses that.
pub fn prepare_datasets(
    recipe: &Recipe,
    run: &RunDirectory,
    datasets: &[Dataset],
    if_changed: IfChanged,
    observer: &mut PrepareObserver<'_>,
) -> Result<Prepared, Error> {
    let directory = run.data();
    let known: Option<PrepareReport> = read_json(&run.prepare()).ok();
    let maker = Maker::new(recipe, datasets, Some(run), known.as_ref())?;
    let mut report = PrepareReport::new(maker.source.clone());
    if let Some(known) = known {
        if if_changed == IfChanged::Refuse
            && let Some(changed) = change::since_trained(&maker, datasets, run, &known)?
        {
            return Err(Error::Folder(FolderError::OtherData {
                path: run.root().to_owned(),
                changed,
                remedy: "choose another --out, give --overwrite to remove what was trained (`glpft run` removes all \
                         of it), or --resume-anyway to go on",
            }));
        }
        if known.source.fingerprint == maker.source.fingerprint {
            report.source.adopt(known.source);
            report.queries = known.queries;
            report.datasets = known.datasets;
        }
    }
    let current = |dataset: Dataset| {
        let there = PreparedDataset::read_fingerprint(&file(&directory, dataset));
        let told = report.dataset(dataset).map(|report| &report.fingerprint);
        let wanted = maker.fingerprint(dataset);
        there.as_deref() == wanted && told.map(String::as_str) == wanted
    };
    let (there, stale): (Vec<Dataset>, Vec<Dataset>) =
        datasets.iter().partition(|&&dataset| current(dataset));
    if !stale.is_empty() {
        let made = maker.read(observer)?;
        report.source = made.state.clone();
        report.queries = made.queries();
        let mut all = Vec::with_capacity(stale.len());
        for &dataset in &stale {
            let file = AtomicFile::create(&file(&directory, dataset))?;
            all.push(Writing::new(&made, dataset, file).map_err(write_error(&directory))?);
        }
        make(&made, &stale, observer, &mut all, &write_error(&directory))?;
        let mut files = Vec::with_capacity(all.len());
        for writing in all {
            let dataset = writing.dataset;
            let (file, told) = writing.finish(&made).map_err(write_error(&directory))?;
            report.datasets.insert(dataset.name().to_owned(), told);
            files.push(file);
        }
        check_training(recipe, &report, datasets)?;
        for file in files {
            file.commit()?;
        }
    }
    // Even where nothing was made: the source's files may be newer, though of the same content.
    write_json(&run.prepare(), &report)?;
    Ok(Prepared {
        report,
        reused: there.len() == datasets.len(),
        place: Place::Directory(directory),
    })
}

/// What a run's directory holds of some datasets, if all of them are there and right; reads the source's files only
/// where they are newer.
///
/// # Errors
/// Where the templates, a tokenizer or the source cannot be looked at.
pub fn prepared_before(
    recipe: &Recipe,
    run: &RunDirectory,
    datasets: &[Dataset],
) -> Result<Option<Prepared>, Error> {
    let directory = run.data();
    let Ok(report) = read_json::<PrepareReport>(&run.prepare()) else {
        return Ok(None);
    };
    let maker = Maker::new(recipe, datasets, Some(run), Some(&report))?;
    let current = |&dataset: &Dataset| {
        let there = PreparedDataset::read_fingerprint(&file(&directory, dataset));
        // The table is written after the datasets: it may tell of the ones before.
        let told = report
            .dataset(dataset)
            .map(|told| told.fingerprint.as_str());
        there.is_some()
            && there.as_deref() == maker.fingerprint(dataset)
            && told == there.as_deref()
    };
    Ok(datasets.iter().all(current).then_some(Prepared {
        report,
        reused: true,
        place: Place::Directory(directory),
    }))
}

/// Checks what can be checked of preparing without reading a source's records: templates, tokenizers, the source's
/// form. `run` is the run that is there already, if one is.
///
/// # Errors
/// Where one of them cannot be used.
pub fn check(
    recipe: &Recipe,
    run: Option<&RunDirectory>,
    datasets: &[Dataset],
) -> Result<(), Error> {
    Source::from_recipe(&recipe.data)?;
    Prompts::open(recipe.data.prompts.as_deref().map(Path::new))?
        .with_layout(recipe.data.layout)?;
    let mut origins: Vec<StartFrom> = Vec::new();
    for &dataset in datasets {
        let from = &recipe.stage(stage_of(recipe, dataset)).from;
        if !origins.contains(from) {
            Base::for_start(recipe, from, run)?;
            origins.push(from.clone());
        }
    }
    Ok(())
}

/// Prepares datasets in files without a name and leaves nothing, for a look at what a run would do.
///
/// # Errors
/// As [`prepare_datasets`].
pub fn prepare_in_memory(
    recipe: &Recipe,
    datasets: &[Dataset],
    observer: &mut PrepareObserver<'_>,
) -> Result<Prepared, Error> {
    let maker = Maker::new(recipe, datasets, None, None)?;
    let made = maker.read(observer)?;
    let failed = |source| Error::Temporary {
        folder: temporary_folder(),
        source,
    };
    let mut all = Vec::with_capacity(datasets.len());
    for &dataset in datasets {
        let writing = temporary_file().and_then(|file| Writing::new(&made, dataset, file));
        all.push(writing.map_err(failed)?);
    }
    make(&made, datasets, observer, &mut all, &failed)?;
    let mut report = PrepareReport::new(made.state.clone());
    report.queries = made.queries();
    let mut prepared = BTreeMap::new();
    for writing in all {
        let name = writing.dataset.name();
        let (file, told) = writing.finish(&made).map_err(failed)?;
        let dataset = PreparedDataset::map(Path::new(name), file.get_ref(), told.vocab_size)?;
        report.datasets.insert(name.to_owned(), told);
        prepared.insert(name, dataset);
    }
    check_training(recipe, &report, datasets)?;
    Ok(Prepared {
        report,
        reused: false,
        place: Place::Nameless(prepared),
    })
}

/// Prepares datasets, hands each trajectory's examples to `each` and keeps none; nothing is written, or too little to
/// train on.
///
/// # Errors
/// Where the source, the templates or a tokenizer cannot be used, or `each` fails.
pub fn prepare_each(
    recipe: &Recipe,
    datasets: &[Dataset],
    observer: &mut PrepareObserver<'_>,
    each: &mut TakeExamples<'_>,
) -> Result<PrepareReport, Error> {
    let maker = Maker::new(recipe, datasets, None, None)?;
    let made = maker.read(observer)?;
    let folder = temporary_folder();
    // Written to nowhere: only to be counted.
    let mut all = Vec::with_capacity(datasets.len());
    for &dataset in datasets {
        let writing = Writing::new(&made, dataset, io::empty());
        all.push(writing.map_err(write_error(&folder))?);
    }
    made.each_trajectory(datasets, observer, &mut |trajectory| {
        for (writing, encoded) in all.iter_mut().zip(&trajectory.encoded) {
            let added = writing.add(trajectory.index, encoded, trajectory.split);
            added.map_err(write_error(&folder))?;
            each(writing.dataset, trajectory.split, &encoded.examples)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut report = PrepareReport::new(made.state.clone());
    report.queries = made.queries();
    for writing in all {
        let name = writing.dataset.name().to_owned();
        let (_, told) = writing.finish(&made).map_err(write_error(&folder))?;
        report.datasets.insert(name, told);
    }
    Ok(report)
}

/// Adds every trajectory's examples to the datasets, all in one reading.
fn make<W: Write + Seek>(
    made: &Made<'_>,
    datasets: &[Dataset],
    observer: &mut PrepareObserver<'_>,
    all: &mut [Writing<W>],
    failed: &dyn Fn(io::Error) -> Error,
) -> Result<(), Error> {
    made.each_trajectory(datasets, observer, &mut |trajectory| {
        for (writing, encoded) in all.iter_mut().zip(&trajectory.encoded) {
            let added = writing.add(trajectory.index, encoded, trajectory.split);
            added.map_err(failed)?;
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn write_error(folder: &Path) -> impl Fn(io::Error) -> Error {
    let folder = folder.to_owned();
    move |source| FileError::new("write a data set in", &folder, source).into()
}

/// An example of a dataset, by its place in the prepared dataset.
///
/// # Errors
/// As [`prepare_each`], or where there is no such example.
pub fn example(
    recipe: &Recipe,
    dataset: Dataset,
    index: usize,
    observer: &mut PrepareObserver<'_>,
) -> Result<PreparedExample, Error> {
    let maker = Maker::new(recipe, &[dataset], None, None)?;
    examples::example(&maker.read(observer)?, dataset, index, observer)
}

/// Every stage that reads the datasets must have an example to train on.
fn check_training(
    recipe: &Recipe,
    report: &PrepareReport,
    datasets: &[Dataset],
) -> Result<(), Error> {
    for &dataset in datasets {
        let stage = stage_of(recipe, dataset);
        let read = datasets
            .iter()
            .filter(|&&other| stage_of(recipe, other) == stage);
        let told: Vec<&DatasetReport> = read.filter_map(|&other| report.dataset(other)).collect();
        if told.iter().all(|told| told.training_examples == 0) {
            return Err(Error::NoExamples {
                dataset: dataset.name(),
                stage: stage.name(),
                why: told
                    .first()
                    .map(|told| told.why_none(&report.source))
                    .unwrap_or_default(),
            });
        }
    }
    Ok(())
}

fn file(directory: &Path, dataset: Dataset) -> PathBuf {
    directory.join(format!("{}.safetensors", dataset.name()))
}
