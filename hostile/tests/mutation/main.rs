//! Ten thousand mutated files: no parser panics, hangs or takes memory without bound.
//!
//! Every case is a function of the seed, the parser and the case's number. `GLPFT_CASES` sets how many there are in
//! all, `GLPFT_SEED` another seed, `GLPFT_CASE=parser:number` runs one case alone. The case under way is noted in
//! `mutation-case` in cargo's directory for tests' files (`CARGO_TARGET_TMPDIR`): what ends the process (a full stack) is
//! found there.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

mod allocator;
mod watch;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use glpft_hostile::{Mutator, PARSERS, Parser};

/// What one case may take beyond its own file.
const MEMORY: usize = 192 << 20;
/// What one case may take. The slowest take milliseconds; a busy machine and an unoptimized build are not a defect.
const TIME: Duration = Duration::from_secs(10);
/// Larger real files would only be parsed more slowly.
const LARGEST_FIXTURE: u64 = 200 << 10;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The parser's own files, and the real ones that are there.
fn files(parser: &Parser) -> Vec<Vec<u8>> {
    let fixtures = match variable("GLPFT_FIXTURES") {
        Some(fixtures) => PathBuf::from(fixtures),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
    };
    let mut files = (parser.examples)();
    for folder in parser.fixtures {
        let Ok(entries) = fs::read_dir(fixtures.join(folder)) else {
            eprintln!(
                "skipped: no fixtures at {}",
                fixtures.join(folder).display()
            );
            continue;
        };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let small = |path: &PathBuf| {
            let metadata = path.metadata().unwrap();
            metadata.is_file() && metadata.len() <= LARGEST_FIXTURE
        };
        for path in paths.into_iter().filter(small).take(8) {
            files.push(fs::read(path).unwrap());
        }
    }
    files
}

/// Runs a case; says what is wrong with it.
fn run(parser: &Parser, data: &[u8], folder: &Path) -> Result<Duration, String> {
    let before = allocator::begin();
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (parser.read)(data, folder)));
    let (taken, peak) = (started.elapsed(), allocator::peak() - before);
    if let Err(panic) = outcome {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        return Err(format!("panics: {}", text.unwrap_or_default()));
    }
    if peak > MEMORY {
        return Err(format!("takes {} MiB of memory", peak >> 20));
    }
    match taken > TIME {
        true => Err(format!("takes {taken:?}")),
        false => Ok(taken),
    }
}

#[test]
fn mutated_files_are_refused_or_read_in_bounded_time_and_memory() {
    let cases: usize = variable("GLPFT_CASES").map_or(10_000, |text| text.parse().unwrap());
    let seed: u64 = variable("GLPFT_SEED").map_or(2026, |text| text.parse().unwrap());
    let only = variable("GLPFT_CASE");
    let only = only.as_deref().and_then(|text| text.split_once(':'));
    let folder = tempfile::tempdir().unwrap();
    let note = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutation-case");
    let watch = watch::Watch::start(TIME * 3);
    let (mut failures, mut done) = (Vec::new(), 0);
    let each = cases.div_ceil(PARSERS.len());
    for (place, parser) in PARSERS.iter().enumerate() {
        if only.is_some_and(|(name, _)| name != parser.name) {
            continue;
        }
        let folder = folder.path().join(parser.name);
        fs::create_dir(&folder).unwrap();
        let files = files(parser);
        for (number, file) in files.iter().enumerate() {
            let outcome = run(parser, file, &folder);
            assert!(
                outcome.is_ok(),
                "{}: file {number} {outcome:?}",
                parser.name
            );
        }
        let (started, mut slowest) = (Instant::now(), Duration::ZERO);
        for number in 0..each {
            if only.is_some_and(|(_, wanted)| wanted.parse() != Ok(number)) {
                continue;
            }
            let case = format!("{}:{number}", parser.name);
            let own = seed ^ ((place as u64) << 48) ^ ((number as u64) << 20);
            let data = Mutator::new(own).mutate(&files);
            fs::write(&note, &case).unwrap();
            watch.begin(&case);
            match run(parser, &data, &folder) {
                Ok(taken) => slowest = slowest.max(taken),
                Err(problem) => failures.push(format!(
                    "GLPFT_CASE={case} ({} bytes) {problem}",
                    data.len()
                )),
            }
            done += 1;
        }
        eprintln!(
            "{:>16}: {} files, {each} cases, {:.1?}, slowest {slowest:.1?}",
            parser.name,
            files.len(),
            started.elapsed()
        );
    }
    watch.end();
    fs::remove_file(&note).unwrap();
    assert!(
        failures.is_empty(),
        "{} of {done} cases: {failures:#?}",
        failures.len()
    );
    assert!(only.is_some() || done >= cases);
}
