//! The published pipeline's files, so that its tools and ours read the same data.

mod element;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use glpft_checkpoints::{AtomicFile, FileError, remove_abandoned};
use glpft_recipes::GiveUpHistory;
use rayon::prelude::*;

use crate::example::Dataset;
use crate::prompts::Prompts;
use crate::python::json::dump_element;
use crate::read_options::ReadOptions;
use crate::roles::{GiveUpPrompt, backbone_steps, examples};
use crate::source::{Record, Source, SourceError, SourceReport};
use element::ExampleElements;

/// Trajectories.
const STAGE_1_FILE: &str = "raw_data_stage_1.json";
/// Conversations.
const STAGE_2_FILE: &str = "raw_data_stage_2.json";

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The source cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// One of the files is what is read.
    #[error("{} is the source itself; choose another folder", path.display())]
    OverSource {
        /// The file.
        path: PathBuf,
    },
}

/// How many records are rendered at once: enough for every thread, few enough for memory.
const CHUNK: usize = 64;
/// How many rendered chunks may wait to be written.
const AHEAD: usize = 1;

/// Writes `raw_data_stage_1.json` (from raw answers and stage 1 alone: others do not hold what it needs),
/// `raw_data_stage_2.json` and `train_{backbone,planner,caller,summarizer}.json` into `directory`, which is made
/// where it is missing. All of them appear whole or none, as far as the system allows; a few records are held at a time.
pub fn export(
    source: &Source,
    options: &ReadOptions,
    prompts: &Prompts,
    give_up: GiveUpHistory,
    directory: &Path,
    progress: &mut dyn FnMut(usize, Option<usize>),
) -> Result<SourceReport, ExportError> {
    std::fs::create_dir_all(directory)
        .map_err(|source| FileError::new("create the folder", directory, source))?;
    remove_abandoned(directory)?;
    let mut names = vec![STAGE_2_FILE.to_owned()];
    names.extend(Dataset::ALL.map(|dataset| format!("train_{}.json", dataset.name())));
    if source.has_trajectories() {
        names.push(STAGE_1_FILE.to_owned());
    }
    let paths = names.into_iter().map(|name| directory.join(name));
    let paths: Vec<PathBuf> = paths.collect();
    if let Some(path) = paths.iter().find(|path| source.is_at(path)) {
        return Err(ExportError::OverSource { path: path.clone() });
    }
    let files = paths.iter().map(|path| ArrayFile::create(path));
    let files: Vec<ArrayFile> = files.collect::<Result<_, _>>()?;
    let (rendered, to_write) = sync_channel(AHEAD);
    thread::scope(|scope| {
        // What is rendered is written while the next records are read.
        let writer = scope.spawn(move || write(to_write, files));
        let mut order = Order {
            shows_last: give_up == GiveUpHistory::Stale,
            last: None,
            index: 0,
        };
        let mut chunk = Vec::with_capacity(CHUNK);
        let hand_over = |chunk| {
            let chunk = render_all(chunk, prompts)?;
            // The writer says itself what ended it.
            let gone = |_| FileError::new("write", directory, ErrorKind::BrokenPipe.into());
            Ok(rendered.send(chunk).map_err(gone)?)
        };
        let read = source.read::<ExportError>(options, progress, &mut |record| {
            chunk.push(order.next(record));
            match chunk.len() < CHUNK {
                true => Ok(()),
                false => hand_over(std::mem::take(&mut chunk)),
            }
        });
        let read = read.and_then(|report| hand_over(chunk).map(|()| report));
        drop(rendered);
        let written = writer.join();
        let files = written.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let report = read?;
        // Together: each of them waits for the disk.
        files.into_par_iter().try_for_each(ArrayFile::commit)?;
        Ok(report)
    })
}

/// A record in its place.
struct Placed {
    index: usize,
    record: Arc<Record>,
    give_up: GiveUp,
}

