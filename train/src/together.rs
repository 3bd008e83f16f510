//! Several stages in one pass: adapters that wake read the same histories, which are computed once for all of them.
//!
//! The stages take trajectories in a common order ([`Plan::in_common_order`]). A trajectory's trunk goes forward once, through
//! the base that they share; then each stage's branches go forward and back. Each stage has its own steps, optimizer, log and
//! checkpoints, and becomes what it becomes alone.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use glpft_data::{Batch, ExampleSet, Plan, PreparedError, TokenExample, Trunk};
use glpft_model::{Decoder, TrunkStates};

use crate::error::TrainError;
use crate::observer::{Observer, Resumed, StageStart};
use crate::prefetch::prefetched;
use crate::stage_loop::{PartStep, StageLoop, StepEnd};
use crate::stage_run::{Outcome, StageRun};
use crate::step::add_batch;

/// A stage that trains beside others: its model, and what it is.
pub struct Member<'a> {
    /// The model: a clone of the others' base with adapters of its own.
    pub model: Decoder,
    /// The stage.
    pub run: &'a StageRun<'a>,
}

/// Stages that are about to begin or to go on together: nothing refuses them any more.
pub struct OpenStages<'a> {
    members: Vec<Open<'a>>,
}

struct Open<'a> {
    model: Decoder,
    running: StageLoop<'a>,
    resumed: Option<Resumed>,
    step: PartStep,
    finished: bool,
}

impl Open<'_> {
    fn name(&self) -> &'static str {
        self.running.run().stage.name()
    }
}

impl<'a> OpenStages<'a> {
    /// Puts each model where its stage's last whole checkpoint has it.
    ///
    /// # Errors
    /// As [`OpenStage::open`](crate::OpenStage::open), of any of them.
    pub fn open(members: Vec<Member<'a>>) -> Result<Self, TrainError> {
        let open = members.into_iter().map(|Member { mut model, run }| {
            model.set_precision(run.recipe.precision)?;
            let (running, resumed) = StageLoop::open(&mut model, run)?;
            Ok::<_, TrainError>(Open {
                model,
                running,
                resumed,
                step: PartStep::default(),
                finished: false,
            })
        });
        Ok(Self {
            members: open.collect::<Result<_, _>>()?,
        })
    }

    /// Trains them to their ends, or until they are told to stop; each with its model and how it ended, in the order given.
    /// `observer` is told of all, before each time of which ([`Observer::turn_to`]).
    ///
    /// # Errors
    /// As [`train_stage`](crate::train_stage), of any of them. The last checkpoints of all are whole in any case.
    pub fn train(
        mut self,
        observer: &mut dyn Observer,
    ) -> Result<Vec<(Decoder, Outcome)>, TrainError> {
        let outcome = self.run(observer);
        for member in &self.members {
            observer.turn_to(member.name());
            observer.finish();
        }
        let interrupted = outcome?;
        let members = self.members.into_iter();
        members
            .map(|mut member| {
                observer.turn_to(member.name());
                let outcome = match interrupted && !member.finished {
                    true => {
                        Outcome::Interrupted(member.running.saved(&mut member.model, observer)?)
                    }
                    false => Outcome::Finished(member.running.report()?),
                };
                Ok((member.model, outcome))
            })
            .collect()
    }

