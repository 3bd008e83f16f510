//! The study itself: cell by cell, train what is missing, measure, report.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use glpft_checkpoints::{FileError, RunDirectory, RunLock, read_json, remove_directory_atomically};
use glpft_recipes::Recipe;
use glpft_train::Observer;

use super::arrangement::Compared;
use super::budget::StageLength;
use super::cell::{Cell, StudyBase};
use super::evaluate::{CellScore, Evaluate, score_cell};
use super::held_out::HeldOut;
use super::plan::StudyPlan;
use super::report::{LeftOut, ScoredCell, StudyReport, TrainedStage};
use super::share::{SharedStage, take_over};
use super::state;
use super::tasks::HeldOutTasks;
use crate::check::{CheckedJob, check_jobs};
use crate::place::{Removal, own_run};
use crate::prepare::{
    IfChanged, PrepareProgress, PrepareReport, check, datasets_of_jobs, prepare_datasets,
};
use crate::ready::{check_ready, check_room_in_turn};
use crate::result::FinishedStage;
use crate::run::{run_stages, unfinished};
use crate::stage::Context;
use crate::{Base, Error};

/// What to do where a cell's run is not what its recipe and data make now.
const REMEDY: &str = "undo that, remove that folder to train it again, or choose another --out";

/// What a study is of and with.
pub struct Study<'a> {
    /// The recipe that the cells' are made of.
    pub recipe: &'a Recipe,
    /// Its plan.
    pub plan: &'a StudyPlan,
    /// What was counted for the plan, to be known from the next start on.
    pub lengths: &'a BTreeMap<String, Vec<StageLength>>,
    /// What is measured on.
    pub held_out: &'a HeldOut,
    /// What is played beside; none where nothing is.
    pub tasks: Option<&'a HeldOutTasks>,
    /// The study's directory.
    pub out: &'a Path,
    /// What computes.
    pub device: &'a Device,
    /// Its name, as `--device` gives it.
    pub device_name: &'a str,
    /// Set from outside to end what is under way.
    pub stop: &'a AtomicBool,
    /// Set from outside to have the stage under way write a checkpoint and go on.
    pub save: &'a AtomicBool,
}

/// Hears how a study goes on.
pub trait StudyObserver {
    /// A cell's turn comes, the `number`th from 1; so many of its stages are not trained yet.
    fn cell(&mut self, number: usize, of: usize, cell: &Cell, untrained: usize);
    /// A stage of it was trained for another cell.
    fn shared(&mut self, stage: &SharedStage);
    /// Its data are prepared; none: they are.
    fn preparing(&mut self, progress: Option<PrepareProgress>);
    /// Hears of its training.
    fn training(&mut self) -> &mut dyn Observer;
    /// It is trained, and measured: by an earlier start, or only now.
    fn scored(&mut self, cell: &Cell, score: &CellScore, earlier: bool);
    /// It cannot be trained, and is left out.
    fn left_out(&mut self, cell: &Cell, why: &str);
}

/// Trains and measures what of a study is not done, and writes its report: after each cell, so that there is one of what
/// is done whenever it ends.
///
/// # Errors
/// What cannot be trained or measured; [`Error::StudyInterrupted`] or [`Error::Interrupted`] where it was told to stop.
/// A cell that has no example for one of its stages is no error: it is left out, and the report says so.
pub fn run_study(
    study: &Study<'_>,
    evaluator: &mut dyn Evaluate,
    observer: &mut dyn StudyObserver,
) -> Result<StudyReport, Error> {
    state::check_place(study.out)?;
    let checked = check_plan(study.plan)?;
    study.held_out.check(study.plan)?;
    if let Some(tasks) = study.tasks {
        tasks.check(study.plan)?;
    }
    let _lock = RunLock::take(study.out)?;
    state::begin(study.out, study.recipe, study.plan, study.lengths)?;
    check_room(study, &checked)?;
    let mut parameters = Parameters::default();
    let (cells, mut done) = (&study.plan.cells, Vec::new());
    let mut left_out = study.plan.left_out.clone();
    let mut report = StudyReport::new(study, evaluator.settings());
    for (index, cell) in cells.iter().enumerate() {
        if study.stop.load(Ordering::Relaxed) {
            return Err(Error::StudyInterrupted {
                done: index,
                of: cells.len(),
            });
        }
        let trained = train_cell(study, index, observer).map_err(|error| error.with_remedy(REMEDY));
        let run = match trained {
            Ok(run) => run,
            // Too small a share: the other cells do not suffer for it.
            Err(error @ Error::NoExamples { .. }) => {
                let why = error.to_string();
                observer.left_out(cell, &why);
                left_out.push(LeftOut::new(cell, why));
                continue;
            }
            Err(error) => return Err(error),
        };
        let (score, earlier) = score_cell(study, cell, &run, evaluator)?;
        observer.scored(cell, &score, earlier);
        done.push(scored(cell, parameters.of(cell)?, &run, score)?);
        report.fill(&done, &left_out);
        report.write(study.out)?;
    }
    report.fill(&done, &left_out);
    report.write(study.out)?;
    Ok(report)
}

