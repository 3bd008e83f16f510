//! Files of records: one, or all of a directory.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::container::Container;
use super::form::{Form, describe, form_of};
use super::{Outcome, SourceError, Take};
use crate::field::Field;
use crate::read_options::ReadOptions;
use crate::record_error::Place;
use crate::record_error::RecordError;

/// How many records lie between two reports of progress.
const PROGRESS_STEP: usize = 256;

/// How the names of files of records end, before what they are compressed with.
const ENDINGS: [&str; 4] = [".json", ".jsonl", ".ndjson", ".parquet"];
const COMPRESSED: [&str; 3] = [".gz", ".zst", ".zstd"];

/// Files of records, each of a known container and form.
#[derive(Debug)]
pub(super) struct RecordFiles {
    files: Vec<RecordFile>,
    /// Files of the directory that hold no records, and why not.
    bad: Vec<(PathBuf, Arc<RecordError>)>,
}

#[derive(Debug)]
struct RecordFile {
    container: Container,
    form: &'static Form,
}

impl RecordFiles {
    /// A file.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = RecordFile::open(path).map_err(|reason| SourceError::File {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            files: vec![file],
            bad: Vec::new(),
        })
    }

    /// The files of a directory, if there are any. One without records is a bad record, unless all are.
    pub fn open_directory(path: &Path) -> Result<Option<Self>, SourceError> {
        let paths = record_files(path).map_err(|source| SourceError::Open {
            path: path.to_owned(),
            source,
        })?;
        let mut files = Vec::new();
        let mut bad = Vec::new();
        for path in paths {
            match RecordFile::open(&path) {
                Ok(file) => files.push(file),
                Err(reason) => bad.push((path, Arc::new(reason))),
            }
        }
        if files.is_empty() {
            return match bad.into_iter().next() {
                None => Ok(None),
                Some((path, reason)) => Err(SourceError::File {
                    path,
                    reason: RecordError::Same(reason),
                }),
            };
        }
        Ok(Some(Self { files, bad }))
    }

    /// The form of most files.
    pub fn form(&self) -> &'static Form {
        let mut most = self.files[0].form;
        let count = |form: &Form| {
            self.files
                .iter()
                .filter(|file| file.form.name == form.name)
                .count()
        };
        for file in &self.files {
            if count(file.form) > count(most) {
                most = file.form;
            }
        }
        most
    }

    /// Whether all files are of the form of this name.
    pub fn are_all(&self, form: &str) -> bool {
        self.files.iter().all(|file| file.form.name == form)
    }

    pub fn read<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        progress: &mut dyn FnMut(usize, Option<usize>),
        take: &mut Take<'_, E>,
    ) -> Result<(), E> {
        for (path, reason) in &self.bad {
            take(
                &|| path.display().to_string(),
                Err(RecordError::Same(Arc::clone(reason))),
            )?;
        }
        let mut done = 0;
        for file in &self.files {
            file.read::<E>(options, &mut |label, outcome| {
                take(label, outcome)?;
                done += 1;
                if done % PROGRESS_STEP == 0 {
                    progress(done, None);
                }
                Ok(())
            })?;
        }
        progress(done, Some(done));
        Ok(())
    }
}

impl RecordFile {
    /// Looks for the first record of a known form; every record is checked when it is read.
    fn open(path: &Path) -> Result<Self, RecordError> {
        let Some(container) = Container::open(path)? else {
            return Err(RecordError::NoRecords { found: "is empty" });
        };
        let mut form = None;
        let mut first: Option<(Place, Result<Value, RecordError>)> = None;
        let read = container.each(&mut |place, record| {
            form = record.as_ref().ok().and_then(form_of);
            // A record tells more than what is none.
            if first
                .as_ref()
                .is_none_or(|(_, first)| first.is_err() && record.is_ok())
            {
                first = Some((place, record));
            }
            match form {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        if let Some(form) = form {
            return Ok(Self { container, form });
        }
        match first {
            Some((place, Ok(record))) => Err(RecordError::NoForm {
                layout: container.layout().name(),
                place,
                found: describe(&record),
            }),
            Some((_, Err(error))) => Err(error),
            None => {
                read?;
                Err(RecordError::NoRecords {
                    found: "is an empty JSON array",
                })
            }
        }
    }

    fn read<E: From<SourceError>>(
        &self,
        options: &ReadOptions,
        take: &mut Take<'_, E>,
    ) -> Result<(), E> {
        let path = self.container.path();
        let mut ended: Result<(), E> = Ok(());
        let read = self.container.each(&mut |place, record| {
            let outcome = record.and_then(|record| self.record(&record, options));
            ended = take(&|| format!("{}{place}", path.display()), outcome);
            match ended {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        ended?;
        read.map_err(|reason| SourceError::File {
            path: path.to_owned(),
            reason,
        })?;
        Ok(())
    }

    fn record(&self, record: &Value, options: &ReadOptions) -> Result<Outcome, RecordError> {
        // A record that looks like no form at all is a broken one of the file's.
        let form = form_of(record).ok_or_else(|| RecordError::OtherForm {
            form: self.form.name,
            found: describe(record),
        })?;
        let record = (form.read)(&Field::root(record, ""), options)?;
        Ok(Outcome::Kept(Box::new(record)))
    }
}

/// The files of records in a directory, sorted by name.
///
/// # Errors
/// The directory cannot be listed.
pub fn record_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy());
        if name.is_some_and(|name| holds_records(&name)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Whether a file is named as files of records are.
fn holds_records(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let compressed = COMPRESSED
        .iter()
        .find_map(|ending| name.strip_suffix(ending));
    let name = compressed.unwrap_or(&name);
    !name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending))
}
