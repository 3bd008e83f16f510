//! Whether a source is still what it was.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use glpft_checkpoints::FileError;
use glpft_data::{answer_directories, fingerprint, record_files, sample};
use glpft_recipes::{DataRecipe, SourceRecipe};
use rayon::prelude::*;

use crate::Error;

/// `data.source` of the trajectories that the binary carries.
pub(super) const BUILTIN_SOURCE: &str = "builtin:sample";

/// Large files are hashed in parts of this size.
const PART: u64 = 4 << 20;

/// The state of a source's files.
pub(super) struct Stamp {
    /// Names, sizes and times.
    pub listing: String,
    /// Names and content.
    pub content: String,
}

/// A file of a source, named as in the source, wherever that lies.
struct SourceFile {
    name: String,
    path: PathBuf,
    size: u64,
    modified: u128,
}

/// The state of a recipe's sources. Where `known` has the same listing their content is taken to be the same too.
pub(super) fn stamp(recipe: &DataRecipe, known: Option<(&str, &str)>) -> Result<Stamp, Error> {
    if recipe.sources.is_empty() {
        return stamp_one(&recipe.source, recipe, known);
    }
    let listing = listing(recipe)?;
    if let Some((_, content)) = known.filter(|(known, _)| *known == listing) {
        return Ok(Stamp {
            listing,
            content: content.to_owned(),
        });
    }
    let mut parts = Vec::new();
    for part in &recipe.sources {
        parts.push(stamp_one(&part.path, recipe, None)?.content);
        // What is made of it, wherever it lies and whatever it is called.
        parts.push(mixed(part));
    }
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Ok(Stamp {
        listing,
        content: fingerprint(&parts),
    })
}

fn stamp_one(
    source: &str,
    recipe: &DataRecipe,
    known: Option<(&str, &str)>,
) -> Result<Stamp, Error> {
    if source == BUILTIN_SOURCE {
        let files: Vec<&[u8]> = sample::source()
            .iter()
            .flat_map(|(path, text)| [path.as_bytes(), text.as_bytes()])
            .collect();
        return Ok(Stamp {
            listing: String::new(),
            content: fingerprint(&files),
        });
    }
    let files = list(source, recipe)?;
    let listing = listing_of(&files);
    if let Some((_, content)) = known.filter(|(known, _)| *known == listing) {
        return Ok(Stamp {
            listing,
            content: content.to_owned(),
        });
    }
    let hashes: Vec<String> = files
        .par_iter()
        .map(|file| hash(&file.path).map(|hash| format!("{:?} {hash}", file.name)))
        .collect::<Result<_, _>>()?;
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes()).collect();
    Ok(Stamp {
        listing,
        content: fingerprint(&hashes),
    })
}

/// The names, sizes and times of a recipe's source as they are now, as [`Stamp::listing`] tells them.
pub(super) fn listing(recipe: &DataRecipe) -> Result<String, Error> {
    let of_one = |source: &str| match source == BUILTIN_SOURCE {
        true => Ok(String::new()),
        false => Ok(listing_of(&list(source, recipe)?)),
    };
    if recipe.sources.is_empty() {
        return of_one(&recipe.source);
    }
    let mut parts = Vec::new();
    for part in &recipe.sources {
        parts.push(of_one(&part.path)?);
        parts.push(mixed(part));
    }
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Ok(fingerprint(&parts))
}

/// What of a source's table decides what is made of it.
fn mixed(part: &SourceRecipe) -> String {
    let extra = if part.extra { " extra" } else { "" };
    format!("{:?} {:?}{extra}", part.weight, part.roles)
}

fn listing_of(files: &[SourceFile]) -> String {
    let mut listing = String::new();
    for file in files {
        // Quoted: no name can look like the next line.
        let SourceFile {
            name,
            path,
            size,
            modified,
        } = file;
        listing.push_str(&format!("{name:?} {path:?} {size} {modified}\n"));
    }
    fingerprint(&[listing.as_bytes()])
}

/// Every file that reading the source may read, sorted.
fn list(source: &str, recipe: &DataRecipe) -> Result<Vec<SourceFile>, Error> {
    let source = Path::new(source);
    let mut files = Vec::new();
    if source.is_dir() {
        for directory in answer_directories(source)? {
            let inside = directory.strip_prefix(source).unwrap_or(&directory);
            let parts: Vec<_> = inside.iter().map(OsStr::to_string_lossy).collect();
            add(&directory, &parts.join("/"), &mut files)?;
        }
        if files.is_empty() {
            let records = record_files(source);
            for path in records.map_err(|error| FileError::new("list", source, error))? {
                let name = path.file_name().map(OsStr::to_string_lossy);
                let name = name.unwrap_or_default().into_owned();
                files.push(source_file(path, name)?);
            }
        }
        let beside = source.join("test_query_ids");
        let ids = recipe.test_query_ids.as_ref().map_or(beside, PathBuf::from);
        add(&ids, "test_query_ids", &mut files)?;
    } else if source.is_file() {
        files.push(source_file(source.to_owned(), String::new())?);
    }
    // What is no file at all is told by who opens the source.
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

fn add(directory: &Path, name: &str, files: &mut Vec<SourceFile>) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(|source| FileError::new("list", directory, source))?;
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_file() && name.ends_with(".json") {
            files.push(source_file(path, name)?);
        }
    }
    Ok(())
}

fn source_file(path: PathBuf, name: String) -> Result<SourceFile, Error> {
    let found = fs::metadata(&path).map_err(|source| FileError::new("read", &path, source))?;
    let modified = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |time| time.as_nanos());
    Ok(SourceFile {
        name,
        size: found.len(),
        modified,
        path,
    })
}

/// A hash of a file's content. A file that cannot be read is a record that cannot be read: it is reported as such,
/// and the source is another once it can.
fn hash(path: &Path) -> Result<String, Error> {
    let Ok(mut file) = File::open(path) else {
        return Ok("unreadable".to_owned());
    };
    let mut hashes = Vec::new();
    loop {
        let mut part = Vec::new();
        if file.by_ref().take(PART).read_to_end(&mut part).is_err() {
            return Ok("unreadable".to_owned());
        }
        if part.is_empty() {
            break;
        }
        hashes.push(fingerprint(&[&part]));
    }
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes()).collect();
    Ok(fingerprint(&hashes))
}
