//! The loop of a stage.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use glpft_checkpoints::{
    BestValidation, Checkpoint, FileError, TrainerState, latest_checkpoint, prune_checkpoints,
};
use glpft_data::{Batch, ExampleSet, Plan, PreparedError, StepBatches};
use glpft_model::Decoder;
use glpft_recipes::{Backward, Packing, Sampling, Stage, StageRecipe};
use serde::{Deserialize, Serialize};

use crate::ahead::made_ahead;
use crate::checkpoint;
use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::log::{Log, LogRecord, StepRecord, ValidationRecord, read_log};
use crate::observer::{Observer, StageStart};
use crate::optimizer::Optimizer;
use crate::schedule::learning_rate;
use crate::step::{StepData, StepPlace, train_step};
use crate::validation::mean_loss;

/// A stage to run: everything but the model.
pub struct StageRun<'a> {
    /// Which stage.
    pub stage: Stage,
    /// Its settings.
    pub recipe: &'a StageRecipe,
    /// The run's seed.
    pub seed: u64,
    /// What a step draws.
    pub sampling: Sampling,
    /// How micro-batches are laid out.
    pub packing: Packing,
    /// What it trains on.
    pub train: &'a dyn ExampleSet,
    /// What it is validated on; may be empty.
    pub validation: &'a dyn ExampleSet,
    /// Its directory, for checkpoints and the log.
    pub directory: &'a Path,
    /// Tells the recipe; a checkpoint made with another is refused.
    pub recipe_fingerprint: &'a str,
    /// Tells the data and the weights that the stage starts from; a checkpoint made with others is refused.
    pub data_fingerprint: &'a str,
    /// Set from outside to end the stage after the step under way.
    pub stop: &'a AtomicBool,
}

/// Sees the model, the number of the step (from 1), its summed gradients and the factor that averages them, before the
/// update; with a layer-wise backward a layer's at a time, each before its own update.
pub type Inspect<'a> = dyn FnMut(&mut Decoder, u64, &Gradients, f64) -> Result<(), TrainError> + 'a;

/// How a stage ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// All steps are done.
    Finished(StageReport),
    /// It was told to stop; the checkpoint holds all that is needed to go on.
    Interrupted(Checkpoint),
}

/// What a finished stage did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Steps of the stage.
    pub steps: u64,
    /// Loss of its first step.
    pub first_loss: Option<f64>,
    /// Loss of its last step.
    pub last_loss: Option<f64>,
    /// Validation loss before the first step.
    pub first_validation_loss: Option<f64>,
    /// Validation loss after the last step.
    pub last_validation_loss: Option<f64>,
    /// Tokens of the examples, over all steps.
    pub tokens: u64,
    /// Tokens that the model was run on, over all steps.
    pub computed_tokens: u64,
    /// Wall time of the steps.
    pub seconds: f64,
}

/// The number of steps of a stage: its epochs' as planned, at most `max_steps`.
pub fn total_steps(plan: &Plan, recipe: &StageRecipe) -> usize {
    let planned = plan.total_steps(recipe.epochs);
    recipe.max_steps.map_or(planned, |most| planned.min(most))
}

/// Trains `model`, whose trained parameters are already chosen, through one stage.
///
/// Goes on from the last whole checkpoint in the stage's directory, if there is one.
pub fn train_stage(
    model: &mut Decoder,
    run: &StageRun<'_>,
    observer: &mut dyn Observer,
    inspect: &mut Inspect<'_>,
) -> Result<Outcome, TrainError> {
    let outcome = run_to_end(model, run, observer, inspect);
    observer.finish();
    outcome
}

fn run_to_end(
    model: &mut Decoder,
    run: &StageRun<'_>,
    observer: &mut dyn Observer,
    inspect: &mut Inspect<'_>,
) -> Result<Outcome, TrainError> {
    model.set_precision(run.recipe.precision)?;
    let mut stage = Running::open(model, run)?;
    observer.start(&StageStart {
        stage: run.stage.name(),
        done: stage.state.step as usize,
        total: stage.total,
        goes_back_twice: run.recipe.backward == Backward::LayerWise && run.recipe.clip_norm > 0.0,
        resumed: stage
            .resumed
            .as_ref()
            .map(|checkpoint| checkpoint.path.display().to_string()),
    });
    if stage.state.step == 0 {
        stage.validate(model, observer)?;
    }
    let steps = Steps::new(run, &stage.plan, stage.state.step as usize..stage.total);
    made_ahead(steps, |steps| {
        stage.run_steps(model, steps, observer, inspect)
    })
}

