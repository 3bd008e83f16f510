//! A run's directory that several processes train stages in, each its own.

use std::ops::Range;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use glpft_checkpoints::{Claimed, Holder, Lease, RunDirectory, Watch};
use glpft_recipes::{Recipe, Stage, StartFrom};

use super::at_work::{at_work_in_run, at_work_on, check_no_stage, try_take, wait_for_run, work};
use super::{Removal, Waiting, begin, clean_beside_stages, remove, run_there};
use crate::Error;
use crate::arrangement::Job;
use crate::base::global_model;
use crate::prepare::IfChanged;

/// Time between two looks at stages that other processes train.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A run's directory, in which other processes may be at work on other stages.
pub struct SharedRun<'a> {
    root: &'a Path,
    recipe: &'a Recipe,
    removal: Removal<'a>,
    waiting: &'a mut Waiting<'a>,
    /// The stages that are this process's.
    held: Vec<(Stage, Lease)>,
    watches: Vec<(Stage, Watch)>,
    is_begun: bool,
}

/// The run for this process alone, while it prepares for its next stages.
pub struct Turn {
    /// The directory.
    pub run: RunDirectory,
    /// What becomes of data that changed.
    pub if_changed: IfChanged,
    _lease: Lease,
}

impl<'a> SharedRun<'a> {
    /// The run in a directory, which need not exist. `recipe` is the run's, `waiting` hears whom it waits for.
    pub fn new(
        root: &'a Path,
        recipe: &'a Recipe,
        removal: Removal<'a>,
        waiting: &'a mut Waiting<'a>,
    ) -> Self {
        Self {
            root,
            recipe,
            removal,
            waiting,
            held: Vec::new(),
            watches: Vec::new(),
            is_begun: false,
        }
    }

    /// Waits for the global model, where one of `jobs` starts from it and another process is about to make it.
    ///
    /// # Errors
    /// The waiting is ended.
    pub fn wait_for_global(&mut self, jobs: &[Job]) -> Result<(), Error> {
        let is_needed = jobs.iter().any(|job| job.from == StartFrom::Global);
        let is_there = || global_model(RunDirectory::open(self.root).ok().as_ref()).is_some();
        while is_needed && !is_there() {
            // Who has the run takes the stage before it lets the run go: looked at in this order, one of them is seen.
            let at_work =
                at_work_in_run(self.root).or_else(|| at_work_on(self.root, Stage::Global));
            match at_work {
                Some(holder) => (self.waiting)(Stage::Global.name(), &holder)?,
                // It may have been finished since the look before.
                None if is_there() => {}
                None => return Ok(()),
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Takes the run for this process alone, as soon as no other one has it. The first time it removes what is to go.
    ///
    /// # Errors
    /// As [`own_run`](super::own_run); another process trains a stage that would be removed, or one on data that would be.
    pub fn turn(&mut self) -> Result<Turn, Error> {
        let (root, recipe) = (self.root, self.recipe);
        let lease = wait_for_run(root, self.waiting)?;
        if !self.is_begun {
            let there = run_there(root, recipe, self.removal)?;
            if let Removal::Stages(stages) = self.removal {
                // Roles are trained from the global model, and read it until they are finished.
                let all = stages.contains(&Stage::Global);
                check_no_stage(root, |stage| all || stages.contains(&stage))?;
                for &stage in stages {
                    self.take(stage)?;
                }
            }
            remove(root, there.as_ref(), self.removal)?;
        }
        let run = begin(root, recipe)?;
        clean_beside_stages(&run)?;
        // With --resume-anyway data are made anew, which others may be reading.
        let mut if_changed = self.removal.if_changed();
        if if_changed == IfChanged::Accept && check_no_stage(root, |_| true).is_err() {
            if_changed = IfChanged::Refuse;
        }
        self.is_begun = true;
        Ok(Turn {
            run,
            if_changed,
            _lease: lease,
        })
    }

    /// Takes the first of some groups of stages that no other process trains: its place among all of their stages. None
    /// where others train all of them at the moment.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn take_first(
        &mut self,
        turn: &Turn,
        groups: &[&[Job]],
    ) -> Result<Option<Range<usize>>, Error> {
        let mut first = 0;
        for group in groups {
            let mut is_ours = true;
            for job in *group {
                is_ours = is_ours && self.take(job.stage)?.is_none();
            }
            if is_ours {
                for job in *group {
                    turn.run.clean_stage(job.stage.name())?;
                }
                return Ok(Some(first..first + group.len()));
            }
            self.let_go(group);
            first += group.len();
        }
        Ok(None)
    }

    /// Takes a stage, or says who has it.
    fn take(&mut self, stage: Stage) -> Result<Option<Holder>, Error> {
        if self.held.iter().any(|(held, _)| *held == stage) {
            return Ok(None);
        }
        if !self.watches.iter().any(|(other, _)| *other == stage) {
            self.watches.push((stage, Watch::default()));
        }
        let watch = self.watches.iter_mut().find(|(other, _)| *other == stage);
        let mut new = Watch::default();
        let watch = watch.map_or(&mut new, |(_, watch)| watch);
        match try_take(self.root, stage.name(), &work(stage), watch)? {
            Claimed::Ours(lease) => {
                self.held.push((stage, lease));
                Ok(None)
            }
            Claimed::Held(holder) => Ok(Some(holder)),
        }
    }

    /// Lets other processes have some stages: they are trained, or will not be here.
    pub fn let_go(&mut self, jobs: &[Job]) {
        self.held
            .retain(|(stage, _)| !jobs.iter().any(|job| job.stage == *stage));
    }

    /// Waits a moment for the first of some stages, which another process trains.
    ///
    /// # Errors
    /// The waiting is ended.
    pub fn wait(&mut self, jobs: &[Job]) -> Result<(), Error> {
        let first = jobs.first().map(|job| job.stage);
        if let Some(stage) = first
            && let Some(holder) = at_work_on(self.root, stage)
        {
            (self.waiting)(stage.name(), &holder)?;
        }
        sleep(LOOK_EVERY);
        Ok(())
    }
}