/// What the steps of a record show that give up.
enum GiveUp {
    /// Their own histories.
    Own,
    /// The last prompt before; of the record's first step, that of an earlier record.
    Last(Option<Arc<Record>>),
}

impl GiveUp {
    fn prompt(&self, prompts: &Prompts) -> GiveUpPrompt {
        let mut prompt = GiveUpPrompt::Last(None);
        match self {
            Self::Own => return GiveUpPrompt::Own,
            Self::Last(None) => {}
            Self::Last(Some(earlier)) => {
                let conversation = &earlier.conversation;
                // Only for the prompt that it leaves behind.
                examples(0, conversation, Dataset::Backbone, prompts, &mut prompt);
            }
        }
        prompt
    }
}

/// What hangs on the order of the records.
struct Order {
    /// Whether steps that give up show the last prompt before.
    shows_last: bool,
    /// The last record with a prompt to show.
    last: Option<Arc<Record>>,
    index: usize,
}

impl Order {
    fn next(&mut self, record: Record) -> Placed {
        let (index, record) = (self.index, Arc::new(record));
        self.index += 1;
        let mut give_up = GiveUp::Own;
        if self.shows_last {
            let mut steps = backbone_steps(&record.conversation.turns);
            let first = steps.next();
            give_up = GiveUp::Last(self.last.clone().filter(|_| first == Some(true)));
            if first == Some(false) || steps.any(|gives_up| !gives_up) {
                self.last = Some(Arc::clone(&record));
            }
        }
        Placed {
            index,
            record,
            give_up,
        }
    }
}

/// The elements of some records, by record and file; the work is done by rayon's threads.
fn render_all(records: Vec<Placed>, prompts: &Prompts) -> Result<Vec<Vec<Vec<u8>>>, FileError> {
    records
        .into_par_iter()
        .map(|record| render(record, prompts))
        .collect::<Result<_, _>>()
        .map_err(|error| FileError::new("make the JSON of", Path::new("a record"), error.into()))
}

/// Writes what comes to the files, and gives them back.
fn write(
    rendered: Receiver<Vec<Vec<Vec<u8>>>>,
    mut files: Vec<ArrayFile>,
) -> Result<Vec<ArrayFile>, FileError> {
    for record in rendered.iter().flatten() {
        for (file, elements) in files.iter_mut().zip(record) {
            file.push(&elements)?;
        }
    }
    Ok(files)
}

/// A record's elements of each file, in the files' order, with what goes between them.
fn render(placed: Placed, prompts: &Prompts) -> serde_json::Result<Vec<Vec<u8>>> {
    let Placed {
        index,
        record,
        give_up,
    } = placed;
    let mut give_up = give_up.prompt(prompts);
    let conversation = &record.conversation;
    let mut files = vec![dump_element(conversation)?];
    let mut shared = ExampleElements::new(conversation)?;
    for dataset in Dataset::ALL {
        let examples = examples(index, conversation, dataset, prompts, &mut give_up);
        files.push(shared.of(examples));
    }
    if let Some(trajectory) = &record.trajectory {
        files.push(dump_element(trajectory)?);
    }
    Ok(files)
}

/// A file that holds one JSON array.
struct ArrayFile {
    path: PathBuf,
    file: AtomicFile,
    is_empty: bool,
}

impl ArrayFile {
    fn create(path: &Path) -> Result<Self, FileError> {
        Ok(Self {
            path: path.to_owned(),
            file: AtomicFile::create(path)?,
            is_empty: true,
        })
    }

    /// Adds elements as [`dump_element`] makes them, if there are any.
    fn push(&mut self, elements: &[u8]) -> Result<(), FileError> {
        if elements.is_empty() {
            return Ok(());
        }
        self.write(if self.is_empty { b"[" } else { b"," })?;
        self.is_empty = false;
        self.write(elements)
    }

    fn commit(mut self) -> Result<(), FileError> {
        self.write(if self.is_empty { b"[]" } else { b"\n]" })?;
        self.file.commit()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| FileError::new("write", &self.path, source))
    }
}
