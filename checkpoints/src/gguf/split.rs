//! Models in several GGUF files, as llama.cpp's `llama-gguf-split` makes them.

use std::path::{Path, PathBuf};

use super::GgufError;
use super::header::Header;
use super::value::Value;
use crate::is_present;
use crate::parts::Part;

const NUMBER: &str = "split.no";
const COUNT: &str = "split.count";
const TENSORS: &str = "split.tensors.count";

/// What a part says of the whole.
pub(super) struct Split {
    path: PathBuf,
    /// How many parts there are, more than one.
    pub count: u32,
    /// Which one was named, from 1.
    number: u32,
    /// How many tensors all of them hold, where that is said.
    tensors: Option<i64>,
}

impl Split {
    /// Looks whether the file at `path` is a part; `None` where it is a whole model.
    pub fn of(path: &Path, header: &Header) -> Result<Option<Self>, GgufError> {
        let told = |key: &str| match header.metadata.get(key).map(Value::integer) {
            None => Ok(None),
            Some(Some(number)) => Ok(Some(number)),
            Some(None) => Err(wrong(path, key, "must be a whole number")),
        };
        let count = told(COUNT)?.unwrap_or(0);
        let number = told(NUMBER)?.unwrap_or(0);
        let tensors = told(TENSORS)?;
        if count <= 1 {
            let found = header.tensors.len() as i64;
            return match tensors {
                Some(tensors) if tensors != found => {
                    let message = format!("is {tensors}, and the file holds {found}");
                    Err(wrong(path, TENSORS, &message))
                }
                _ => Ok(None),
            };
        }
        let (Ok(count), Ok(number)) = (
            u32::try_from(count),
            u32::try_from(number.saturating_add(1)),
        ) else {
            return Err(wrong(path, NUMBER, "is outside its `split.count`"));
        };
        if !(1..=count).contains(&number) {
            return Err(wrong(path, NUMBER, "is outside its `split.count`"));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            count,
            number,
            tensors,
        }))
    }

    /// Where another part lies.
    pub fn part(&self, number: u32) -> Result<PathBuf, GgufError> {
        if number == self.number {
            return Ok(self.path.clone());
        }
        let name = self.path.file_name().and_then(|name| name.to_str());
        let own = name.and_then(Part::of);
        let own = own.filter(|part| (part.number, part.count) == (self.number, self.count));
        let Some(own) = own else {
            let (number, count) = (self.number, self.count);
            return Err(self.refuse(&format!(
                "and its name does not end in -{number:05}-of-{count:05}.gguf, by which the others would be found: name \
                 them so, or join them with `llama-gguf-split --merge`"
            )));
        };
        let name = own.name(number);
        let path = self.path.with_file_name(&name);
        match is_present(&path) {
            true => Ok(path),
            false => Err(self.refuse(&format!(
                "and part {number}, {name}, is not beside it: fetch every part, or join them with `llama-gguf-split \
                 --merge`"
            ))),
        }
    }

    /// Checks that a file is the part that its name says it is.
    pub fn check(&self, path: &Path, header: &Header, number: u32) -> Result<(), GgufError> {
        let told = Self::of(path, header)?;
        let fits = told.is_some_and(|told| {
            (told.count, told.number, told.tensors) == (self.count, number, self.tensors)
        });
        match fits {
            true => Ok(()),
            false => {
                let message = format!(
                    "beside {}, which is split, but it is not its part {number} of {}: fetch every part again",
                    self.path.display(),
                    self.count
                );
                let path = path.to_owned();
                Err(GgufError::Split { path, message })
            }
        }
    }

    /// Checks that the parts together hold what they should.
    pub fn check_tensors(&self, found: usize) -> Result<(), GgufError> {
        match self.tensors {
            Some(tensors) if tensors != found as i64 => Err(self.refuse(&format!(
                "whose parts hold {found} tensors, not the {tensors} that `{TENSORS}` says: fetch every part again"
            ))),
            _ => Ok(()),
        }
    }

    fn refuse(&self, what: &str) -> GgufError {
        let (number, count) = (self.number, self.count);
        GgufError::Split {
            path: self.path.clone(),
            message: format!("part {number} of {count} of a split model, {what}"),
        }
    }
}

fn wrong(path: &Path, key: &str, message: &str) -> GgufError {
    GgufError::Metadata {
        path: path.to_owned(),
        key: key.to_owned(),
        message: message.to_owned(),
    }
}
