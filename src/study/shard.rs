//! A share of a study's cells, and which process has it.

use std::path::Path;
use std::str::FromStr;

use glpft_checkpoints::{FileError, Lease, lease_holder, open_leases};

use crate::Error;
use crate::error::FolderError;
use crate::place::take;

/// The lease of a process that has all of a study.
const STUDY: &str = "study";

/// One of several shares of a study's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    number: usize,
    /// Of how many.
    of: usize,
}

/// What is not a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be I/N, a number from 1 to N and how many shards there are: 1/4")]
pub struct ShardError;

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (number, of) = text.split_once('/').ok_or(ShardError)?;
        let parse = |text: &str| text.trim().parse::<usize>().map_err(|_| ShardError);
        let (number, of) = (parse(number)?, parse(of)?);
        match (1..=of).contains(&number) {
            true => Ok(Self { number, of }),
            false => Err(ShardError),
        }
    }
}

impl Shard {
    /// Whether a cell is in it, by its place in the plan.
    pub fn has(self, cell: usize) -> bool {
        cell % self.of == self.number - 1
    }

    /// Its lease. Shards of other numbers of shards have leases of their own: the cells' runs keep them apart.
    fn lease(self) -> String {
        format!("shard-{}-of-{}", self.number, self.of)
    }
}

/// Takes a study, or a shard of it, for this process alone.
///
/// # Errors
/// Another process has it, or the disk refuses.
pub(super) fn own(out: &Path, shard: Option<Shard>) -> Result<Lease, Error> {
    std::fs::create_dir_all(out).map_err(|source| FileError::new("create", out, source))?;
    let Some(shard) = shard else {
        let study = take(out, STUDY, "runs the study")?;
        check_no_shard(out)?;
        return Ok(study);
    };
    let lease = take(out, &shard.lease(), "runs this shard")?;
    // Of a study and a shard that begin at once, one at least sees the other.
    match lease_holder(out, STUDY) {
        None => Ok(lease),
        Some(holder) => Err(Error::Folder(FolderError::AtWork {
            path: out.to_owned(),
            holder,
        })),
    }
}

fn check_no_shard(out: &Path) -> Result<(), Error> {
    for name in open_leases(out)? {
        if name.starts_with("shard-") {
            take(out, &name, "begins")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_in_one_shard() {
        for of in 1..5 {
            let shards: Vec<Shard> = (1..=of)
                .filter_map(|number| format!("{number}/{of}").parse().ok())
                .collect();
            assert_eq!(shards.len(), of);
            for cell in 0..20 {
                assert_eq!(shards.iter().filter(|shard| shard.has(cell)).count(), 1);
            }
        }
        for wrong in ["", "1", "0/2", "3/2", "1/0", "-1/2", "a/b", "1/2/3"] {
            assert_eq!(wrong.parse::<Shard>(), Err(ShardError), "{wrong}");
        }
    }
}