/// All that can be wrong with a later cell is told before the first one's hours. Models and adapters are the same in
/// every share and for every seed.
fn check_plan(plan: &StudyPlan) -> Result<Vec<Checked<'_>>, Error> {
    let mut checked: Vec<Checked<'_>> = Vec::new();
    for cell in &plan.cells {
        let what = (&cell.base, cell.compared);
        if !checked.iter().any(|one| one.what == what) {
            let jobs = cell.jobs();
            check(&cell.recipe, None, &datasets_of_jobs(&cell.recipe, &jobs))?;
            let jobs = check_jobs(&cell.recipe, None, &jobs)?;
            checked.push(Checked { what, jobs });
        }
    }
    Ok(checked)
}

/// The stages of an arrangement from a base.
struct Checked<'p> {
    what: (&'p StudyBase, Compared),
    jobs: Vec<CheckedJob>,
}

/// Checks that all that is not trained yet finds room on the disk. A stage that several cells need is trained once.
fn check_room(study: &Study<'_>, checked: &[Checked<'_>]) -> Result<(), Error> {
    let (mut keys, mut runs) = (Vec::new(), Vec::new());
    for cell in &study.plan.cells {
        let run = RunDirectory::open(&study.out.join(&cell.directory)).ok();
        let finished = run
            .map(|run| run.finished())
            .transpose()?
            .unwrap_or_default();
        let mut left = Vec::new();
        for (job, key) in &cell.stages {
            let is_finished = finished.iter().any(|name| name == job.stage.name());
            if !keys.contains(&key) && !is_finished {
                let what = (&cell.base, cell.compared);
                let of_kind = checked.iter().find(|one| one.what == what);
                let jobs = of_kind.map_or(&[][..], |one| &one.jobs);
                left.extend(jobs.iter().find(|one| one.job.stage == job.stage));
            }
            keys.push(key);
        }
        runs.push((&cell.recipe, left));
    }
    check_room_in_turn(study.out, &runs)
}

/// Trains what of a cell's run is missing and was trained for no other cell.
fn train_cell(
    study: &Study<'_>,
    index: usize,
    observer: &mut dyn StudyObserver,
) -> Result<RunDirectory, Error> {
    let cell = &study.plan.cells[index];
    let recipe = &cell.recipe;
    let owned = own_run(&study.out.join(&cell.directory), recipe, Removal::Nothing)?;
    let of = study.plan.cells.len();
    if unfinished(recipe, &owned.run)?.is_empty() && owned.run.summary().is_file() {
        observer.cell(index + 1, of, cell, 0);
        return Ok(owned.run);
    }
    let shared = take_over(study.recipe, study.plan, study.out, cell, &owned.run)?;
    let missing = unfinished(recipe, &owned.run)?;
    observer.cell(index + 1, of, cell, missing.len());
    shared.iter().for_each(|stage| observer.shared(stage));
    // Also where nothing is missing: data that changed since are told here.
    let datasets = datasets_of_jobs(recipe, &cell.jobs());
    let prepared = prepare_datasets(
        recipe,
        &owned.run,
        &datasets,
        IfChanged::Refuse,
        &mut |progress| observer.preparing(Some(progress)),
    );
    observer.preparing(None);
    let prepared = prepared?;
    let checked = check_jobs(recipe, Some(&owned.run), &missing)?;
    check_ready(recipe, &owned.run, &checked, &prepared)?;
    let context = Context {
        recipe,
        recorded: recipe,
        run: &owned.run,
        device: study.device,
        device_name: study.device_name,
        resume_anyway: false,
        ranks: &glpft_train::Alone,
        stop: study.stop,
        save: study.save,
        dump_gradients: None,
    };
    run_stages(&context, observer.training())?;
    remove_checkpoints(&owned.run, cell)?;
    Ok(owned.run)
}

/// A finished stage needs its checkpoints no more, and a study has many stages.
fn remove_checkpoints(run: &RunDirectory, cell: &Cell) -> Result<(), Error> {
    for (job, _) in &cell.stages {
        let folder = run.stage(job.stage.name());
        let failed = |source| FileError::new("list", &folder, source);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("checkpoint-") && entry.path().is_dir() {
                remove_directory_atomically(&entry.path())?;
            }
        }
    }
    Ok(())
}

/// How many parameters the bases have, by `model.base`.
#[derive(Default)]
struct Parameters(BTreeMap<String, u64>);

impl Parameters {
    fn of(&mut self, cell: &Cell) -> Result<u64, Error> {
        if let Some(&known) = self.0.get(&cell.base.path) {
            return Ok(known);
        }
        let parameters = Base::resolve(&cell.recipe)?.config.parameters();
        self.0.insert(cell.base.path.clone(), parameters);
        Ok(parameters)
    }
}

fn scored(
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
