//! A run learns from its own rollouts: rejection-sampling fine-tuning by rounds (STaR, arXiv 2203.14465; ReST-EM, arXiv
//! 2312.06585).
//!
//! A round has the best models so far work on training tasks several times, keeps of each task the shortest rollout that a
//! judge lets pass, trains the local stages again on the run's data and these, and measures the result on held-out tasks.
//! [`Improve::run`] leaves, in the run's directory:
//!
//! | path | content |
//! |---|---|
//! | `rounds/improve.json` | what decides the rounds: they go on only where all of it is the same |
//! | `rounds/N/` | a round: a run like any other, whose recipe names what was kept among its sources |
//! | `rounds/N/samples/` | its rollouts of training tasks, a live evaluation ([`glpft_eval::live_evaluation`]) |
//! | `rounds/N/kept/` | what of them is kept: raw answers of ToolBench's form, and [`Kept`] |
//! | `rounds/N/eval/improve/`, `eval/improve/` | the held-out tasks, of a round and of the run itself |
//! | `rounds/rounds.json`, `rounds/rounds.md` | a [`RoundsReport`] |
//!
//! Every random number is a function of the seed, the round, the task, the sample and the step. What is done stays done:
//! started again, it goes on where it was, to the same bytes.

mod kept;
mod measure;
mod observer;
mod recipe;
mod report;
mod samples;
mod select;
mod settings;
mod state;
mod tasks;
mod train;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use glpft_agent::ToolServer;
use glpft_checkpoints::{FileError, RunDirectory};
use glpft_data::fingerprint;
use glpft_eval::judge::Judge;
use glpft_eval::live_evaluation::LiveTask;
use glpft_eval::static_evaluation::Manifest;
use glpft_recipes::{Arrangement, Recipe, Tune, counted};

use crate::Error;
use crate::check::check_jobs;
use crate::evaluate::models_of_run;
use crate::prepare::{check, datasets_of_jobs};
use crate::run::unfinished;
use kept::{KEPT_FOLDER, count_new};
use measure::{SAMPLES_FOLDER, measure, sample};
use recipe::{round_recipe, source_name};
use state::{Place, own};
use train::{train, trained_jobs};

pub use kept::Kept;
pub use observer::ImproveObserver;
pub use report::{HeldOutReport, KeptReport, ROUNDS_FILE, ROUNDS_PAGE, RoundReport, RoundsReport};
pub use select::PassingRollout;
pub use settings::{ImproveSettings, RoundStart};
pub use tasks::{ImproveTasks, TaskLimits};

/// What is improved, on what and with what.
pub struct Improve<'a> {
    /// The directory of a finished run with local stages.
    pub run: &'a Path,
    /// What it learns from and is measured on.
    pub tasks: &'a ImproveTasks,
    /// Who replies to calls.
    pub server: &'a dyn ToolServer,
    /// What tells this server from others.
    pub server_name: &'a str,
    /// Who judges.
    pub judge: &'a dyn Judge,
    /// How it goes about it.
    pub settings: &'a ImproveSettings,
    /// Removes rounds that are there already.
    pub overwrite: bool,
    /// What computes.
    pub device: &'a Device,
    /// Its name, as `--device` gives it.
    pub device_name: &'a str,
    /// Set from outside to end what is under way.
    pub stop: &'a AtomicBool,
    /// Set from outside to have the stage under way write a checkpoint and go on.
    pub save: &'a AtomicBool,
}

