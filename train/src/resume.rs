//! Where a stage begins: at its start, or at its last whole checkpoint if that is of the same training.

use std::collections::BTreeMap;

use glpft_checkpoints::{Checkpoint, Earlier, Provenance, TrainerState, latest_checkpoint};
use glpft_model::Decoder;
use glpft_recipes::counted;

use crate::checkpoint;
use crate::error::TrainError;
use crate::observer::Resumed;
use crate::optimizer::Optimizer;
use crate::ranks::agree;
use crate::stage_run::StageRun;

/// Where a stage begins.
pub(crate) struct Beginning {
    pub state: TrainerState,
    pub optimizer: Optimizer,
    /// The checkpoint that it goes on from, if it does.
    pub resumed: Option<(Checkpoint, Resumed)>,
}

/// Where a stage of `total` steps begins; puts a checkpoint's weights into `model`. Of several ranks all begin at the same
/// place: when this returns, they have read what they go on from.
pub(crate) fn begin(
    model: &mut Decoder,
    run: &StageRun<'_>,
    total: usize,
) -> Result<Beginning, TrainError> {
    let beginning = find(model, run, total)?;
    agree(run.ranks, &in_common(run, &beginning.state))?;
    Ok(beginning)
}

/// What ranks must have in common before they train together.
fn in_common(run: &StageRun<'_>, state: &TrainerState) -> BTreeMap<String, String> {
    let Provenance { recipe, data } = run.provenance.clone();
    let mut all = recipe;
    all.extend(data);
    let steps = format!("{} of {}", state.step, state.total);
    all.insert("the checkpoint's step".to_owned(), steps);
    all.insert("the version".to_owned(), run.computed_by.version.clone());
    all
}

fn find(model: &mut Decoder, run: &StageRun<'_>, total: usize) -> Result<Beginning, TrainError> {
    let now = TrainerState {
        stage: run.stage.name().to_owned(),
        seed: run.seed,
        total: total as u64,
        lr_factor: 1.0,
        provenance: run.provenance.clone(),
        computed_by: run.computed_by.clone(),
        ..TrainerState::default()
    };
    let Some(checkpoint) = latest_checkpoint(run.directory)? else {
        return Ok(Beginning {
            state: now,
            optimizer: Optimizer::new(run.recipe.moments),
            resumed: None,
        });
    };
    let then = checkpoint.state()?;
    let changes = compare(&checkpoint, &now, &then, run.resume_anyway)?;
    let optimizer = checkpoint::restore(&checkpoint, &then, model, run.recipe.moments, run.ranks)
        .map_err(|error| TrainError::Checkpoint {
        path: checkpoint.path.clone(),
        source: Box::new(error),
    })?;
    let mut earlier = then.earlier;
    if then.step > 0 && then.provenance != now.provenance {
        earlier.push(Earlier {
            steps: then.step,
            provenance: then.provenance,
        });
    }
    let state = TrainerState {
        earlier,
        step: then.step,
        epoch: then.epoch,
        position: then.position,
        not_applied: then.not_applied,
        lr_factor: then.lr_factor,
        usual_loss: then.usual_loss,
        best_validation: then.best_validation,
        validation_due: then.validation_due,
        ..now
    };
    let path = checkpoint.path.display().to_string();
    Ok(Beginning {
        state,
        optimizer,
        resumed: Some((checkpoint, Resumed { path, changes })),
    })
}

/// What a checkpoint was made with and is different now, for people; refused where it makes another training of it.
fn compare(
    checkpoint: &Checkpoint,
    now: &TrainerState,
    then: &TrainerState,
    anyway: bool,
) -> Result<Vec<String>, TrainError> {
    let path = || checkpoint.path.clone();
    let mut changes = now.provenance.differences(&then.provenance);
    if !changes.is_empty() && !anyway {
        return Err(TrainError::OtherRun {
            checkpoint: path(),
            differences: changes.join("; "),
            remedy: "undo that, or give --resume-anyway to go on with what is now, or --overwrite to start again",
        });
    }
    if then.step > now.total {
        return Err(TrainError::TooShort {
            checkpoint: path(),
            done: then.step,
            total: now.total,
        });
    }
    if then.total != now.total {
        changes.push(format!(
            "the stage had {} and has {}: from here on the learning rate is as in a stage of that length",
            counted(then.total, "step", "steps"),
            now.total
        ));
    }
    if then.computed_by != now.computed_by {
        changes.push(format!(
            "it was {} and is {}: sums may round differently, so the last digits of the weights may differ",
            then.computed_by, now.computed_by
        ));
    }
    Ok(changes)
}
