//! Sources: where trajectories come from, told apart by content.

mod container;
mod duplicates;
mod error;
mod files;
mod form;
mod mixture;
mod origins;
mod rationale;
mod raw;
mod recognise;
mod report;
mod steps;
mod test_queries;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use glpft_recipes::{DataRecipe, Duplicates};

use crate::conversation::Conversation;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::sample;
use crate::trajectory::Trajectory;

pub use error::{SourceError, TestQueriesError};
pub use files::record_files;
pub use origins::Origins;
pub use raw::{answer_directories, read_answer_file};
pub use report::{BadRecord, PartReport, SourceReport};
pub use steps::StepCounts;

use duplicates::{Used, identity};
use files::RecordFiles;
use mixture::Part;
use raw::RawAnswers;
use report::Outcome;

/// The source that the binary carries.
const SAMPLE: &str = "builtin:sample";

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceForm(&'static str);

impl SourceForm {
    /// ToolBench's answers, one file each.
    pub const RAW: Self = Self("raw");
    /// Trajectories (`raw_data_stage_1.json`).
    pub const STAGE_1: Self = Self("stage-1");
    /// Conversations (`raw_data_stage_2.json`).
    pub const STAGE_2: Self = Self("stage-2");

    /// The name in files, tables and messages.
    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Where trajectories come from, looked at but not yet read.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    content: Content,
    duplicates: Duplicates,
}

#[derive(Debug)]
enum Content {
    Raw(RawAnswers),
    Files(RecordFiles),
    Mixture(Vec<Part>),
}

/// One record of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The trajectory, where the source holds trajectories and not conversations.
    pub trajectory: Option<Trajectory>,
    /// The conversation.
    pub conversation: Conversation,
    /// Whether it is of a source that leaves the others' splits as they are ([`SourceRecipe::extra`]).
    ///
    /// [`SourceRecipe::extra`]: glpft_recipes::SourceRecipe::extra
    pub extra: bool,
}

/// Every conversation of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversations {
    /// In the source's order.
    pub conversations: Vec<Conversation>,
    /// What became of the source's records.
    pub report: SourceReport,
}

impl Source {
    /// The source that a recipe names, or all of them as one.
    pub fn from_recipe(recipe: &DataRecipe) -> Result<Self, SourceError> {
        let test_query_ids = recipe.test_query_ids.as_deref().map(Path::new);
        let mut source = match recipe.sources.is_empty() {
            true => Self::open_named(&recipe.source, test_query_ids)?,
            false => {
                let parts = recipe.sources.iter();
                let parts = parts.map(|part| Part::open(part, test_query_ids, recipe.split_seed));
                Self {
                    path: PathBuf::from(recipe.source_paths()),
                    content: Content::Mixture(parts.collect::<Result<_, _>>()?),
                    duplicates: Duplicates::Keep,
                }
            }
        };
        source.duplicates = recipe.duplicates;
        Ok(source)
    }

    /// The source that a path is, or a name of a built-in one.
    fn open_named(name: &str, test_query_ids: Option<&Path>) -> Result<Self, SourceError> {
        match name {
            SAMPLE => Self::from_files(SAMPLE, sample::source().iter().copied()),
            path => Self::open(Path::new(path), test_query_ids),
        }
    }

