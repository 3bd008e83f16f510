//! The ranks of a command: one, several threads of this process, or the processes that MPI started.

use std::num::NonZeroUsize;

use glpft::Error;
use glpft::ranks::in_threads;
use glpft_train::{Alone, Transport};

use super::SignalArgs;

/// Variables by which a launcher tells a process how many it started: Open MPI, MPICH and its kin, torchrun.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE"];

/// How many processes a launcher started, where that is more than this one.
fn launched() -> Option<(usize, &'static str)> {
    let number = |name: &str| std::env::var(name).ok()?.trim().parse::<usize>().ok();
    let several = |name: &'static str| Some((number(name).filter(|&size| size > 1)?, name));
    // In a batch script Slurm tells of tasks, too, that are not started: a step has a number.
    let step = std::env::var_os("SLURM_STEP_ID").and_then(|_| several("SLURM_STEP_NUM_TASKS"));
    SIZES.iter().find_map(|&name| several(name)).or(step)
}

/// Refuses to run a command that knows no ranks once in each of several processes.
pub(super) fn refuse_ranks(command: &str) -> Result<(), Error> {
    match launched() {
        Some((size, variable)) => Err(Error::Argument {
            argument: "command",
            problem: format!(
                "`glpft {command}` runs in one process, and {variable} says that {size} were started; start it without \
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
        (Some((_, variable)), Some(_)) => Err(Error::Argument {
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
    (size, variable): (usize, &str),
    _signals: &SignalArgs,
    _lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    Err(Error::Argument {
        argument: "command",
        problem: format!(
            "{variable} says that {size} processes were started, and this glpft was built without MPI; build it with \
             `cargo build --release --features mpi`, or start one process"
        ),
    })
}

#[cfg(feature = "mpi")]
fn over_processes(
    _launched: (usize, &str),
    signals: &SignalArgs,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    use super::{Flags, complain};
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
            follow(&mpi, &str::to_owned, signals, &mut ())
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