impl Improve<'_> {
    /// Does what of the rounds is not done yet. A round that has nothing to learn is the last; the report says why.
    ///
    /// # Errors
    /// The run cannot be improved so, tasks are on both sides, something cannot be sampled, trained or measured;
    /// [`Error::Interruption`] where it was told to stop.
    pub fn run(&self, observer: &mut dyn ImproveObserver) -> Result<RoundsReport, Error> {
        let run = self
            .run
            .canonicalize()
            .map_err(|source| FileError::new("open the run in", self.run, source))?;
        let run = RunDirectory::open(&run)?;
        let recipe = Recipe::load(run.recipe(), &[])?;
        self.check(&recipe, &run)?;
        self.tasks.check(&recipe.data)?;
        let place = own(run.root(), &self.manifest(&run), self.overwrite)?;
        let mut report = RoundsReport::new(self.settings);
        report.push(self.measured(0, run.root(), observer)?);
        report.write(&place.root)?;
        for number in 1..=self.settings.rounds {
            let ended = self.round(number, &run, &recipe, &place, &mut report, observer)?;
            report.ended = ended;
            report.write(&place.root)?;
            if report.ended.is_some() {
                break;
            }
        }
        Ok(report)
    }

    /// Does a round and adds it to the report; why it is the last, where it has nothing to learn.
    fn round(
        &self,
        number: usize,
        run: &RunDirectory,
        recipe: &Recipe,
        place: &Place,
        report: &mut RoundsReport,
        observer: &mut dyn ImproveObserver,
    ) -> Result<Option<String>, Error> {
        let best = report.best;
        let start = match best {
            0 => run.clone(),
            best => RunDirectory::open(&place.round(best))?,
        };
        observer.round(number, self.settings.rounds, best);
        let root = place.round(number);
        let (samples, kept_in) = (root.join(SAMPLES_FOLDER), root.join(KEPT_FOLDER));
        let (tasks, of_each) = (self.tasks.training.len(), self.settings.samples);
        sample(
            self,
            number,
            start.root(),
            &samples,
            observer.sampling(tasks, of_each),
        )?;
        let kept = Kept::make(&samples, &kept_in, &recipe.data)?;
        let played = Recipe::load(start.recipe(), &[])?;
        let new = match kept.trajectories.is_empty() {
            true => 0,
            false => count_new(&kept_in, &played.data)?,
        };
        let mut round = RoundReport {
            round: number,
            start: Some(best),
            kept: Some(KeptReport::new(&kept, new)),
            kept_tokens: 0,
            computed_tokens: 0,
            held_out: None,
        };
        observer.kept(&round);
        if let Some(why) = nothing_to_learn(number, &kept, new) {
            report.push(round);
            return Ok(Some(why));
        }
        let source = source_name(&recipe.data.all_sources(), number);
        let of_round = round_recipe(recipe, number, start.root(), &kept_in, self.settings)?;
        let trained = train(self, &of_round, &root, &start, &source, observer)?;
        let measured = self.measured(number, trained.run.root(), observer)?;
        round.kept_tokens = trained.kept_tokens;
        round.computed_tokens = trained.computed_tokens;
        round.held_out = measured.held_out;
        observer.measured(&round);
        report.push(round);
        Ok(None)
    }

    /// A run's worth on the held-out tasks, as a round's report that says nothing else.
    fn measured(
        &self,
        number: usize,
        run: &Path,
        observer: &mut dyn ImproveObserver,
    ) -> Result<RoundReport, Error> {
        let live = observer.measuring(number, self.tasks.held_out.len());
        let measured = measure(self, run, live)?;
        let round = RoundReport {
            round: number,
            start: None,
            kept: None,
            kept_tokens: 0,
            computed_tokens: 0,
            held_out: Some((&measured).into()),
        };
        if number == 0 {
            observer.measured(&round);
        }
        Ok(round)
    }

    /// What can be wrong with the training of rounds is told before anything is sampled.
    fn check(&self, recipe: &Recipe, run: &RunDirectory) -> Result<(), Error> {
        let wrong = |problem: String| Error::Argument {
            argument: "RUN",
            problem,
        };
        let root = run.root().display();
        if !matches!(
            recipe.arrangement,
            Arrangement::Glpft | Arrangement::OneStage
        ) {
            return Err(wrong(format!(
                "{root} is a run of the arrangement \"{}\", which has no local stages to train again; give one of \"glpft\" or \
                 \"one-stage\"",
                recipe.arrangement
            )));
        }
        if let Some(job) = unfinished(recipe, run)?.first() {
            return Err(wrong(format!(
                "stage {} of {root} is not finished; `glpft run {root}` resumes it",
                job.stage.name()
            )));
        }
        if self.settings.from == RoundStart::Last {
            let adapts = |role| recipe.stage(role).tune == Tune::Lora;
            if let Some(role) = self.settings.roles.iter().find(|role| adapts(**role)) {
                return Err(Error::Argument {
                    argument: "--from",
                    problem: format!(
                        "stage {} of {root} trains an adapter, and adapters are trained anew on the model that they adapt; give \
                         --from global",
                        role.name()
                    ),
                });
            }
        }
        let trained = trained_jobs(self, recipe);
        check(recipe, Some(run), &datasets_of_jobs(recipe, &trained))?;
        check_jobs(recipe, Some(run), &trained)?;
        Ok(())
    }

    /// What decides the rounds.
    fn manifest(&self, run: &RunDirectory) -> Manifest {
        let mut decides = self.settings.facts();
        let models = models_of_run(run).into_iter();
        decides.extend(models.map(|(role, model)| (format!("the run's {role}"), model)));
        for (name, value) in [
            ("training tasks", tasks_told(&self.tasks.training)),
            ("held-out tasks", tasks_told(&self.tasks.held_out)),
            ("tools", self.server_name.to_owned()),
            ("judge", self.judge.name()),
        ] {
            decides.insert(name.to_owned(), value);
        }
        let version = ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Manifest {
            decides,
            about: [version].into(),
        }
    }
}

/// How many tasks there are, and which.
fn tasks_told(tasks: &[LiveTask]) -> String {
    let parts: Vec<&[u8]> = tasks
        .iter()
        .flat_map(|one| [&one.group, &one.task.id, &one.task.query])
        .map(|part| part.as_bytes())
        .collect();
    format!("{} ({})", tasks.len(), &fingerprint(&parts)[..16])
}

/// Why a round has nothing to learn, if it has not.
fn nothing_to_learn(number: usize, kept: &Kept, new: usize) -> Option<String> {
    let Kept {
        tasks,
        rollouts,
        passed,
        unreadable,
        trajectories,
        ..
    } = kept;
    let told = match (passed, trajectories.len()) {
        (0, _) => format!(
            "none of {} of {} passed; give more --samples, another --temperature, easier tasks, or train the run for longer",
            counted(rollouts, "rollout", "rollouts"),
            counted(tasks, "task", "tasks")
        ),
        (passed, 0) => format!(
            "none of the {passed} rollouts that passed can be read as data ({unreadable} were tried)"
        ),
        (_, kept) if new == 0 => format!(
            "nothing is new: the data that the models were trained on have all {kept} trajectories that passed; give more \
             --samples, a higher --temperature, or other tasks"
        ),
        _ => return None,
    };
    Some(format!("round {number} has nothing to learn: {told}"))
}
