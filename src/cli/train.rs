//! `glpft train`.

use glpft::Error;

use super::TrainArgs;

/// Runs the command.
pub(crate) fn execute(args: TrainArgs) -> Result<(), Error> {
    let _ = args;
    Err(Error::Argument {
        argument: "train",
        problem: "not there yet".to_owned(),
    })
}
