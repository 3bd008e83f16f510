//! A stage file: one JSON array of trajectories (stage 1) or of conversations (stage 2).

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Field, Outcome, ReadOptions, Record, RecordError, SourceError, SourceForm, Take};
use crate::conversation::Conversation;
use crate::python::json;
use crate::trajectory::Trajectory;

/// How many elements lie between two reports of progress.
const PROGRESS_STEP: usize = 256;

/// A stage file whose form is known.
#[derive(Debug)]
pub(super) struct StageFile {
    path: PathBuf,
    form: SourceForm,
}

impl StageFile {
    /// Looks at the first element only; every element is checked when it is read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let bytes = std::fs::read(path).map_err(|source| SourceError::Open {
            path: path.to_owned(),
            source,
        })?;
        let unknown = |found: String| SourceError::UnknownForm {
            path: path.to_owned(),
            found,
        };
        // Only what stands before the first wrong byte is looked at here.
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let mut first = None;
        let parsed = json::load_elements(text, |element| {
            first = Some(element);
            false
        });
        let form = match (&first, parsed) {
            (Some(element), _) => form_of(element).map_err(|found| unknown(found.to_owned()))?,
            (None, Ok(())) => return Err(unknown("an empty JSON array".to_owned())),
            (None, Err(error)) => {
                let found = match text.trim_start().chars().next() {
                    None => "empty".to_owned(),
                    Some('[') => format!("not valid JSON ({error})"),
                    Some('{') => {
                        "a JSON object (for raw answers, name the directory that holds answer/)"
                            .to_owned()
                    }
                    Some(_) => "no JSON array".to_owned(),
                };
                return Err(unknown(found));
            }
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
        let bytes = std::fs::read(&self.path).map_err(|error| failed(error.into()))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.into()))?;
        let mut index = 0;
        let mut ended: Result<(), E> = Ok(());
        let parsed = json::load_elements(text, |element| {
            let outcome = self.record(&element, options);
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

    fn record(&self, element: &Value, options: &ReadOptions) -> Result<Outcome, RecordError> {
        let element = Field::root(element, "record");
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

/// The form of a file by its first element, or what else that element is.
fn form_of(element: &Value) -> Result<SourceForm, &'static str> {
    let has = |key| element.get(key).is_some();
    if has("conversations") {
        return Ok(SourceForm::Stage2);
    }
    if has("chains") {
        return Ok(SourceForm::Stage1);
    }
    Err(if has("input") && has("target") {
        "a role dataset, which is a result and no source"
    } else if element.is_object() {
        "a JSON array whose first object has neither `chains` nor `conversations`"
    } else {
        "a JSON array whose first element is no object"
    })
}
