//! A raw ToolBench directory: one file an answer.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::recognise::read_text;
use super::test_queries::{self, TestQueries};
use super::{Outcome, Record, SourceError, Take};
use crate::bounded;
use crate::conversation::Conversation;
use crate::field::Field;
use crate::python::json;
use crate::query::level_query;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::trajectory::Trajectory;

const GROUPS: [&str; 3] = ["G1_answer", "G2_answer", "G3_answer"];

/// How many files are read before their records are handed on: enough for every thread, few enough for memory.
const CHUNK: usize = 256;

/// Real answers have a few megabytes. Each thread has one in memory.
const LARGEST_ANSWER: u64 = 64 << 20;

/// The answers, in order, and the queries to leave out.
#[derive(Debug)]
pub(super) struct RawAnswers {
    files: Vec<AnswerFile>,
    test_queries: Option<TestQueries>,
}

#[derive(Debug)]
struct AnswerFile {
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Disk(PathBuf),
    Memory(&'static str),
}

impl RawAnswers {
    pub fn open(path: &Path, test_query_ids: Option<&Path>) -> Result<Self, SourceError> {
        let mut files = Vec::new();
        let mut groups = 0;
        for directory in answer_directories(path)? {
            match list(&directory) {
                Ok(names) => {
                    groups += 1;
                    files.extend(names.into_iter().map(|name| AnswerFile {
                        place: Place::Disk(directory.join(&name)),
                        name,
                    }));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => {
                    return Err(SourceError::Open {
                        path: directory,
                        source,
                    });
                }
            }
        }
        if files.is_empty() {
            return Err(SourceError::NoAnswers {
                path: path.to_owned(),
                missing: match groups {
                    0 => "answer/G1_answer, answer/G2_answer and answer/G3_answer",
                    _ => "any .json file in its answer groups",
                },
                hint: hint(path),
            });
        }
        let beside = path.join("test_query_ids");
        let test_queries = match test_query_ids {
            Some(directory) => Some(test_queries::open(directory)?),
            None if beside.exists() => Some(test_queries::open(&beside)?),
            None => None,
        };
        Ok(Self {
            files,
            test_queries,
        })
    }

    pub fn from_files(
        source: &Path,
        files: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, SourceError> {
        let mut answers = Vec::new();
        let mut test_queries: Option<TestQueries> = None;
        for (path, text) in files {
            let (directory, name) = path.rsplit_once('/').unwrap_or_default();
            let group = directory.strip_prefix("answer/").unwrap_or_default();
            if GROUPS.contains(&group) && is_answer(name) {
                answers.push((
                    group,
                    AnswerFile {
                        name: name.to_owned(),
                        place: Place::Memory(text),
                    },
                ));
            } else if directory == "test_query_ids" && test_queries::is_test_set(name) {
                test_queries::add(text, test_queries.get_or_insert_default())
                    .map_err(|problem| test_queries::failed(&source.join(path), problem))?;
            }
        }
        answers.sort_by(|(group, file), (other_group, other)| {
            (group, &file.name).cmp(&(other_group, &other.name))
        });
        if answers.is_empty() {
            return Err(SourceError::NoAnswers {
                path: source.to_owned(),
                missing: "any answer",
                hint: String::new(),
            });
        }
        Ok(Self {
            files: answers.into_iter().map(|(_, file)| file).collect(),
            test_queries,
        })
    }

    pub fn test_query_ids(&self) -> Option<usize> {
        self.test_queries.as_ref().map(|queries| queries.ids.len())
    }

    /// The ids of the test queries.
    pub fn test_ids(&self) -> HashSet<String> {
        let queries = self.test_queries.as_ref();
        queries
            .map(|queries| queries.ids.clone())
            .unwrap_or_default()
    }

    /// The texts of the test queries, as far as they are known: as the test sets tell them, and of those that are answered
    /// here. What cannot be read of these is not missed: nothing is trained on it.
    pub fn test_texts(&self) -> HashSet<String> {
        let Some(queries) = &self.test_queries else {
            return HashSet::new();
        };
        let answered = self.files.par_iter();
        let answered = answered.filter(|file| self.is_test(file));
        let texts: Vec<String> = answered
            .filter_map(|file| file.with_text(query_text).ok()?)
            .collect();
        queries.texts.iter().cloned().chain(texts).collect()
    }

    fn is_test(&self, file: &AnswerFile) -> bool {
        let queries = self.test_queries.as_ref();
        queries.is_some_and(|queries| queries.ids.contains(query_id(&file.name)))
    }

    pub fn read<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        progress: &mut dyn FnMut(usize, Option<usize>),
        take: &mut Take<'_, E>,
    ) -> Result<(), E> {
        let total = Some(self.files.len());
        let mut done = 0;
        progress(done, total);
        for chunk in self.files.chunks(CHUNK) {
            let outcomes: Vec<_> = chunk
                .par_iter()
                .map(|file| self.read_file(file, options))
                .collect();
            for (file, outcome) in chunk.iter().zip(outcomes) {
                take(&|| file.label(), outcome)?;
                done += 1;
            }
            progress(done, total);
        }
        Ok(())
    }

    fn read_file(&self, file: &AnswerFile, options: &ReadOptions) -> Result<Outcome, RecordError> {
        if self.is_test(file) {
            return Ok(Outcome::TestQuery);
        }
        file.with_text(|text| read_answer(text, options))
    }
}

impl AnswerFile {
    fn with_text<T>(
        &self,
        read: impl FnOnce(&str) -> Result<T, RecordError>,
    ) -> Result<T, RecordError> {
        match &self.place {
            Place::Memory(text) => read(text),
            Place::Disk(path) => read_text(&bounded::read(path, LARGEST_ANSWER)?, read),
        }
    }

