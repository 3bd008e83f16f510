//! What all processes have done of a study.

use std::collections::BTreeMap;

use glpft_checkpoints::{RunDirectory, read_json, write_json};
use serde::{Deserialize, Serialize};

use super::cell::Cell;
use super::evaluate::{CellScore, Evaluate, kept_score};
use super::report::{LeftOut, ScoredCell, StudyReport, TrainedStage};
use super::run::Study;
use crate::prepare::PrepareReport;
use crate::result::FinishedStage;
use crate::run::unfinished;
use crate::{Base, Error};

/// The file in the run of a cell that cannot be trained.
const LEFT_OUT_FILE: &str = "left-out.json";

/// Why a cell cannot be trained.
#[derive(Serialize, Deserialize)]
struct Why {
    why: String,
}

/// Writes the report of what is done by now, whoever did it.
///
/// # Errors
/// A run cannot be read, or the disk refuses.
pub(super) fn gather(
    study: &Study<'_>,
    evaluator: &mut dyn Evaluate,
) -> Result<StudyReport, Error> {
    // Of two that end at once the second sees what the first has left.
    let _files = crate::place::own_files(study.out)?;
    let mut parameters = Parameters::default();
    let (mut done, mut left_out) = (Vec::new(), study.plan.left_out.clone());
    for cell in &study.plan.cells {
        let Ok(run) = RunDirectory::open(&study.out.join(&cell.directory)) else {
            continue;
        };
        if !unfinished(&cell.recipe, &run)?.is_empty() {
            let kept = read_json::<Why>(&run.root().join(LEFT_OUT_FILE)).ok();
            left_out.extend(kept.map(|kept| LeftOut::new(cell, kept.why)));
            continue;
        }
        if let Some(score) = kept_score(study, cell, &run, evaluator) {
            done.push(scored(cell, parameters.of(cell)?, &run, score)?);
        }
    }
    let mut report = StudyReport::new(study, evaluator.settings());
    report.fill(&done, &left_out);
    report.write(study.out)?;
    Ok(report)
}

/// Says in a cell's run why it cannot be trained.
///
/// # Errors
/// The disk refuses.
pub(super) fn keep_left_out(study: &Study<'_>, cell: &Cell, why: String) -> Result<(), Error> {
    let path = study.out.join(&cell.directory).join(LEFT_OUT_FILE);
    Ok(write_json(&path, &Why { why })?)
}

/// How many parameters the bases have, by `model.base`.
#[derive(Default)]
pub(super) struct Parameters(BTreeMap<String, u64>);

impl Parameters {
    pub fn of(&mut self, cell: &Cell) -> Result<u64, Error> {
        if let Some(&known) = self.0.get(&cell.base.path) {
            return Ok(known);
        }
        let parameters = Base::resolve(&cell.recipe)?.config.parameters();
        self.0.insert(cell.base.path.clone(), parameters);
        Ok(parameters)
    }
}

/// A cell that is trained and measured.
///
/// # Errors
/// Its run cannot be read.
pub(super) fn scored(
    cell: &Cell,
    parameters: u64,
    run: &RunDirectory,
    score: CellScore,
) -> Result<ScoredCell, Error> {
    let prepared: PrepareReport = read_json(&run.prepare())?;
    let stages = cell.stages.iter().map(|(job, key)| {
        let report = FinishedStage::read(run, job).report;
        TrainedStage {
            stage: job.stage,
            key: key.clone(),
            steps: report.steps,
            tokens: report.tokens,
            computed_tokens: report.computed_tokens,
            seconds: report.seconds,
        }
    });
    Ok(ScoredCell::new(
        cell,
        parameters,
        prepared.queries,
        stages.collect(),
        score,
    ))
}
