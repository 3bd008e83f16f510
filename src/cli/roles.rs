//! `glpft run --parallel roles`: a process for each role, at the same time.

mod events;
mod worker;

use std::collections::VecDeque;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use glpft::Error;
use glpft::arrangement::Job;
use glpft::error::Interruption;
use glpft::place::LOGS_FOLDER;
use glpft_checkpoints::{FileError, write_atomically};
use glpft_recipes::{Recipe, Stage};

use super::progress::TrainProgress;
use super::{Flags, OnUsr1, OutputArgs};

use worker::{Ended, Order, Told, Worker, WorkerArguments};

/// What the name of a start's recipe begins with, before its process's number, and ends with.
const RECIPE_FILE: &str = ".parallel-roles-";
const TOML: &str = ".toml";
/// Time between two looks at what signals ask for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the roles are trained with.
pub(super) struct Roles<'a> {
    pub recipe: &'a Recipe,
    pub root: &'a Path,
    /// The devices, each of which has one role at a time; the CPU has all.
    pub devices: Vec<String>,
    pub resume_anyway: bool,
    pub on_usr1: OnUsr1,
    pub output: &'a OutputArgs,
    pub flags: &'a Flags,
}

impl Roles<'_> {
    /// Trains some stages, each in a process of its own.
    ///
    /// # Errors
    /// [`Error::Role`] where one fails, after the others have stopped; [`Interruption::Roles`].
    pub fn train(&self, jobs: &[Job]) -> Result<(), Error> {
        let logs = self.root.join(LOGS_FOLDER);
        fs::create_dir_all(&logs).map_err(|source| FileError::new("create", &logs, source))?;
        remove_abandoned_recipes(self.root);
        // The processes of this start share it, whatever becomes of the file that it was read from.
        let name = format!("{RECIPE_FILE}{}{TOML}", std::process::id());
        let recipe = self.root.join(name);
        let text = self.recipe.to_toml();
        write_atomically(&recipe, |file| file.write_all(text.as_bytes()))?;
        let outcome = self.train_with(jobs, &recipe, &logs);
        let _ = fs::remove_file(&recipe);
        outcome
    }

    fn train_with(&self, jobs: &[Job], recipe: &Path, logs: &Path) -> Result<(), Error> {
        let (sender, heard) = channel();
        let mut team = Team {
            roles: self,
            recipe,
            logs,
            threads: (rayon::current_num_threads() / self.at_once(jobs)).max(1),
            waiting: jobs.iter().cloned().collect(),
            free: self.free_devices(jobs),
            at_work: Vec::new(),
            failed: None,
            stopped: Vec::new(),
            sender,
        };
        team.go_on(&heard, &mut TrainProgress::new(self.output))
    }

    /// A place for each role that trains at the same time as others.
    fn free_devices(&self, jobs: &[Job]) -> Vec<String> {
        match self.devices.as_slice() {
            // Its cores are divided, not taken in turn.
            [cpu] if cpu == "cpu" => vec![cpu.clone(); jobs.len()],
            devices => devices.iter().rev().cloned().collect(),
        }
    }

    /// How many stages share the threads. Of the roles all count, also those that are finished: a start that goes on computes
    /// with as many threads as the one before it.
    fn at_once(&self, jobs: &[Job]) -> usize {
        if jobs.iter().all(|job| job.stage == Stage::Global) {
            return 1;
        }
        let mut roles = glpft::arrangement::jobs(self.recipe);
        roles.retain(|job| job.stage != Stage::Global);
        self.free_devices(&roles).len().min(roles.len()).max(1)
    }
}

/// Removes the recipes of starts that were killed, as far as it can be told here that they are dead; they are in nobody's way.
fn remove_abandoned_recipes(root: &Path) {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return;
    }
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(RECIPE_FILE)?.strip_suffix(TOML));
        if number.is_some_and(|number| !processes.join(number).exists()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The processes of the roles.
struct Team<'a> {
    roles: &'a Roles<'a>,
    recipe: &'a Path,
    logs: &'a Path,
    threads: usize,
    waiting: VecDeque<Job>,
    free: Vec<String>,
    at_work: Vec<Worker>,
    /// The first that failed, and why.
    failed: Option<(&'static str, String)>,
    /// Those that were stopped.
    stopped: Vec<&'static str>,
    sender: Sender<(&'static str, Told)>,
}

impl Team<'_> {
    fn go_on(
        &mut self,
        heard: &Receiver<(&'static str, Told)>,
        progress: &mut TrainProgress,
    ) -> Result<(), Error> {
        let flags = self.roles.flags;
        let mut stopping = false;
        loop {
            // A batch system's signal may reach a role alone.
            let ends = flags.stop.load(Ordering::Relaxed)
                || self.failed.is_some()
                || !self.stopped.is_empty();
            if ends && !stopping {
                stopping = true;
                self.order(Order::Stop);
            }
            if flags.save.swap(false, Ordering::Relaxed) {
                self.order(Order::Save);
            }
            if !ends {
                self.start_waiting();
            }
            if self.at_work.is_empty() && (ends || self.waiting.is_empty()) {
                break;
            }
            match heard.recv_timeout(LOOK_EVERY) {
                Ok((stage, Told::Event(event))) if event["event"] == "interrupted" => {
                    let of_stage = |worker: &&mut Worker| worker.stage == stage;
                    if let Some(worker) = self.at_work.iter_mut().find(of_stage) {
                        worker.is_interrupted = true;
                    }
                }
                Ok((stage, Told::Event(event))) => events::show(stage, event, progress),
                Ok((stage, Told::End)) => self.end(stage),
                // The sender lives as long as this does.
                Err(_) => {}
            }
        }
        let waiting = self.waiting.iter().map(|job| job.stage.name());
        let others: Vec<&'static str> = self.stopped.iter().copied().chain(waiting).collect();
        match self.failed.take() {
            Some((role, reason)) => Err(Error::Role {
                role,
                reason,
                others: others.join(" and "),
                log: self.log(role),
            }),
            None if others.is_empty() => Ok(()),
            None => Err(Error::Interruption(Interruption::Roles {
                roles: others.join(", "),
            })),
        }
    }

    fn log(&self, role: &str) -> PathBuf {
        self.logs.join(format!("{role}.log"))
    }

    /// Starts roles for as long as devices are free.
    fn start_waiting(&mut self) {
        while let Some(device) = self.free.pop() {
            let Some(job) = self.waiting.pop_front() else {
                return self.free.push(device);
            };
            let stage = job.stage.name();
            let arguments = WorkerArguments {
                stage,
                recipe: self.recipe,
                root: self.roles.root,
                threads: self.threads,
                resume_anyway: self.roles.resume_anyway,
                on_usr1: self.roles.on_usr1,
                log: self.log(stage),
            };
            match Worker::start(arguments, device, self.sender.clone()) {
                Ok(worker) => self.at_work.push(worker),
                Err(error) => {
                    self.failed = Some((stage, error.to_string()));
                    return;
                }
            }
        }
    }

    fn order(&mut self, order: Order) {
        self.at_work
            .iter_mut()
            .for_each(|worker| worker.order(order));
    }

    /// Says what became of a process that has closed its output.
    fn end(&mut self, stage: &'static str) {
        let Some(place) = self.at_work.iter().position(|worker| worker.stage == stage) else {
            return;
        };
        let mut worker = self.at_work.swap_remove(place);
        match worker.end() {
            Ended::Finished => {}
            Ended::Stopped => self.stopped.push(stage),
            Ended::Failed(reason) => {
                self.failed.get_or_insert((stage, reason));
            }
        }
        self.free.push(worker.device);
    }
}
