//! The ranks of a command: one, several threads of this process, or the processes that MPI started.

use std::num::NonZeroUsize;

use glpft::Error;
use glpft::launch::{Launched, launched};
use glpft::ranks::in_threads;
use glpft_train::{Alone, Transport};

use super::SignalArgs;

/// Refuses to run a command that knows no ranks once in each of several processes.
pub(super) fn refuse_ranks(command: &str) -> Result<(), Error> {
    match launched() {
        Some(Launched {
            processes,
            variable,
        }) => Err(Error::Argument {
            argument: "command",
            problem: format!(
                "`glpft {command}` runs in one process, and {variable} says that {processes} were started; start it without \
                 mpirun or srun, or with one task"
            ),
        }),
        None => Ok(()),
    }
}

/// Runs `lead` on the first of the ranks; the others follow it.
pub(super) fn with_ranks(
    asked: Option<NonZeroUsize>,
    signals: &SignalArgs,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    match (launched(), asked) {
        (Some(Launched { variable, .. }), Some(_)) => Err(Error::Argument {
            argument: "--ranks",
            problem: format!("{variable} says that the ranks are processes; leave --ranks out"),
        }),
        (Some(launched), None) => over_processes(launched, signals, lead),
        (None, Some(count)) if count.get() > 1 => {
            in_threads(count.get(), rayon::current_num_threads(), lead)
        }
        (None, _) => lead(&Alone),
    }
}

#[cfg(not(feature = "mpi"))]
fn over_processes(
    Launched {
        processes,
        variable,
    }: Launched,
    _signals: &SignalArgs,
    _lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    Err(Error::Argument {
        argument: "command",
        problem: format!(
            "{variable} says that {processes} processes were started, and this glpft was built without MPI; build it with \
             `cargo build --release --features mpi`, or start one process"
        ),
    })
}

#[cfg(feature = "mpi")]
fn over_processes(
    _launched: Launched,
    signals: &SignalArgs,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    use super::{Flags, complain};
    use glpft::launch::local_device;
    use glpft::ranks::{Signals, dismiss, follow};
    use glpft_train::TrainError;

    let mpi = glpft_train::Mpi::start().map_err(|error| Error::Train(TrainError::Ranks(error)))?;
    let outcome = match mpi.leads() {
        true => lead(&mpi),
        false => {
            let flags = Flags::looked_at(signals.on_usr1)?;
            let signals = Signals {
                stop: &flags.stop,
                save: &flags.save,
            };
            follow(&mpi, &local_device, signals)
        }
    };
    match outcome {
        Ok(()) | Err(Error::Interrupted { .. }) => {
            if mpi.leads() {
                dismiss(&mpi)?;
            }
            outcome
        }
        Err(error) => {
            // The others wait for this rank: the job ends here.
            match mpi.size() {
                1 => return Err(error),
                _ => complain(&format!("error: rank {}: {error}", mpi.rank())),
            }
            mpi.abort(error.exit_code().into())
        }
    }
}
