//! The ranks of a command: one, several threads of this process, or the processes that MPI started.

use std::num::NonZeroUsize;

use glpft::Error;
#[cfg(feature = "mpi")]
use glpft::error::Interruption;
use glpft::launch::{Launched, launched};
use glpft::ranks::in_threads;
use glpft_train::{Alone, Transport};

use super::SignalArgs;

/// Refuses to run a command that uses no ranks once in each of several processes.
pub(super) fn refuse_ranks() -> Result<(), Error> {
    match launched() {
        Some(Launched {
            processes,
            variable,
        }) => Err(Error::Argument {
            argument: "command",
            problem: format!(
                "only `glpft run` and `glpft train` can use several processes, and {variable} says that {processes} were started; \
                 start this command without mpirun or srun, or with one task"
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
    launched: Launched,
    signals: &SignalArgs,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    use glpft_train::TrainError;

    let mpi = glpft_train::Mpi::start().map_err(|error| Error::Train(TrainError::Ranks(error)))?;
    if mpi.size() != launched.processes {
        // Each would take itself for the first of all.
        return Err(Error::Argument {
            argument: "command",
            problem: format!(
                "{} says that {} processes were started, and MPI that there are {}; start them with the mpirun of the MPI that \
                 glpft was built with, or with `srun --mpi=pmix`",
                launched.variable,
                launched.processes,
                mpi.size()
            ),
        });
    }
    // Whatever ends this rank early ends the job, or the others would wait for it.
    let work = std::panic::AssertUnwindSafe(|| rank(&mpi, signals, lead));
    match std::panic::catch_unwind(work) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error @ Error::Interruption(Interruption::Stage { .. }))) => Err(error),
        Ok(Err(error)) => {
            if !mpi.leads() {
                // What all ranks find, the first one tells and ends the job.
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
            super::complain(&format!("error: rank {}: {error}", mpi.rank()));
            mpi.abort(error.exit_code().into())
        }
        // The panic has told where.
        Err(_) => mpi.abort(101),
    }
}

/// What this process does as a rank.
#[cfg(feature = "mpi")]
fn rank(
    mpi: &glpft_train::Mpi,
    signals: &SignalArgs,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    use super::Flags;
    use glpft::launch::local_device;
    use glpft::ranks::{Signals, follow};
    use glpft::stage_call::dismiss;

    if mpi.leads() {
        let outcome = lead(mpi);
        if matches!(
            outcome,
            Ok(()) | Err(Error::Interruption(Interruption::Stage { .. }))
        ) {
            dismiss(mpi)?;
        }
        return outcome;
    }
    let flags = Flags::looked_at(signals.on_usr1)?;
    let signals = Signals {
        stop: &flags.stop,
        save: &flags.save,
    };
    follow(mpi, &local_device, signals)
}