    fn label(&self) -> String {
        match &self.place {
            Place::Disk(path) => path.display().to_string(),
            Place::Memory(_) => self.name.clone(),
        }
    }
}

/// Both layouts of an answer (a tree of nodes, a list of tries) keep what is needed under one key.
const KEY: &str = "answer_generation";

/// What an answer file asks for, levelled.
fn query_text(text: &str) -> Result<Option<String>, RecordError> {
    let answer = json::load_key(text, KEY)?;
    let query = answer
        .as_ref()
        .and_then(|answer| answer.get("query")?.as_str());
    Ok(query.map(level_query))
}

/// Reads one answer file.
fn read_answer(text: &str, options: &ReadOptions) -> Result<Outcome, RecordError> {
    let Some(answer) = json::load_key(text, KEY)? else {
        return Ok(Outcome::NoMessages);
    };
    let answer = Field::root(&answer, KEY);
    let Some(messages) = answer.find("train_messages")? else {
        return Ok(Outcome::NoMessages);
    };
    let is_valid = answer
        .find("valid_data")?
        .and_then(|valid| valid.value().as_bool());
    if options.valid_only && is_valid != Some(true) {
        return Ok(Outcome::Invalid);
    }
    let trajectory = Trajectory::from_answer(&answer, &messages, options.schemas)?;
    let conversation = Conversation::from_trajectory(&trajectory, options)?;
    Ok(Outcome::Kept(Box::new(Record {
        trajectory: Some(trajectory),
        conversation,
        extra: false,
    })))
}

/// The conversation of an answer file of ToolBench's; none where it has no path, or an invalid one that `options` leave out.
///
/// # Errors
/// The file cannot be read, or holds something that cannot be used.
pub fn read_answer_file(
    path: &Path,
    options: &ReadOptions,
) -> Result<Option<Conversation>, RecordError> {
    let bytes = bounded::read(path, LARGEST_ANSWER)?;
    let outcome = read_text(&bytes, |text| read_answer(text, options))?;
    Ok(match outcome {
        Outcome::Kept(record) => Some(record.conversation),
        Outcome::TestQuery | Outcome::NoMessages | Outcome::Invalid => None,
    })
}

/// The query that an answer file is named after: `10` of `10_ChatGPT_DFS_woFilter_w2.json`.
fn query_id(file_name: &str) -> &str {
    let stem = file_name.strip_suffix(".json").unwrap_or(file_name);
    stem.split_once('_').map_or(stem, |(id, _)| id)
}

/// Where a directory's answers are: in ToolBench's groups, or, where rollouts of this program's agent left them, in the folders
/// of `answers/` (a live evaluation's), or in the directory itself (`agent run --out`). Not all of them need be there.
///
/// # Errors
/// A folder that is there cannot be listed.
pub fn answer_directories(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let answers = path.join("answer");
    let evaluated = path.join("answers");
    if !answers.exists() && evaluated.is_dir() {
        let mut folders = Vec::new();
        let failed = |source: io::Error| SourceError::Open {
            path: evaluated.clone(),
            source,
        };
        for entry in std::fs::read_dir(&evaluated).map_err(failed)? {
            let folder = entry.map_err(failed)?.path();
            if folder.is_dir() {
                folders.push(folder);
            }
        }
        folders.sort_unstable();
        return Ok(folders);
    }
    // A group of ToolBench's has test queries beside it, which are not looked for from there.
    let is_group = path
        .parent()
        .is_some_and(|parent| parent.ends_with("answer"));
    let is_flat =
        |names: Vec<String>| !names.is_empty() && names.iter().all(|name| is_rollout(name));
    if !answers.exists() && !is_group && list(path).is_ok_and(is_flat) {
        return Ok(vec![path.to_owned()]);
    }
    Ok(GROUPS.map(|group| answers.join(group)).to_vec())
}

/// Whether a file is named as an answer is after its method: `10_DFS_woFilter_w2.json`.
fn is_rollout(name: &str) -> bool {
    let method = name.split_once('_').map(|(_, method)| method);
    method.is_some_and(|method| {
        ["CoT@", "DFS_"]
            .iter()
            .any(|known| method.starts_with(known))
    })
}

fn is_answer(name: &str) -> bool {
    name.ends_with(".json") && !name.starts_with('.')
}

/// The names of a group's answer files, sorted as plain strings.
fn list(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        // Names that are no UTF-8 are not ToolBench's.
        if let Ok(name) = entry?.file_name().into_string()
            && is_answer(&name)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Where the answers may be, when the user named a directory near them.
fn hint(path: &Path) -> String {
    let holds_groups = |directory: &Path| GROUPS.iter().any(|group| directory.join(group).is_dir());
    if holds_groups(path) {
        return match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => {
                format!(" (did you mean {}?)", parent.display())
            }
            _ => " (did you mean the directory above it?)".to_owned(),
        };
    }
    let is_inside = path.ends_with("answers")
        || path
            .parent()
            .is_some_and(|parent| parent.ends_with("answers"));
    if is_inside {
        return " (did you mean the directory that holds answers/?)".to_owned();
    }
    if let Some(archive) = archive_in(path) {
        return format!(" (it holds {archive}: unpack it)");
    }
    let below = path.join("data");
    if holds_groups(&below.join("answer")) {
        return format!(" (did you mean {}?)", below.display());
    }
    String::new()
}

/// An archive, or a compressed answer, in a directory or in its `answer/` and the groups in that.
fn archive_in(path: &Path) -> Option<String> {
    const ENDINGS: [&str; 7] = [".zip", ".tar", ".gz", ".tgz", ".zst", ".7z", ".parquet"];
    let answers = path.join("answer");
    let groups = GROUPS.map(|group| answers.join(group));
    [path, &answers]
        .into_iter()
        .chain(groups.iter().map(PathBuf::as_path))
        .find_map(|directory| {
            let names = std::fs::read_dir(directory).ok()?;
            let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            names.find(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_id_ends_at_the_first_underscore() {
        assert_eq!(query_id("10_ChatGPT_DFS_woFilter_w2.json"), "10");
        assert_eq!(query_id("10.json"), "10");
        assert_eq!(query_id("_x.json"), "");
    }

    #[test]
    fn a_rollout_is_named_after_its_method() {
        assert!(is_rollout("7_CoT@1.json"));
        assert!(is_rollout("7_DFS_woFilter_w2.json"));
        assert!(!is_rollout("live.json"));
        assert!(!is_rollout("7_ChatGPT_DFS_woFilter_w2.json"));
    }
}