    /// Leaves out what stood before, or not.
    #[must_use]
    pub fn with_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// The directory or file at `path`. `test_query_ids` is the directory of the test queries that a raw source
    /// leaves out; by default `test_query_ids` in the source's directory, where it exists.
    pub fn open(path: &Path, test_query_ids: Option<&Path>) -> Result<Self, SourceError> {
        let failed = |source: io::Error| SourceError::Open {
            path: path.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(failed)?;
        let content = if !metadata.is_dir() {
            Content::Files(RecordFiles::open(path)?)
        } else if has_answers(path)? {
            Content::Raw(RawAnswers::open(path, test_query_ids)?)
        } else {
            match RecordFiles::open_directory(path)? {
                Some(files) => Content::Files(files),
                // It says what it lacks.
                None => Content::Raw(RawAnswers::open(path, test_query_ids)?),
            }
        };
        Ok(Self {
            path: path.to_owned(),
            content,
            duplicates: Duplicates::Keep,
        })
    }

    /// A raw source whose files are in memory: `answer/G1_answer/….json`, `test_query_ids/….json` and their texts.
    pub fn from_files(
        name: &str,
        files: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            path: PathBuf::from(name),
            content: Content::Raw(RawAnswers::from_files(Path::new(name), files)?),
            duplicates: Duplicates::Keep,
        })
    }

    /// Whether `path` is the file or directory that is read, however it is spelled.
    pub fn is_at(&self, path: &Path) -> bool {
        if let Content::Mixture(parts) = &self.content {
            return parts.iter().any(|part| part.source.is_at(path));
        }
        let (here, there) = (self.path.canonicalize(), path.canonicalize());
        here.is_ok_and(|here| there.is_ok_and(|there| here == there))
    }

    /// What it holds; of a directory of files, what most of them do.
    pub fn form(&self) -> SourceForm {
        match &self.content {
            Content::Raw(_) => SourceForm::RAW,
            Content::Files(files) => SourceForm(files.form().name),
            Content::Mixture(_) => SourceForm("several sources"),
        }
    }

    /// Whether all its records are trajectories, not conversations alone.
    pub fn has_trajectories(&self) -> bool {
        match &self.content {
            Content::Raw(_) => true,
            Content::Files(files) => files.are_all("stage-1"),
            Content::Mixture(parts) => parts.iter().all(|part| part.source.has_trajectories()),
        }
    }

    /// How many test query ids it leaves out, whether or not it has answers to them. None where it is no raw
    /// source, or one without `test_query_ids`.
    pub fn test_query_ids(&self) -> Option<usize> {
        match &self.content {
            Content::Raw(answers) => answers.test_query_ids(),
            Content::Files(_) => None,
            Content::Mixture(parts) => {
                let ids = parts.iter().filter_map(|part| part.source.test_query_ids());
                ids.reduce(|one, other| one + other)
            }
        }
    }

    /// The test queries that raw sources leave out: their ids, and their texts, levelled, as far as these are known.
    pub fn test_queries(&self) -> (HashSet<String>, HashSet<String>) {
        match &self.content {
            Content::Raw(answers) => (answers.test_ids(), answers.test_texts()),
            Content::Files(_) => Default::default(),
            Content::Mixture(parts) => {
                let (mut ids, mut texts) = (HashSet::new(), HashSet::new());
                for (of_part, told) in parts.iter().map(|part| part.source.test_queries()) {
                    ids.extend(of_part);
                    texts.extend(told);
                }
                (ids, texts)
            }
        }
    }

    /// Hands every usable record to `each`, in the source's order, and never holds more than a few of them.
    ///
    /// Raw answers are read by rayon's threads; the result does not depend on how many there are. `progress`
    /// hears how many records are done, and of how many where that is known.
    pub fn read<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        progress: &mut dyn FnMut(usize, Option<usize>),
        each: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<SourceReport, E> {
        let mut used = Used::new(self.duplicates);
        let Content::Mixture(parts) = &self.content else {
            return self.read_records(options, None, &mut used, progress, each);
        };
        let mut all = SourceReport::default();
        for part in parts {
            let before = all.records;
            let mut progress = |done, _| progress(before + done, None);
            let source = &part.source;
            let report =
                source.read_records(options, Some(part), &mut used, &mut progress, each)?;
            all.add(PartReport {
                name: part.recipe.name.clone(),
                path: part.recipe.path.clone(),
                form: part.source.form().name().to_owned(),
                weight: part.recipe.weight,
                report,
            });
        }
        Ok(all)
    }

    /// Hands every record of a source that is no mixture to `each`: as often as the mixture that it is a part of says.
    fn read_records<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        part: Option<&Part>,
        used: &mut Used,
        progress: &mut dyn FnMut(usize, Option<usize>),
        each: &mut dyn FnMut(Record) -> Result<(), E>,
    ) -> Result<SourceReport, E> {
        let mut report = SourceReport::default();
        let test_texts = match &self.content {
            Content::Raw(answers) => answers.test_texts(),
            Content::Files(_) | Content::Mixture(_) => HashSet::new(),
        };
        let mut take =
            |name: &dyn Fn() -> String, outcome: Result<Outcome, RecordError>| -> Result<(), E> {
                report.records += 1;
                match outcome {
                    Ok(Outcome::Kept(mut record)) => {
                        if test_texts.contains(&record.conversation.query) {
                            report.test_query_texts += 1;
                            if options.test_texts {
                                report.test_queries += 1;
                                return Ok(());
                            }
                        }
                        let as_given = StepCounts::of(&record.conversation);
                        rationale::apply(&mut record.conversation, options.rationale);
                        let identity = identity(&record.conversation);
                        let times = part.map_or(1, |part| part.mix(&mut record));
                        if times == 0 {
                            report.left_out += 1;
                            return Ok(());
                        }
                        let trains = |dataset| part.is_none_or(|part| part.trains(dataset));
                        if used.add(identity, &mut record.conversation, trains) {
                            report.duplicates += 1;
                            if used.drops() {
                                return Ok(());
                            }
                        }
                        report.repeated += times - 1;
                        report.keep(name, &record, as_given.without_rationale);
                        for _ in 1..times {
                            each((*record).clone())?;
                        }
                        each(*record)?;
                    }
                    Ok(Outcome::TestQuery) => report.test_queries += 1,
                    Ok(Outcome::NoMessages) => report.without_messages += 1,
                    Ok(Outcome::Invalid) => report.invalid += 1,
                    Err(reason) if options.strict => {
                        return Err(SourceError::Record {
                            record: name(),
                            reason,
                        }
                        .into());
                    }
                    Err(reason) => report.bad.push(BadRecord {
                        record: name(),
                        reason: reason.to_string(),
                    }),
                }
                Ok(())
            };
        match &self.content {
            Content::Raw(answers) => answers.read(options, progress, &mut take)?,
            Content::Files(files) => files.read(options, progress, &mut take)?,
            // Its parts are read one by one.
            Content::Mixture(_) => {}
        }
        // What a mixture leaves out could be used.
        if report.kept + report.left_out + report.duplicates == 0 {
            return Err(SourceError::NothingKept {
                path: self.path.clone(),
                report: report.to_string(),
            }
            .into());
        }
        let (bad, records) = (report.bad.len(), report.records);
        let allowed = options.may_be_bad(records);
        match report.bad.first() {
            Some(first) if bad > allowed => Err(SourceError::TooManyBad {
                path: self.path.clone(),
                bad,
                records,
                allowed,
                fraction: options.max_bad_fraction,
                first: format!("{}: {}", first.record, first.reason),
                kept: report.kept,
            }
            .into()),
            _ => Ok(report),
        }
    }

    /// Every conversation at once.
    pub fn read_conversations(
        &self,
        options: &ReadOptions,
        progress: &mut dyn FnMut(usize, Option<usize>),
    ) -> Result<Conversations, SourceError> {
        let mut conversations = Vec::new();
        let report = self.read::<SourceError>(options, progress, &mut |record| {
            conversations.push(record.conversation);
            Ok(())
        })?;
        Ok(Conversations {
            conversations,
            report,
        })
    }
}

/// Whether a directory holds raw answers, in any of the places where they are looked for.
fn has_answers(path: &Path) -> Result<bool, SourceError> {
    let directories = answer_directories(path)?;
    Ok(path.join("answer").exists()
        || path.join("answers").is_dir()
        || directories.iter().any(|directory| directory.is_dir()))
}

/// Takes what became of a record, whose name is made only where it is needed.
type Take<'t, E> =
    dyn FnMut(&dyn Fn() -> String, Result<Outcome, RecordError>) -> Result<(), E> + 't;
