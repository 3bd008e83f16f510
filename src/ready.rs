//! Whether stages can go on to their ends: what the run's directory and the disk say, before the first step.

use std::path::Path;

use glpft_checkpoints::{
    FloatType, RunDirectory, check_space, latest_checkpoint, list_checkpoints, megabytes,
};
use glpft_recipes::{ModelDtype, Moments, Recipe, StageRecipe};
use glpft_train::{StepMemory, TrainError};

use crate::Error;
use crate::check::CheckedJob;
use crate::prepare::Prepared;
use crate::size::StageSize;

/// What logs, states and leases take beside checkpoints and models, at most, in bytes.
const SMALL_FILES: u64 = 1 << 20;

/// Checks that no stage is to have fewer steps than it has done, and that the disk has room for the checkpoints and models
/// of all of them. Their data are prepared.
///
/// # Errors
/// One of the two is not so, or a dataset or the run's directory cannot be read.
pub fn check_ready(
    recipe: &Recipe,
    run: &RunDirectory,
    checked: &[CheckedJob],
    prepared: &Prepared,
) -> Result<(), Error> {
    let mut files = Vec::with_capacity(checked.len());
    for job in checked {
        let directory = run.stage(job.job.stage.name());
        let steps = StageSize::of(recipe, job, prepared)?.steps as u64;
        if let Some(checkpoint) = latest_checkpoint(&directory)?
            && checkpoint.step > steps
        {
            return Err(Error::Train(TrainError::TooShort {
                checkpoint: checkpoint.path,
                done: checkpoint.step,
                total: steps,
            }));
        }
        let there = list_checkpoints(&directory)?.len() as u64;
        files.push(StageFiles::of(recipe, job, steps, there));
    }
    check_room(run.root(), most_at_once(&files))
}

/// Checks that the disk of `folder` has room for runs that are trained one after the other: for their models, and for the
/// checkpoints of one at a time. `runs` are their recipes and what is still to be trained of each; how many steps a stage
/// will have need not be known.
///
/// # Errors
/// It has not.
pub fn check_room_in_turn(
    folder: &Path,
    runs: &[(&Recipe, Vec<&CheckedJob>)],
) -> Result<(), Error> {
    let (mut models, mut most) = (0_u64, Needed::default());
    for (recipe, jobs) in runs {
        let files = jobs.iter().map(|job| StageFiles::of(recipe, job, 1, 0));
        let files: Vec<StageFiles> = files.collect();
        let mut needed = most_at_once(&files);
        needed.models = needed.models.saturating_add(models);
        if needed.sum() > most.sum() {
            most = needed;
        }
        let of_run = files.iter().map(|files| files.model);
        models = of_run.fold(models, u64::saturating_add);
    }
    check_room(folder, most)
}

fn check_room(folder: &Path, needed: Needed) -> Result<(), Error> {
    let small = if needed.sum() > 0 { SMALL_FILES } else { 0 };
    check_space(folder, needed.sum().saturating_add(small)).map_err(|source| Error::NoRoom {
        source: Box::new(source),
        checkpoints: megabytes(needed.checkpoints),
        models: megabytes(needed.models),
    })
}

/// What a stage leaves on the disk, in bytes and numbers of checkpoints.
#[derive(Clone, Copy, Debug)]
struct StageFiles {
    checkpoint: u64,
    /// That are there already.
    there: u64,
    /// That stay.
    kept: u64,
    /// That are there at once: a new one is whole before an old one goes.
    most: u64,
    model: u64,
}

impl StageFiles {
    fn of(recipe: &Recipe, job: &CheckedJob, steps: u64, there: u64) -> Self {
        let settings = recipe.stage(job.job.stage);
        // The tokens of a step do not matter to what is written, and files hold moments in single precision.
        let in_full = StageRecipe {
            moments: Moments::F32,
            ..settings.clone()
        };
        let trained = StepMemory::of(&job.config, &in_full, 0, 0).moments / 2;
        let (kept, most) = checkpoints(settings, steps);
        // At least: a model that outgrows half precision is written in a wider type than its base's.
        let dtype = match recipe.model.dtype {
            ModelDtype::Base => job.dtype,
            ModelDtype::F32 => FloatType::F32,
            ModelDtype::Bf16 => FloatType::Bf16,
            ModelDtype::F16 => FloatType::F16,
        };
        let model = match job.leaves_adapter {
            true => trained,
            false => job.config.parameters().saturating_mul(dtype.bytes() as u64),
        };
        Self {
            // Weights and two moments.
            checkpoint: 3 * trained,
            there,
            kept,
            most,
            model,
        }
    }
}

/// How many checkpoints stay of a stage, and how many there are at once, at least: the best one may be one more.
fn checkpoints(settings: &StageRecipe, steps: u64) -> (u64, u64) {
    let all = match settings.checkpoint_every as u64 {
        0 => 1,
        every => steps.div_ceil(every),
    };
    let keep = settings.keep_checkpoints as u64;
    (all.min(keep), all.min(keep.saturating_add(1)))
}

/// Bytes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Needed {
    checkpoints: u64,
    models: u64,
}

impl Needed {
    fn sum(self) -> u64 {
        self.checkpoints.saturating_add(self.models)
    }
}

/// The most that stages, one after the other, add to what is there.
fn most_at_once(stages: &[StageFiles]) -> Needed {
    let (mut before, mut most) = (Needed::default(), Needed::default());
    for stage in stages {
        let of = |count: u64| {
            stage
                .checkpoint
                .saturating_mul(count.saturating_sub(stage.there))
        };
        let under_way = Needed {
            checkpoints: before.checkpoints.saturating_add(of(stage.most)),
            models: before.models,
        };
        let finished = Needed {
            checkpoints: before.checkpoints.saturating_add(of(stage.kept)),
            models: before.models.saturating_add(stage.model),
        };
        for needed in [under_way, finished] {
            if needed.sum() > most.sum() {
                most = needed;
            }
        }
        before = finished;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_checkpoint_is_whole_before_an_old_one_goes() {
        let stage = StageFiles {
            checkpoint: 30,
            there: 0,
            kept: 1,
            most: 2,
            model: 10,
        };
        let needed = |stages: &[StageFiles]| {
            let needed = most_at_once(stages);
            (needed.checkpoints, needed.models)
        };
        assert_eq!(needed(&[stage]), (60, 0));
        assert_eq!(needed(&[stage, stage]), (90, 10));
        // Large models: with the last one written it is the most.
        let large = StageFiles { model: 50, ..stage };
        assert_eq!(needed(&[large, large]), (60, 100));
        // What is there already takes no more.
        let resumed = StageFiles { there: 1, ..stage };
        assert_eq!(needed(&[resumed]), (30, 0));
        assert_eq!(needed(&[]), (0, 0));
    }
}
