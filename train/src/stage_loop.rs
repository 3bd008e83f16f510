//! The loop of a stage.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Instant;

use glpft_checkpoints::{BestValidation, Checkpoint, FileError, TrainerState, prune_checkpoints};
use glpft_data::{Plan, PreparedError};
use glpft_model::Decoder;
use glpft_recipes::OnNotFinite;
use serde::Serialize;

use crate::checkpoint;
use crate::error::TrainError;
use crate::log::{Event, EventRecord, Log, StepRecord, ValidationRecord};
use crate::observer::{Observer, Resumed};
use crate::optimizer::Optimizer;
use crate::ranks::{Told, any};
use crate::report::{StageReport, stage_report};
use crate::resume::{self, Beginning};
use crate::schedule::learning_rate;
use crate::sources::{source_label_tokens, source_losses};
use crate::stage_run::{Inspect, Outcome, StageRun};
use crate::step::{StepData, StepOutcome, StepPlace, StepResult, StepSum, finish_step, train_step};
use crate::steps::{Step, total_steps};
use crate::usual_loss::is_spike;
use crate::validation::{LossSum, losses_by_source};

/// What a learning rate is multiplied with after a step that was not applied, where the recipe says so.
const LOWER: f64 = 0.5;

/// What is told of a step beside what it did.
struct Counts {
    epochs_done: f64,
    source_label_tokens: BTreeMap<String, usize>,
}

/// A step whose micro-batches come one by one.
#[derive(Default)]
pub(crate) struct PartStep {
    pub data: StepData,
    pub sum: StepSum,
    /// What was not finite.
    pub broken: Option<String>,
    pub seconds: f64,
    /// The label tokens of each source, where there are several.
    pub source_label_tokens: BTreeMap<String, usize>,
}

/// Where in the epochs a step ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepEnd {
    pub epoch: u32,
    /// The step's number in the epoch, from 0.
    pub number: usize,
    /// The share of epochs done after it.
    pub epochs_done: f64,
}

/// A stage under way.
pub(crate) struct StageLoop<'a> {
    run: &'a StageRun<'a>,
    plan: Plan,
    total: usize,
    optimizer: Optimizer,
    state: TrainerState,
    /// Of several ranks only the first one has a log.
    log: Option<Log>,
    /// The last whole checkpoint.
    saved: Option<Checkpoint>,
    /// Whether it was told to save in a validation and did so: what trains beside it is not saved by that.
    pub saved_in_validation: bool,
}

impl<'a> StageLoop<'a> {
    /// The stage as its last checkpoint has it, or at its start; and how it goes on, if it does.
    pub fn open(
        model: &mut Decoder,
        run: &'a StageRun<'a>,
    ) -> Result<(Self, Option<Resumed>), TrainError> {
        if run.train.is_empty() {
            return Err(TrainError::NoExamples {
                stage: run.stage.name(),
            });
        }
        if run.ranks.leads() {
            std::fs::create_dir_all(run.directory)
                .map_err(|source| FileError::new("create", run.directory, source))?;
        }
        let plan = Plan::of_stage(run.train, run.sampling, run.recipe, run.seed, run.stage);
        let total = total_steps(&plan, run.recipe);
        let Beginning {
            state,
            optimizer,
            resumed,
        } = resume::begin(model, run, total)?;
        let leads = run.ranks.leads();
        let log = leads.then(|| Log::open(run.directory, state.step));
        let log = log.transpose()?;
        let (checkpoint, resumed) = resumed.unzip();
        let stage = Self {
            run,
            plan,
            total,
            optimizer,
            state,
            log,
            saved: checkpoint,
            saved_in_validation: false,
        };
        Ok((stage, resumed))
    }

