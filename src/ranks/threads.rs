//! Ranks that are threads of this process.

use std::sync::atomic::AtomicBool;

use glpft_train::{RankError, ThreadRank, TrainError, Transport, thread_ranks};

use super::follow::{Signals, follow};
use crate::error::{Error, Interruption};
use crate::stage_call::{dismiss, failed};

/// Runs `lead` as the first of `count` ranks that are threads of this process, each with as many threads of computation as
/// `threads` says; the others follow it.
///
/// # Errors
/// Those of `lead`, of the other ranks, and of the system where it starts no thread.
pub fn in_threads(
    count: usize,
    threads: usize,
    lead: impl FnOnce(&dyn Transport) -> Result<(), Error>,
) -> Result<(), Error> {
    let never = AtomicBool::new(false);
    let signals = Signals {
        stop: &never,
        save: &never,
    };
    let mut ranks = thread_ranks(count).into_iter();
    let Some(first) = ranks.next() else {
        return Ok(());
    };
    let pools = ranks
        .map(|rank| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map(|pool| (rank, pool))
                .map_err(|error| Error::Threads {
                    threads,
                    reason: error.to_string(),
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    std::thread::scope(|scope| {
        let followers: Vec<_> = pools
            .into_iter()
            .map(|(rank, pool)| {
                scope.spawn(move || {
                    let outcome = pool.install(|| follow(&rank, &str::to_owned, signals));
                    leave(rank, outcome)
                })
            })
            .collect();
        let outcome = lead(&first);
        if matches!(
            outcome,
            Ok(()) | Err(Error::Interruption(Interruption::Stage { .. }))
        ) {
            // A rank that is gone by now has failed; that is told below.
            let _ = dismiss(&first);
        }
        // What the others wait for comes no more.
        drop(first);
        let mut first_failure = None;
        for follower in followers {
            let panicked = |_| failed("a rank panicked".to_owned());
            let followed = follower.join().map_err(panicked).and_then(|done| done);
            first_failure = first_failure.or(followed.err());
        }
        match (outcome, first_failure) {
            // What ended another rank is why this one could not go on.
            (Err(Error::Train(TrainError::Ranks(_))) | Ok(()), Some(failed)) => Err(failed),
            (outcome, _) => outcome,
        }
    })
}

/// Takes part no more: what the other ranks wait for does not come.
fn leave(rank: ThreadRank, outcome: Result<(), Error>) -> Result<(), Error> {
    match outcome {
        // Another rank's end is told by that one.
        Err(Error::Train(TrainError::Ranks(RankError::Gone { .. }))) => Ok(()),
        Err(error) => {
            rank.leave(&error.to_string());
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}
