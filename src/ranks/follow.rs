//! The ranks that follow the first one.

use std::sync::atomic::AtomicBool;

use glpft_checkpoints::RunDirectory;
use glpft_recipes::Recipe;
use glpft_train::Transport;

use super::rank_log::RankLog;
use crate::error::{Error, Interruption};
use crate::notice;
use crate::stage::{Context, follow_stage};
use crate::stage_call::{Call, hear};

/// What signals set.
#[derive(Clone, Copy, Debug)]
pub struct Signals<'a> {
    /// The run is to stop.
    pub stop: &'a AtomicBool,
    /// A checkpoint is to be written.
    pub save: &'a AtomicBool,
}

/// Follows the first rank until it sends this one home. `device` gives the name of the device that this rank uses where the
/// first one was asked for a name.
///
/// # Errors
/// A stage cannot be trained here, or another rank is gone.
pub fn follow(
    ranks: &dyn Transport,
    device: &dyn Fn(&str) -> String,
    signals: Signals<'_>,
) -> Result<(), Error> {
    while let Call::Stage(call) = hear(ranks)? {
        let file = call.run.join("recipe.toml").display().to_string();
        let recipe = Recipe::parse(&call.recipe, &file, &[])?;
        let context = Context {
            recipe: &recipe,
            recorded: &recipe,
            run: &RunDirectory::open(&call.run)?,
            device: &glpft_model::device(&device(&call.device))?,
            device_name: &call.device,
            resume_anyway: call.resume_anyway,
            ranks,
            stop: signals.stop,
            save: signals.save,
            dump_gradients: None,
        };
        let mut log = RankLog::open(&call.run, ranks.rank());
        let outcome = follow_stage(&context, &call.job(), &mut log);
        if let Some(failure) = log.failure() {
            notice::tell(failure.clone(), &failure);
        }
        match outcome {
            // The first rank decides what comes of that.
            Ok(()) | Err(Error::Interruption(Interruption::Stage { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
