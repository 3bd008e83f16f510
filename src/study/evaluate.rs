//! Measuring a cell's team, and what is kept of it.

use glpft_checkpoints::{RunDirectory, read_json, write_json};
use glpft_data::fingerprint;
use glpft_eval::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cell::Cell;
use super::played::Played;
use crate::Error;

/// The file in a run's `eval/`.
const SCORE_FILE: &str = "study.json";

/// What measuring came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The metrics.
    pub metrics: Metrics,
    /// Steps that were measured.
    pub steps: u64,
    /// Conversations that they are of.
    pub conversations: u64,
    /// The tasks that the team played, by each strategy.
    pub played: Vec<Played>,
    /// Wall time.
    pub seconds: f64,
}

/// Measures teams on the study's held-out conversations, and on its tasks where it has some.
pub trait Evaluate {
    /// The settings, for the report; with the held-out conversations they decide the metrics of a team.
    fn settings(&self) -> Value;

    /// Measures the team of a cell's run and leaves what it finds in the run's `eval/`. Where an earlier start was
    /// interrupted it goes on; what was measured in another way before makes room.
    ///
    /// # Errors
    /// A model cannot be opened or fails, the disk refuses; [`Error::StudyInterrupted`] and its like where it was told
    /// to stop.
    fn evaluate(&mut self, cell: &Cell, run: &RunDirectory) -> Result<Evaluated, Error>;
}

/// A cell's metrics, as they are kept in its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellScore {
    /// What decides them, hashed.
    pub key: String,
    /// The metrics, each in 0..=1.
    pub metrics: Metrics,
    /// Steps that were measured.
    pub steps: u64,
    /// Conversations that they are of.
    pub conversations: u64,
    /// The tasks that the team played, by each strategy; none where the study has no tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub played: Vec<Played>,
    /// Wall time of the start that finished them.
    pub seconds: f64,
}

/// Measures a cell whose run is trained, or reads what an earlier start measured; says whether it did the latter.
pub(super) fn score_cell(
    cell: &Cell,
    run: &RunDirectory,
    held_out: &str,
    evaluator: &mut dyn Evaluate,
) -> Result<(CellScore, bool), Error> {
    let mut parts = vec![held_out.to_owned(), evaluator.settings().to_string()];
    parts.extend(cell.stages.iter().map(|(_, key)| key.clone()));
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    let key = fingerprint(&parts);
    let folder = run.root().join("eval");
    let path = folder.join(SCORE_FILE);
    if let Ok(score) = read_json::<CellScore>(&path)
        && score.key == key
    {
        return Ok((score, true));
    }
    let evaluated = evaluator.evaluate(cell, run)?;
    let score = CellScore {
        key,
        metrics: evaluated.metrics,
        steps: evaluated.steps,
        conversations: evaluated.conversations,
        played: evaluated.played,
        seconds: evaluated.seconds,
    };
    std::fs::create_dir_all(&folder)
        .map_err(|source| glpft_checkpoints::FileError::new("create", &folder, source))?;
    write_json(&path, &score)?;
    Ok((score, false))
}