    /// Whether it was told to stop.
    fn run(&mut self, observer: &mut dyn Observer) -> Result<bool, TrainError> {
        for member in &mut self.members {
            let (done, total) = member.running.progress();
            observer.start(&StageStart {
                stage: member.running.run().stage.name(),
                done,
                total,
                goes_back_twice: false,
                resumed: member.resumed.take(),
            });
        }
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            observer.turn_to(member.name());
            if let ControlFlow::Break(_) =
                member.running.before_steps(&mut member.model, observer)?
            {
                return Ok(true);
            }
            let (done, total) = member.running.progress();
            member.finished = done >= total;
            let others = std::mem::take(&mut member.running.saved_in_validation);
            if others {
                self.save(observer)?;
            }
        }
        let sources = self.members.iter().map(|member| {
            let (done, total) = member.running.progress();
            let plan = member.running.plan().clone();
            Portions::new(member.running.run(), plan, done, total)
        });
        let trajectories = Trajectories(sources.collect());
        prefetched(trajectories, |trajectories| {
            for trajectory in trajectories {
                let trajectory = match trajectory {
                    Ok(trajectory) => trajectory,
                    Err(error) => {
                        // What was trained so far is whole, whatever is wrong with the data.
                        self.save(observer)?;
                        return Err(error.into());
                    }
                };
                let run = self.members[0].running.run();
                if run.stop.load(Ordering::Relaxed) {
                    return Ok(true);
                }
                if run.save.swap(false, Ordering::Relaxed) {
                    self.save(observer)?;
                }
                if self.trajectory(trajectory, observer)?.is_break() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Writes a checkpoint of each, of the step that it did last.
    fn save(&mut self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        for member in &mut self.members {
            if !member.finished {
                observer.turn_to(member.name());
                member.running.saved(&mut member.model, observer)?;
            }
        }
        Ok(())
    }

    /// A trajectory's trunk once, and the branches of each stage; with the ends of steps that it brings.
    fn trajectory(
        &mut self,
        trajectory: Trajectory,
        observer: &mut dyn Observer,
    ) -> Result<ControlFlow<()>, TrainError> {
        let started = Instant::now();
        let states: Option<Arc<TrunkStates>> = match trajectory.trunk.is_empty() {
            true => None,
            false => Some(Arc::new(
                self.members[0].model.trunk_states(&trajectory.trunk)?,
            )),
        };
        // Each bears its share of what is computed for all.
        let share = started.elapsed().as_secs_f64() / trajectory.parts.len().max(1) as f64;
        for part in trajectory.parts {
            let member = &mut self.members[part.member];
            observer.turn_to(member.name());
            let started = Instant::now();
            let place = member.running.place();
            let first = member.step.data.batches.len();
            for (number, batch) in (first..).zip(&part.batches) {
                if member.step.broken.is_none() {
                    member.step.broken = add_batch(
                        &mut member.model,
                        batch,
                        member.running.run().recipe,
                        place,
                        number,
                        states.as_ref(),
                        &mut member.step.sum,
                    )?;
                }
            }
            let names = part.names.iter();
            let names = names.map(|(trajectory, turn)| format!("{trajectory}:{turn}"));
            member.step.data.examples.extend(names);
            let origins = member.running.run().origins;
            if let Some(&(trajectory, _)) = part.names.first()
                && !origins.is_empty()
            {
                let name = origins.names()[origins.of(trajectory)].clone();
                let label_tokens = part.batches.iter().map(|batch| batch.label_tokens);
                *member.step.source_label_tokens.entry(name).or_default() +=
                    label_tokens.sum::<usize>();
            }
            let label_tokens = part.batches.iter().map(|batch| batch.label_tokens);
            member.step.data.label_tokens += label_tokens.sum::<usize>();
            member.step.data.batches.extend(part.batches);
            member.step.seconds += share + started.elapsed().as_secs_f64();
            if let Some(end) = part.end {
                let step = std::mem::take(&mut member.step);
                let flow = member
                    .running
                    .end_step(&mut member.model, step, end, observer)?;
                let (done, total) = member.running.progress();
                // Told to stop in its last validation it is not: that is made when it goes on.
                member.finished = done >= total && flow.is_continue();
                let others = std::mem::take(&mut member.running.saved_in_validation);
                if others {
                    self.save(observer)?;
                }
                if flow.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What all stages read of one trajectory.
struct Trajectory {
    trunk: Arc<Trunk>,
    parts: Vec<Part>,
}

/// What one of them reads of it.
struct Part {
    member: usize,
    batches: Vec<Batch>,
    names: Vec<(u32, u32)>,
    /// Where a step of the stage ends with it.
    end: Option<StepEnd>,
}

/// The trajectories of all stages in their common order.
struct Trajectories<'a>(Vec<Portions<'a>>);

impl Iterator for Trajectories<'_> {
    type Item = Result<Trajectory, PreparedError>;

    fn next(&mut self) -> Option<Self::Item> {
        let keys: Vec<Option<Key>> = self.0.iter_mut().map(Portions::key).collect();
        let next = *keys.iter().flatten().min()?;
        let mut portions = Vec::new();
        for (member, source) in self.0.iter_mut().enumerate() {
            if keys[member] == Some(next) {
                match source.take() {
                    Ok(Some((examples, end))) => portions.push((member, examples, end)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
        }
        let all = portions.iter().flat_map(|(_, examples, _)| examples);
        let trunk = Arc::new(Trunk::of(all));
        let parts = portions.iter().map(|(member, examples, end)| Part {
            member: *member,
            batches: Batch::branches_within(
                &examples.iter().collect::<Vec<_>>(),
                &trunk,
                self.0[*member].micro_batch_tokens,
            ),
            names: examples
                .iter()
                .map(|example| (example.trajectory, example.turn))
                .collect(),
            end: *end,
        });
        Some(Ok(Trajectory {
            parts: parts.collect(),
            trunk: Arc::clone(&trunk),
        }))
    }
}

/// An epoch, and a trajectory's place in it.
type Key = (u32, (u64, u32));

/// The examples of one trajectory, and the end of the step where they are its last.
type Portion = (Vec<TokenExample>, Option<StepEnd>);

/// One stage's examples, trajectory by trajectory.
struct Portions<'a> {
    set: &'a dyn ExampleSet,
    /// The most tokens that are computed at once beside the trunk's.
    micro_batch_tokens: usize,
    seed: u64,
    plan: Plan,
    /// The next step, and the number of steps.
    next: usize,
    total: usize,
    /// The epoch whose steps are at hand, and those steps.
    epoch: Option<(u32, Vec<Vec<u32>>)>,
    /// What is left of the step before `next`: examples of one trajectory each.
    left: VecDeque<Vec<u32>>,
    end: Option<StepEnd>,
}

impl<'a> Portions<'a> {
    /// Those of a stage that has done so many of its steps.
    fn new(run: &StageRun<'a>, plan: Plan, done: usize, total: usize) -> Self {
        Self {
            set: run.train,
            micro_batch_tokens: run.recipe.micro_batch_tokens,
            seed: run.seed,
            plan,
            next: done,
            total,
            epoch: None,
            left: VecDeque::new(),
            end: None,
        }
    }

    /// Where the next trajectory stands; none at the stage's end.
    fn key(&mut self) -> Option<Key> {
        if self.left.is_empty() {
            if self.next >= self.total {
                return None;
            }
            let (epoch, number) = self.plan.locate(self.next)?;
            let at_hand = self.epoch.take().filter(|(at_hand, _)| *at_hand == epoch);
            let (_, steps) = self
                .epoch
                .insert(at_hand.unwrap_or_else(|| (epoch, self.plan.epoch(epoch))));
            let of = |index: &u32| self.set.trajectory(*index as usize);
            let step = steps[number].chunk_by(|one, other| of(one) == of(other));
            self.left = step.map(<[u32]>::to_vec).collect();
            self.end = Some(StepEnd {
                epoch,
                number,
                epochs_done: f64::from(epoch) + (number + 1) as f64 / steps.len() as f64,
            });
            self.next += 1;
        }
        let epoch = self.end?.epoch;
        let trajectory = self.set.trajectory(*self.left.front()?.first()? as usize);
        Some((epoch, Plan::place(self.seed, epoch, trajectory)))
    }

    /// The examples of the next trajectory, and the end of the step where they are its last.
    fn take(&mut self) -> Result<Option<Portion>, PreparedError> {
        let Some(indices) = self.left.pop_front() else {
            return Ok(None);
        };
        let examples = indices
            .iter()
            .map(|&index| self.set.example(index as usize))
            .collect::<Result<_, _>>()?;
        Ok(Some((examples, self.end.filter(|_| self.left.is_empty()))))
    }
}
