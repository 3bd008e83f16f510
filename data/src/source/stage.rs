//! A stage file: one JSON array of trajectories (stage 1) or of conversations (stage 2).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Field, Outcome, ReadOptions, Record, RecordError, SourceError, SourceForm, Take};
use crate::bounded;
use crate::conversation::Conversation;
use crate::python::json;
use crate::trajectory::Trajectory;

/// How many elements lie between two reports of progress.
const PROGRESS_STEP: usize = 256;

/// All of ToolBench is smaller. The file is in memory as text, its elements one at a time.
const LARGEST: u64 = 4 << 30;

/// A stage file whose form is known.
#[derive(Debug)]
pub(super) struct StageFile {
    path: PathBuf,
    form: SourceForm,
}

impl StageFile {
    /// Looks for the first element of a known form; every element is checked when it is read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let bytes = bounded::read(path, LARGEST).map_err(|source| SourceError::Open {
            path: path.to_owned(),
            source,
        })?;
        // Only what stands before the first wrong byte is looked at here.
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let mut first = None;
        let mut form = None;
        let parsed = json::load_elements(text, |element| {
            form = form_of(&element);
            first.get_or_insert(element);
            form.is_none()
        });
        let Some(form) = form else {
            let found = match (&first, &parsed) {
                (Some(element), _) => describe(element).to_owned(),
                (None, Ok(())) => "an empty JSON array".to_owned(),
                (None, Err(error)) => match text.trim_start().chars().next() {
                    None => "empty, or no UTF-8 text".to_owned(),
                    Some('[') => format!("not valid JSON ({error})"),
                    Some('{') => {
                        "a JSON object (raw answers are read from the directory that holds answer/)"
                            .to_owned()
                    }
                    Some(_) => "no JSON array".to_owned(),
                },
            };
            return Err(SourceError::UnknownForm {
                path: path.to_owned(),
                found,
            });
        };
        Ok(Self {
            path: path.to_owned(),
            form,
        })
    }

    pub fn form(&self) -> SourceForm {
        self.form
    }

    pub fn read<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        progress: &mut dyn FnMut(usize, Option<usize>),
        take: &mut Take<'_, E>,
    ) -> Result<(), E> {
        let failed = |reason: RecordError| SourceError::File {
            path: self.path.clone(),
            reason,
        };
        let bytes = bounded::read(&self.path, LARGEST).map_err(|error| failed(error.into()))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.into()))?;
        let mut index = 0;
        let mut ended: Result<(), E> = Ok(());
        let parsed = json::load_elements(text, |element| {
            let outcome = self.record(&element, index, options);
            let label = || format!("{}[{index}]", self.path.display());
            ended = take(&label, outcome);
            index += 1;
            if index % PROGRESS_STEP == 0 {
                progress(index, None);
            }
            ended.is_ok()
        });
        ended?;
        parsed.map_err(|error| failed(error.into()))?;
        progress(index, Some(index));
        Ok(())
    }

    fn record(
        &self,
        element: &Value,
        index: usize,
        options: &ReadOptions,
    ) -> Result<Outcome, RecordError> {
        let element = Field::root(element, format!("[{index}]"));
        let (trajectory, conversation) = match self.form {
            SourceForm::Stage2 => (None, Conversation::from_stage(&element)?),
            _ => {
                let trajectory = Trajectory::from_stage(&element)?;
                let conversation =
                    Conversation::from_trajectory(&trajectory, options.observations)?;
                (Some(trajectory), conversation)
            }
        };
        Ok(Outcome::Kept(Box::new(Record {
            trajectory,
            conversation,
        })))
    }
}

/// The form of the file that holds such an element.
fn form_of(element: &Value) -> Option<SourceForm> {
    if element.get("conversations").is_some() {
        Some(SourceForm::Stage2)
    } else if element.get("chains").is_some() {
        Some(SourceForm::Stage1)
    } else {
        None
    }
}

/// What a file is whose first element is this and none of whose elements has a known form.
fn describe(element: &Value) -> &'static str {
    if element.get("input").is_some() && element.get("target").is_some() {
        "a role dataset, which is a result and no source"
    } else if element.is_object() {
        "a JSON array of objects with neither `chains` nor `conversations`"
    } else {
        "a JSON array without such objects"
    }
}
