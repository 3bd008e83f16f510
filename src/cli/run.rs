//! `glpft run`.

use glpft::Error;

use super::RunArgs;

/// Runs the command.
pub(crate) fn execute(args: RunArgs) -> Result<(), Error> {
    let _ = args;
    Err(Error::Argument {
        argument: "run",
        problem: "not there yet".to_owned(),
    })
}
