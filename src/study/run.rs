//! The study itself: cell by cell, train what is missing, measure, report.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use burn::tensor::Device;
use glpft_checkpoints::{Holder, RunDirectory};
use glpft_recipes::Recipe;
use glpft_train::Observer;

use super::arrangement::Compared;
use super::budget::StageLength;
use super::cell::{Cell, StudyBase};
use super::evaluate::{CellScore, Evaluate, score_cell};
use super::gather::{Parameters, gather, keep_left_out, scored};
use super::held_out::HeldOut;
use super::plan::StudyPlan;
use super::report::{LeftOut, StudyReport};
use super::shard::{Shard, own};
use super::share::SharedStage;
use super::state;
use super::tasks::HeldOutTasks;
use super::train::{CellTraining, Watches, train_cell};
use crate::Error;
use crate::check::{CheckedJob, check_jobs};
use crate::error::{FolderError, Interruption};
use crate::place::own_files;
use crate::prepare::{PrepareProgress, check, datasets_of_jobs};
use crate::ready::check_room_in_turn;

/// Time between two looks at what another shard is at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
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
    /// Which of its cells are this process's; none: all.
    pub shard: Option<Shard>,
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
    /// Of a shard: all cells that are left need something that another process is at.
    fn waiting(&mut self, what: &str, holder: &Holder);
}

/// Trains and measures what of a study is not done, and writes its report: after each cell, so that there is one of what
/// is done whenever it ends. A shard writes that of what all shards have done by its end.
///
/// # Errors
/// What cannot be trained or measured; [`Error::Interruption`] where it was told to stop.
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
    let _lease = own(study.out, study.shard)?;
    begin(study)?;
    check_room(study, &checked)?;
    if let Some(shard) = study.shard {
        run_shard(study, shard, evaluator, observer)?;
        return gather(study, evaluator);
    }
    let mut parameters = Parameters::default();
    let (cells, mut done) = (&study.plan.cells, Vec::new());
    let mut left_out = study.plan.left_out.clone();
    let mut report = StudyReport::new(study, evaluator.settings());
    let mut watches = Watches::new();
    for (index, cell) in cells.iter().enumerate() {
        check_stop(study, index, cells.len())?;
        let trained = train_cell(study, index, &mut watches, observer);
        let run = match trained.map_err(|error| error.with_remedy(REMEDY)) {
            Ok(CellTraining::Trained(run)) => run,
            Ok(CellTraining::Busy { holder, .. }) => {
                return Err(Error::Folder(FolderError::AtWork {
                    path: study.out.join(&cell.directory),
                    holder,
                }));
            }
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

fn begin(study: &Study<'_>) -> Result<(), Error> {
    let _files = own_files(study.out)?;
    state::begin(study.out, study.recipe, study.plan, study.lengths)
}

fn check_stop(study: &Study<'_>, done: usize, of: usize) -> Result<(), Error> {
    match study.stop.load(Ordering::Relaxed) {
        true => Err(Error::Interruption(Interruption::Study { done, of })),
        false => Ok(()),
    }
}

/// Trains and measures the cells of a shard. One that needs a stage that another shard trains waits until the others are
/// done.
fn run_shard(
    study: &Study<'_>,
    shard: Shard,
    evaluator: &mut dyn Evaluate,
    observer: &mut dyn StudyObserver,
) -> Result<(), Error> {
    let cells = &study.plan.cells;
    let mut left: VecDeque<usize> = (0..cells.len()).filter(|&cell| shard.has(cell)).collect();
    let of = left.len();
    let mut watches = Watches::new();
    let mut busy = 0;
    while let Some(index) = left.pop_front() {
        check_stop(study, of - left.len() - 1, of)?;
        let cell = &cells[index];
        let trained = train_cell(study, index, &mut watches, observer);
        let run = match trained.map_err(|error| error.with_remedy(REMEDY)) {
            Ok(CellTraining::Trained(run)) => run,
            Ok(CellTraining::Busy { what, holder }) => {
                left.push_back(index);
                busy += 1;
                if busy >= left.len() {
                    observer.waiting(&what, &holder);
                    sleep(LOOK_EVERY);
                }
                continue;
            }
            Err(error @ Error::NoExamples { .. }) => {
                let why = error.to_string();
                observer.left_out(cell, &why);
                // The other shards' reports say so, too.
                keep_left_out(study, cell, why)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        busy = 0;
        let (score, earlier) = score_cell(study, cell, &run, evaluator)?;
        observer.scored(cell, &score, earlier);
    }
    Ok(())
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
