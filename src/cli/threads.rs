//! Starts the threads that compute.

use glpft::Error;
use glpft::threads::default_threads;

use super::{OutputArgs, complain};

/// Gives rayon the threads asked for, and runs the command, whose notices are shown. Only once, before anything uses them: threads that cannot be
/// started are an error here, and a panic later.
pub(super) fn with_threads(
    output: &OutputArgs,
    command: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let asked = output.threads.map(usize::from);
    let threads = asked.unwrap_or_else(|| default_threads().threads);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| Error::Threads {
            threads,
            reason: error.to_string(),
        })?;
    if !output.quiet {
        glpft::notice::listen(|notice| complain(&format!("warning: {notice}")));
    }
    command()
}