    /// Steps done, and steps in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.state.step as usize, self.total)
    }

    /// Which examples the steps take.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Trains to the end, or until told to stop.
    pub fn run_steps(
        &mut self,
        model: &mut Decoder,
        steps: &mut dyn Iterator<Item = Result<Step, PreparedError>>,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<Outcome, TrainError> {
        let run = self.run;
        loop {
            if self.state.step as usize >= self.total {
                return Ok(Outcome::Finished(self.report()?));
            }
            if self.is_to_stop()? {
                return Ok(Outcome::Interrupted(self.save(model, observer)?));
            }
            let save = run.save.swap(false, Ordering::Relaxed);
            if any(run.ranks, "whether to save", save)? && !self.is_saved() {
                self.save(model, observer)?;
            }
            let started = Instant::now();
            let Some(step) = steps.next() else {
                unreachable!("the thread that makes steps ends after the last one, or panics");
            };
            if any(run.ranks, "whether the data are readable", step.is_err())? {
                // What was trained so far is whole, whatever is wrong with the data.
                self.save(model, observer)?;
                // Whoever could not read them ends all ranks: not before the checkpoint is written.
                any(run.ranks, "a checkpoint", false)?;
            }
            self.step(model, step?, started, observer, inspect)?;
            if let ControlFlow::Break(saved) = self.after_step(model, observer)? {
                return Ok(Outcome::Interrupted(saved));
            }
        }
    }

    /// What is due before the first step of this start: the first validation, or one that was interrupted. Breaks with
    /// the checkpoint where it is interrupted again.
    pub fn before_steps(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Checkpoint>, TrainError> {
        if self.state.step > 0 {
            return match self.state.validation_due {
                true => self.after_step(model, observer),
                false => Ok(ControlFlow::Continue(())),
            };
        }
        Ok(match self.validate(model, observer)? {
            ControlFlow::Break(saved) => ControlFlow::Break(saved),
            ControlFlow::Continue(_) => ControlFlow::Continue(()),
        })
    }

    /// Validates and saves, where the step that was done last is one to do so after. Breaks with the checkpoint where it
    /// is told to stop in the validation.
    fn after_step(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Checkpoint>, TrainError> {
        let recipe = self.run.recipe;
        let done = self.state.step as usize;
        let every = |steps: usize| steps > 0 && done.is_multiple_of(steps);
        let last = done == self.total;
        let mut best = false;
        self.state.validation_due = last || every(recipe.eval_every);
        if self.state.validation_due {
            match self.validate(model, observer)? {
                ControlFlow::Break(saved) => return Ok(ControlFlow::Break(saved)),
                ControlFlow::Continue(is_best) => best = is_best,
            }
            self.state.validation_due = false;
        }
        // After the last step, too: the finished model may fail to be written, and no step should be done again.
        if last || (best && recipe.keep_best) || every(recipe.checkpoint_every) {
            self.save(model, observer)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn step(
        &mut self,
        model: &mut Decoder,
        next: Step,
        started: Instant,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<(), TrainError> {
        let name = |&(trajectory, turn): &(u32, u32)| format!("{trajectory}:{turn}");
        let counts = Counts {
            epochs_done: next.epochs_done,
            source_label_tokens: source_label_tokens(self.run.origins, &next.batches),
        };
        let data = StepData {
            label_tokens: next.batches.label_tokens.iter().sum(),
            recomputed_tokens: next.batches.recomputed_tokens,
            examples: next.batches.examples.iter().map(name).collect(),
            batches: next.batches.batches,
        };
        let place = self.place();
        let outcome = train_step(
            model,
            &mut self.optimizer,
            &data,
            self.run.recipe,
            place,
            self.run.ranks,
            inspect,
        )?;
        let end = StepEnd {
            epoch: next.epoch,
            number: next.number,
            epochs_done: next.epochs_done,
        };
        let seconds = started.elapsed().as_secs_f64();
        self.done(&data, place, outcome, end, (counts, seconds), observer)
    }

    /// Where the stage is.
    pub fn place(&self) -> StepPlace {
        let step = self.state.step as usize;
        StepPlace {
            seed: self.run.seed,
            stage: self.run.stage,
            step,
            lr: self.state.lr_factor * learning_rate(self.run.recipe, step, self.total),
        }
    }

    /// Logs a step, and counts it as done.
    fn done(
        &mut self,
        data: &StepData,
        place: StepPlace,
        outcome: StepOutcome,
        end: StepEnd,
        (counts, seconds): (Counts, f64),
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        match outcome {
            StepOutcome::Applied(result) => {
                self.applied(data, place, result, counts, seconds, observer)?;
            }
            StepOutcome::NotFinite(what) => self.not_applied(data, what, observer)?,
        }
        self.state.step += 1;
        self.state.epoch = u64::from(end.epoch);
        self.state.position = end.number as u64 + 1;
        Ok(())
    }

    /// Ends a step whose micro-batches were added one by one, `broken` where one was not finite; then what is due after it.
    /// Breaks with the checkpoint where it is told to stop in the validation.
    pub fn end_step(
        &mut self,
        model: &mut Decoder,
        part: PartStep,
        end: StepEnd,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Checkpoint>, TrainError> {
        let place = self.place();
        let PartStep {
            data,
            sum,
            broken,
            seconds,
            source_label_tokens,
        } = part;
        let counts = Counts {
            epochs_done: end.epochs_done,
            source_label_tokens,
        };
        let started = Instant::now();
        let outcome = match broken {
            Some(what) => StepOutcome::NotFinite(what),
            None => finish_step(
                model,
                &mut self.optimizer,
                &data,
                self.run.recipe,
                place,
                sum,
            )?,
        };
        let seconds = seconds + started.elapsed().as_secs_f64();
        self.done(&data, place, outcome, end, (counts, seconds), observer)?;
        self.after_step(model, observer)
    }

    /// What it trains.
    pub fn run(&self) -> &'a StageRun<'a> {
        self.run
    }

    /// The stage's report, once all its steps are done.
    pub fn report(&mut self) -> Result<StageReport, TrainError> {
        let Some(log) = &mut self.log else {
            return Ok(StageReport::default());
        };
        log.sync()?;
        self.state.write(self.run.directory)?;
        stage_report(self.run.directory)
    }

    /// Writes a checkpoint where there is none of the step that was done last; the last one.
    pub fn saved(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<Checkpoint, TrainError> {
        match &self.saved {
            Some(saved) if self.is_saved() => Ok(saved.clone()),
            _ => self.save(model, observer),
        }
    }

    /// Logs a step that was applied.
    fn applied(
        &mut self,
        data: &StepData,
        place: StepPlace,
        result: StepResult,
        counts: Counts,
        seconds: f64,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let usual = self.state.usual_loss;
        if is_spike(&mut self.state.usual_loss, result.loss) {
            self.event(
                Event::LossSpike,
                format!(
                    "the loss is {:.4}, where about {:.4} is usual",
                    result.loss, usual.mean
                ),
                data,
                observer,
            )?;
        }
        let sum = |count: fn(&Told) -> usize| result.told.iter().map(count).sum::<usize>();
        let tokens = sum(|told| told.tokens);
        let computed_tokens = sum(|told| told.computed_tokens);
        let micro_batches = sum(|told| told.micro_batches);
        let budget = micro_batches * self.run.recipe.micro_batch_tokens;
        let record = StepRecord {
            step: self.state.step + 1,
            epoch: counts.epochs_done,
            loss: result.loss,
            lr: place.lr,
            grad_norm: result.grad_norm,
            label_tokens: data.label_tokens,
            source_label_tokens: counts.source_label_tokens,
            tokens,
            computed_tokens,
            recomputed_tokens: sum(|told| told.recomputed_tokens),
            micro_batches,
            fill: computed_tokens as f64 / budget.max(1) as f64,
            examples: data.examples.len(),
            seconds,
            tokens_per_second: tokens as f64 / seconds,
            memory: memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64),
            rank_seconds: match self.run.ranks.is_alone() {
                true => Vec::new(),
                false => result.told.iter().map(|told| told.seconds).collect(),
            },
        };
        self.write(&record)?;
        observer.step(&record);
        Ok(())
    }

    /// Counts and logs a step that was not applied, or ends the stage, as the recipe says.
    fn not_applied(
        &mut self,
        data: &StepData,
        what: String,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let recipe = self.run.recipe;
        let survives = self.state.not_applied < recipe.max_not_finite;
        if recipe.on_not_finite == OnNotFinite::Stop || !survives {
            return Err(TrainError::NotFinite {
                stage: self.run.stage.name(),
                step: self.state.step + 1,
                what,
                examples: data.examples.join(", "),
                advice: match recipe.on_not_finite {
                    OnNotFinite::Stop => {
                        "; stage.on_not_finite = \"skip\" goes on without such steps".to_owned()
                    }
                    _ => format!(
                        "; {} such steps were left out before it",
                        self.state.not_applied
                    ),
                },
            });
        }
        self.state.not_applied += 1;
        let mut told = format!("{what} is not finite: the step is not applied");
        if recipe.on_not_finite == OnNotFinite::LowerLr {
            self.state.lr_factor *= LOWER;
            told += &format!(
                "; learning rates are {} of the schedule's from here on",
                self.state.lr_factor
            );
        }
        self.event(Event::NotApplied, told, data, observer)
    }

    fn event(
        &mut self,
        event: Event,
        what: String,
        data: &StepData,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let record = EventRecord {
            step: self.state.step + 1,
            event,
            what,
            of_examples: data.examples.clone(),
        };
        self.write(&record)?;
        observer.event(&record);
        Ok(())
    }

    /// Validates; whether that is the best so far. Breaks with the checkpoint where it is told to stop. Told to save, it
    /// does so at once, for a validation may last longer than whoever says so will wait, and begins again.
    fn validate(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<Checkpoint, bool>, TrainError> {
        let started = Instant::now();
        let run = self.run;
        if !run.validation.is_empty() {
            observer.validating();
        }
        let found = loop {
            let unsaved = !self.is_saved();
            let breaks =
                || run.stop.load(Ordering::Relaxed) || unsaved && run.save.load(Ordering::Relaxed);
            let found = losses_by_source(
                model,
                run.validation,
                run.origins,
                run.layout(),
                (run.ranks, run.share(model)),
                &breaks,
            )?;
            let ControlFlow::Continue(found) = found else {
                let saved = self.save(model, observer)?;
                if self.is_to_stop()? {
                    return Ok(ControlFlow::Break(saved));
                }
                run.save.store(false, Ordering::Relaxed);
                self.saved_in_validation = true;
                continue;
            };
            break found;
        };
        let mut whole = LossSum::default();
        found.iter().for_each(|&loss| whole += loss);
        let Some(loss) = whole.mean() else {
            return Ok(ControlFlow::Continue(false));
        };
        let step = self.state.step;
        if !loss.is_finite() {
            return Err(TrainError::NotFinite {
                stage: run.stage.name(),
                step,
                what: "the validation loss".to_owned(),
                examples: "those held out".to_owned(),
                advice: String::new(),
            });
        }
        let record = ValidationRecord {
            step,
            validation_loss: loss,
            validation_label_tokens: whole.label_tokens,
            source_validation: source_losses(run.origins, &found),
            seconds: started.elapsed().as_secs_f64(),
        };
        self.write(&record)?;
        let known = self.state.best_validation;
        let best = known.is_none_or(|best| loss < best.loss);
        if best {
            self.state.best_validation = Some(BestValidation { step, loss });
        }
        observer.validation(&record);
        Ok(ControlFlow::Continue(best))
    }

    /// Whether it was told to stop; of several ranks any.
    fn is_to_stop(&self) -> Result<bool, TrainError> {
        let stop = self.run.stop.load(Ordering::Relaxed);
        Ok(any(self.run.ranks, "whether to stop", stop)?)
    }

    /// Writes a line of the log.
    fn write(&mut self, record: &impl Serialize) -> Result<(), TrainError> {
        match &mut self.log {
            Some(log) => log.write(record),
            None => Ok(()),
        }
    }

    /// Whether the last checkpoint is of the step that was done last.
    fn is_saved(&self) -> bool {
        let saved = self.saved.as_ref();
        saved.is_some_and(|saved| saved.step == self.state.step)
    }

    fn save(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<Checkpoint, TrainError> {
        let saved = self.try_save(model).map_err(|error| TrainError::Save {
            step: self.state.step,
            source: Box::new(error),
            last: match &self.saved {
                Some(saved) => format!("{} is whole", saved.path.display()),
                None => "no checkpoint was written before".to_owned(),
            },
        })?;
        observer.checkpoint(&saved.path);
        Ok(saved)
    }

    fn try_save(&mut self, model: &mut Decoder) -> Result<Checkpoint, TrainError> {
        let run = self.run;
        // The log first: a checkpoint's steps are all in it.
        if let Some(log) = &mut self.log {
            log.sync()?;
        }
        let (state, optimizer) = (&self.state, &self.optimizer);
        let saved = checkpoint::save(run.directory, state, model, optimizer, run.ranks)?;
        self.saved = Some(saved.clone());
        if !run.ranks.leads() {
            return Ok(saved);
        }
        let best = self.state.best_validation.map(|best| best.step);
        prune_checkpoints(
            run.directory,
            run.recipe.keep_checkpoints,
            best.filter(|_| run.recipe.keep_best),
        )?;
        Ok(saved)
    }
}
