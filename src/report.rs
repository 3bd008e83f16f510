//! `report.html`: a run's page, made of what lies in its directory.

mod data;
mod evaluations;
mod stages;

use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{FileError, RunDirectory, read_json, write_atomically};
use glpft_eval::page::{Machine, RunPage};
use glpft_recipes::Recipe;
use serde::Deserialize;

use crate::error::Error;

/// The page's file in a run's directory.
pub const REPORT_FILE: &str = "report.html";

/// Writes the page of a run and says where it is. A run may be unfinished or not evaluated; the page says so.
///
/// # Errors
/// The directory is no run's, its recipe cannot be read, or the page cannot be written. Whatever else cannot be read is
/// told on the page.
pub fn write_report(run: &RunDirectory) -> Result<PathBuf, Error> {
    let path = run.root().join(REPORT_FILE);
    let html = page(run)?.html();
    write_atomically(&path, |file| file.write_all(html.as_bytes()))?;
    Ok(path)
}

/// What the page of a run tells.
///
/// # Errors
/// The recipe cannot be read.
pub fn page(run: &RunDirectory) -> Result<RunPage, Error> {
    let path = run.recipe();
    let recipe = Recipe::load_partial(&path, &[])?;
    let failed = |source| FileError::new("read", &path, source);
    let recipe_text = std::fs::read_to_string(&path).map_err(failed)?;
    let mut problems = Vec::new();
    let stages = stages::stages(run, &recipe, &mut problems)?;
    let data = data::prepared(run, &mut problems);
    let (source, datasets) = data.map_or((None, Vec::new()), |(source, sets)| (Some(source), sets));
    let (evaluations, live) = evaluations::evaluations(run, &mut problems);
    Ok(RunPage {
        stages,
        source,
        datasets,
        machine: machine(run, &mut problems),
        evaluations,
        live,
        problems,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        recipe,
        recipe_text,
    })
}

/// Of `summary.json`, what the page tells.
#[derive(Deserialize)]
struct Summary {
    device: String,
    threads: usize,
    version: String,
    wall_seconds: f64,
}

fn machine(run: &RunDirectory, problems: &mut Vec<String>) -> Option<Machine> {
    let summary: Summary = read_part(&run.summary(), problems)?;
    Some(Machine {
        device: summary.device,
        threads: summary.threads,
        version: summary.version,
        wall_seconds: summary.wall_seconds,
    })
}

/// A JSON file that may be absent; what is wrong with it otherwise is told.
fn read_part<T: serde::de::DeserializeOwned>(path: &Path, problems: &mut Vec<String>) -> Option<T> {
    if !path.exists() {
        return None;
    }
    let read = read_json(path);
    read.map_err(|error| problems.push(error.to_string())).ok()
}
