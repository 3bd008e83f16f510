//! Measuring a cell's team, and what is kept of it.

use std::path::Path;

use glpft_checkpoints::{RunDirectory, read_json, write_json};
use glpft_data::fingerprint;
use glpft_eval::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cell::Cell;
use super::plan::siblings;
use super::played::Played;
use super::run::Study;
use crate::Error;
use crate::evaluate::EVAL_FOLDER;

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
    /// A model cannot be opened or fails, the disk refuses; [`Error::Interruption`] where it was told
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

/// Measures a cell whose run is trained, or reads what an earlier start measured, or what was measured of another cell with
/// the same stages; says whether it did not measure.
pub(super) fn score_cell(
    study: &Study<'_>,
    cell: &Cell,
    run: &RunDirectory,
    evaluator: &mut dyn Evaluate,
) -> Result<(CellScore, bool), Error> {
    let key = score_key(study, cell, evaluator);
    if let Some(score) = kept(run.root(), &key) {
        return Ok((score, true));
    }
    let others = siblings(study.recipe, study.plan, cell);
    let of_other = others
        .iter()
        .find_map(|other| kept(&study.out.join(&other.directory), &key));
    let earlier = of_other.is_some();
    let score = match of_other {
        // It took no time again.
        Some(score) => CellScore {
            seconds: 0.0,
            ..score
        },
        None => {
            let evaluated = evaluator.evaluate(cell, run)?;
            CellScore {
                key,
                metrics: evaluated.metrics,
                steps: evaluated.steps,
                conversations: evaluated.conversations,
                played: evaluated.played,
                seconds: evaluated.seconds,
            }
        }
    };
    let folder = run.root().join(EVAL_FOLDER);
    std::fs::create_dir_all(&folder)
        .map_err(|source| glpft_checkpoints::FileError::new("create", &folder, source))?;
    write_json(&folder.join(SCORE_FILE), &score)?;
    Ok((score, earlier))
}

/// What an earlier start, or another process, measured of a cell.
pub(super) fn kept_score(
    study: &Study<'_>,
    cell: &Cell,
    run: &RunDirectory,
    evaluator: &dyn Evaluate,
) -> Option<CellScore> {
    kept(run.root(), &score_key(study, cell, evaluator))
}

/// What decides a cell's metrics.
fn score_key(study: &Study<'_>, cell: &Cell, evaluator: &dyn Evaluate) -> String {
    let mut parts = vec![study.held_out.key(), evaluator.settings().to_string()];
    parts.extend(cell.stages.iter().map(|(_, key)| key.clone()));
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    fingerprint(&parts)
}

fn kept(run: &Path, key: &str) -> Option<CellScore> {
    let score = read_json::<CellScore>(&run.join(EVAL_FOLDER).join(SCORE_FILE)).ok();
    score.filter(|score| score.key == key)
}
