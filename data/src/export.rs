//! The published pipeline's files, so that its tools and ours read the same data.

use std::io;
use std::path::Path;

use glpft_checkpoints::{FileError, write_atomically};
use glpft_recipes::GiveUpHistory;
use serde::Serialize;

use crate::conversation::{Conversation, Turn};
use crate::example::{Dataset, Example};
use crate::prompts::Prompts;
use crate::python::json::dump_array;
use crate::roles::{GiveUpPrompt, examples};
use crate::source::{ReadOptions, Source, SourceError, SourceForm, SourceReport};
use crate::trajectory::{Tool, Trajectory};

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
}

/// Writes `raw_data_stage_1.json` (not from a stage-2 source, which does not hold what it needs),
/// `raw_data_stage_2.json` and `train_{backbone,planner,caller,summarizer}.json` into `directory`, which is made
/// where it is missing. Each file appears whole or not at all.
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
    let (conversations, report) = match source.form() {
        SourceForm::Stage2 => {
            let read = source.read_conversations(options, progress)?;
            (read.conversations, read.report)
        }
        SourceForm::Raw | SourceForm::Stage1 => {
            export_trajectories(source, options, &directory.join(STAGE_1_FILE), progress)?
        }
    };
    write_array(&directory.join(STAGE_2_FILE), |push| {
        conversations
            .iter()
            .try_for_each(|conversation| Ok(push(conversation)?))
    })?;
    for dataset in Dataset::ALL {
        let path = directory.join(format!("train_{}.json", dataset.name()));
        let mut give_up = GiveUpPrompt::new(give_up);
        write_array(&path, |push| {
            for (index, conversation) in conversations.iter().enumerate() {
                for example in examples(index, conversation, dataset, prompts, &mut give_up) {
                    push(&ExportedExample::new(conversation, example))?;
                }
            }
            Ok(())
        })?;
    }
    Ok(report)
}

/// Writes the source's trajectories and keeps its conversations, in one reading.
fn export_trajectories(
    source: &Source,
    options: &ReadOptions,
    path: &Path,
    progress: &mut dyn FnMut(usize, Option<usize>),
) -> Result<(Vec<Conversation>, SourceReport), ExportError> {
    let mut conversations = Vec::new();
    let mut report = SourceReport::default();
    write_array(
        path,
        |push: &mut dyn FnMut(&Trajectory) -> serde_json::Result<()>| {
            report = source.read::<Stop>(options, progress, &mut |record| {
                if let Some(trajectory) = &record.trajectory {
                    push(trajectory)?;
                }
                conversations.push(record.conversation);
                Ok(())
            })?;
            Ok(())
        },
    )?;
    Ok((conversations, report))
}

/// Why an array ends before its end.
enum Stop {
    Write(serde_json::Error),
    Source(SourceError),
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error)
    }
}

impl From<SourceError> for Stop {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

fn write_array<T: Serialize>(
    path: &Path,
    fill: impl FnOnce(&mut dyn FnMut(&T) -> serde_json::Result<()>) -> Result<(), Stop>,
) -> Result<(), ExportError> {
    let mut failure = None;
    let written = write_atomically(path, |writer| match dump_array(writer, fill) {
        Ok(()) => Ok(()),
        Err(Stop::Write(error)) => Err(error.into()),
        Err(Stop::Source(error)) => {
            // The file is given up; what stopped it is told instead of that.
            failure = Some(error);
            Err(io::Error::other("the source cannot be read"))
        }
    });
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// An example as the published pipeline writes it.
#[derive(Serialize)]
struct ExportedExample<'a> {
    tools: &'a [Tool],
    history: &'a [Turn],
    input: String,
    target: String,
}

impl<'a> ExportedExample<'a> {
    fn new(conversation: &'a Conversation, example: Example) -> Self {
        Self {
            tools: &conversation.tools,
            history: conversation.turns.get(..example.turn).unwrap_or_default(),
            input: example.prompt.text().to_string(),
            target: example.target,
        }
    }
}
