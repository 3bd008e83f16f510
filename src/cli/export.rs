//! `glpft export`.

use glpft::Error;

use super::ExportArgs;

/// Runs the command.
pub(crate) fn execute(args: ExportArgs) -> Result<(), Error> {
    let _ = args;
    Err(Error::Argument {
        argument: "export",
        problem: "not there yet".to_owned(),
    })
}