/// What a step reads, and where in the epochs it is.
struct Step {
    batches: StepBatches,
    epoch: u32,
    /// Its number in the epoch, from 0.
    number: usize,
    /// The share of epochs done after it.
    epochs_done: f64,
}

/// The steps of a stage in order.
struct Steps<'a> {
    run: &'a StageRun<'a>,
    plan: Plan,
    left: Range<usize>,
    /// The epoch whose steps are at hand, and those steps.
    epoch: Option<(u32, Vec<Vec<u32>>)>,
}

impl<'a> Steps<'a> {
    fn new(run: &'a StageRun<'a>, plan: &Plan, left: Range<usize>) -> Self {
        Self {
            run,
            plan: plan.clone(),
            left,
            epoch: None,
        }
    }

    fn step(&mut self, step: usize) -> Result<Step, PreparedError> {
        let run = self.run;
        let (epoch, number) = self.plan.locate(step).unwrap_or_default();
        let at_hand = self.epoch.take().filter(|(at_hand, _)| *at_hand == epoch);
        let (_, steps) = self
            .epoch
            .insert(at_hand.unwrap_or_else(|| (epoch, self.plan.epoch(epoch))));
        Ok(Step {
            batches: StepBatches::new(
                run.train,
                &steps[number],
                run.packing,
                run.recipe.micro_batch_tokens,
            )?,
            epoch,
            number,
            epochs_done: f64::from(epoch) + (number + 1) as f64 / steps.len() as f64,
        })
    }
}

impl Iterator for Steps<'_> {
    type Item = Result<Step, PreparedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.left.next()?;
        Some(self.step(step))
    }
}

/// A stage under way.
struct Running<'a> {
    run: &'a StageRun<'a>,
    plan: Plan,
    total: usize,
    optimizer: Optimizer,
    state: TrainerState,
    log: Log,
    resumed: Option<Checkpoint>,
}

impl<'a> Running<'a> {
    fn open(model: &mut Decoder, run: &'a StageRun<'a>) -> Result<Self, TrainError> {
        if run.train.is_empty() {
            return Err(TrainError::NoExamples {
                stage: run.stage.name(),
            });
        }
        std::fs::create_dir_all(run.directory)
            .map_err(|source| FileError::new("create", run.directory, source))?;
        let trajectories: Vec<u32> = (0..run.train.len())
            .map(|index| run.train.trajectory(index))
            .collect();
        let plan = Plan::new(
            &trajectories,
            run.sampling,
            run.recipe.batch,
            run.seed,
            run.stage,
        );
        let total = total_steps(&plan, run.recipe);
        let resumed = latest_checkpoint(run.directory)?;
        let (state, optimizer) = match &resumed {
            Some(checkpoint) => {
                let state = checkpoint.state()?;
                let other = |what| TrainError::OtherRun {
                    checkpoint: checkpoint.path.clone(),
                    what,
                };
                if state.recipe_fingerprint != run.recipe_fingerprint {
                    return Err(other("recipe"));
                }
                if state.data_fingerprint != run.data_fingerprint {
                    return Err(other("data set or base model"));
                }
                let optimizer =
                    checkpoint::restore(checkpoint, &state, model).map_err(|error| {
                        TrainError::Checkpoint {
                            path: checkpoint.path.clone(),
                            source: Box::new(error),
                        }
                    })?;
                (state, optimizer)
            }
            None => {
                let state = TrainerState {
                    stage: run.stage.name().to_owned(),
                    seed: run.seed,
                    recipe_fingerprint: run.recipe_fingerprint.to_owned(),
                    data_fingerprint: run.data_fingerprint.to_owned(),
                    ..TrainerState::default()
                };
                (state, Optimizer::default())
            }
        };
        let log = Log::open(run.directory, state.step)?;
        Ok(Self {
            run,
            plan,
            total,
            optimizer,
            state,
            log,
            resumed,
        })
    }

