//! `glpft data`.

use glpft::Error;

use super::{DataExportArgs, InspectArgs};

/// `glpft data inspect`.
pub(crate) fn inspect(args: &InspectArgs) -> Result<(), Error> {
    let _ = args;
    Ok(())
}

/// `glpft data export`.
pub(crate) fn export(args: &DataExportArgs) -> Result<(), Error> {
    let _ = args;
    Ok(())
}