    fn run_steps(
        &mut self,
        model: &mut Decoder,
        steps: &mut dyn Iterator<Item = Result<Step, PreparedError>>,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<Outcome, TrainError> {
        let run = self.run;
        let every = |steps: usize, done: usize| steps > 0 && done.is_multiple_of(steps);
        loop {
            if self.state.step as usize >= self.total {
                self.log.sync()?;
                self.state.write(run.directory)?;
                return Ok(Outcome::Finished(stage_report(run.directory)?));
            }
            if run.stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Interrupted(self.save(model, observer)?));
            }
            let started = Instant::now();
            let Some(step) = steps.next() else {
                unreachable!("the thread that makes steps ends after the last one, or panics");
            };
            let step = match step {
                Ok(step) => step,
                Err(error) => {
                    // What was trained so far is whole, whatever is wrong with the data.
                    self.save(model, observer)?;
                    return Err(error.into());
                }
            };
            self.step(model, step, started, observer, inspect)?;
            let done = self.state.step as usize;
            let last = done == self.total;
            if last || every(run.recipe.eval_every, done) {
                self.validate(model, observer)?;
            }
            // After the last step, too: the finished model may fail to be written, and no step should be done again.
            if last || every(run.recipe.checkpoint_every, done) {
                self.save(model, observer)?;
            }
        }
    }

    fn step(
        &mut self,
        model: &mut Decoder,
        next: Step,
        started: Instant,
        observer: &mut dyn Observer,
        inspect: &mut Inspect<'_>,
    ) -> Result<(), TrainError> {
        let step = self.state.step as usize;
        let recomputed_tokens = next.batches.recomputed_tokens;
        let name = |(trajectory, turn)| format!("{trajectory}:{turn}");
        let data = StepData {
            batches: next.batches.batches,
            examples: next.batches.examples.into_iter().map(name).collect(),
        };
        let place = StepPlace {
            seed: self.run.seed,
            stage: self.run.stage,
            step,
            lr: learning_rate(self.run.recipe, step, self.total),
        };
        let result = train_step(
            model,
            &mut self.optimizer,
            &data,
            self.run.recipe,
            place,
            inspect,
        )?;
        let seconds = started.elapsed().as_secs_f64();
        let sum = |count: fn(&Batch) -> usize| data.batches.iter().map(count).sum::<usize>();
        let tokens = sum(|batch| batch.real_tokens);
        let computed_tokens = sum(Batch::len);
        let budget = data.batches.len() * self.run.recipe.micro_batch_tokens;
        let record = StepRecord {
            step: step as u64 + 1,
            epoch: next.epochs_done,
            loss: result.loss,
            lr: place.lr,
            grad_norm: result.grad_norm,
            label_tokens: sum(|batch| batch.label_tokens),
            tokens,
            computed_tokens,
            recomputed_tokens,
            micro_batches: data.batches.len(),
            fill: computed_tokens as f64 / budget.max(1) as f64,
            examples: data.examples.len(),
            seconds,
            tokens_per_second: tokens as f64 / seconds,
            memory: memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64),
        };
        self.log.write(&record)?;
        self.state.step += 1;
        self.state.epoch = u64::from(next.epoch);
        self.state.position = next.number as u64 + 1;
        observer.step(&record);
        Ok(())
    }

    fn validate(&mut self, model: &Decoder, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let started = Instant::now();
        let run = self.run;
        let found = mean_loss(
            model,
            run.validation,
            run.packing,
            run.recipe.micro_batch_tokens,
        )?;
        let Some((loss, labels)) = found else {
            return Ok(());
        };
        let step = self.state.step;
        if !loss.is_finite() {
            return Err(TrainError::NotFinite {
                stage: run.stage.name(),
                step,
                what: "the validation loss".to_owned(),
                examples: "those held out".to_owned(),
            });
        }
        let record = ValidationRecord {
            step,
            validation_loss: loss,
            validation_label_tokens: labels,
            seconds: started.elapsed().as_secs_f64(),
        };
        self.log.write(&record)?;
        if self
            .state
            .best_validation
            .is_none_or(|best| loss < best.loss)
            && loss.is_finite()
        {
            self.state.best_validation = Some(BestValidation { step, loss });
        }
        observer.validation(&record);
        Ok(())
    }

    fn save(
        &mut self,
        model: &mut Decoder,
        observer: &mut dyn Observer,
    ) -> Result<Checkpoint, TrainError> {
        // The log first: a checkpoint's steps are all in it.
        self.log.sync()?;
        let saved = checkpoint::save(self.run.directory, &self.state, model, &self.optimizer)?;
        prune_checkpoints(self.run.directory, self.run.recipe.keep_checkpoints, None)?;
        observer.checkpoint(&saved.path);
        Ok(saved)
    }
}

/// Sums up a stage from its log, over every start.
///
/// # Errors
/// The log cannot be read.
pub fn stage_report(directory: &Path) -> Result<StageReport, TrainError> {
    let mut report = StageReport::default();
    for record in read_log(directory)? {
        report.steps = record.step();
        match record {
            LogRecord::Step(record) => {
                report.first_loss.get_or_insert(record.loss);
                report.last_loss = Some(record.loss);
                report.tokens += record.tokens as u64;
                report.computed_tokens += record.computed_tokens as u64;
                report.seconds += record.seconds;
            }
            LogRecord::Validation(record) => {
                report
                    .first_validation_loss
                    .get_or_insert(record.validation_loss);
                report.last_validation_loss = Some(record.validation_loss);
            }
        }
    }
    Ok(report)
}
