//! Ranks that are threads of one process.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Transport;
use crate::rank_error::RankError;

/// One of several ranks in one process. When it is dropped, the others' exchanges fail instead of waiting for it.
#[derive(Debug)]
pub struct ThreadRank {
    rank: usize,
    hub: Arc<Hub>,
}

/// So many ranks that exchange with each other; each is to be given to a thread.
pub fn thread_ranks(size: usize) -> Vec<ThreadRank> {
    let size = size.max(1);
    let hub = Arc::new(Hub {
        state: Mutex::new(State {
            parcels: vec![None; size],
            taken: 0,
            gone: vec![None; size],
        }),
        changed: Condvar::new(),
    });
    let ranks = (0..size).map(|rank| ThreadRank {
        rank,
        hub: Arc::clone(&hub),
    });
    ranks.collect()
}

#[derive(Debug)]
struct Hub {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// What each rank gives in the exchange under way.
    parcels: Vec<Option<Arc<Parcel>>>,
    /// How many ranks have taken what the others give.
    taken: usize,
    /// The ranks that take part no more, and why.
    gone: Vec<Option<String>>,
}

/// What a rank gives to the others.
#[derive(Debug)]
struct Parcel {
    what: String,
    floats: Vec<f32>,
    /// How many of them are for each rank; none where all are for all.
    counts: Vec<usize>,
    bytes: Vec<u8>,
}

impl ThreadRank {
    /// Takes part no more, and says why.
    pub fn leave(&self, reason: &str) {
        let mut state = self.state();
        state.gone[self.rank].get_or_insert_with(|| reason.to_owned());
        self.hub.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No invariant is broken where a thread panics: it only ever adds.
        let state = self.hub.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done`, or until a rank that is waited for is gone.
    fn wait<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        what: &str,
        done: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'s, State>, RankError> {
        while !done(&state) {
            let missing = |rank: &usize| state.parcels[*rank].is_none();
            let gone = (0..state.gone.len()).filter(missing);
            for rank in gone {
                if let Some(reason) = &state.gone[rank] {
                    return Err(RankError::Gone {
                        rank,
                        what: what.to_owned(),
                        reason: reason.clone(),
                    });
                }
            }
            let waited = self.hub.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(state)
    }

    fn exchange(&self, parcel: Parcel) -> Result<Vec<Arc<Parcel>>, RankError> {
        let what = parcel.what.clone();
        let own_turn = |state: &State| state.parcels[self.rank].is_none();
        let mut state = self.wait(self.state(), &what, own_turn)?;
        state.parcels[self.rank] = Some(Arc::new(parcel));
        self.hub.changed.notify_all();
        let all = |state: &State| state.parcels.iter().all(Option::is_some);
        let mut state = self.wait(state, &what, all)?;
        let parcels: Vec<Arc<Parcel>> = state.parcels.iter().flatten().cloned().collect();
        state.taken += 1;
        if state.taken == state.parcels.len() {
            state.taken = 0;
            state.parcels.fill(None);
            self.hub.changed.notify_all();
        }
        drop(state);
        match parcels.iter().position(|parcel| parcel.what != what) {
            Some(rank) => Err(RankError::OutOfStep {
                rank,
                theirs: parcels[rank].what.clone(),
                ours: what,
            }),
            None => Ok(parcels),
        }
    }
}

impl Drop for ThreadRank {
    fn drop(&mut self) {
        self.leave(match std::thread::panicking() {
            true => "it panicked",
            false => "it ended",
        });
    }
}

impl Transport for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.state().parcels.len()
    }

    fn all_to_all(
        &self,
        what: &str,
        send: &[f32],
        send_counts: &[usize],
        receive_counts: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        let parcels = self.exchange(Parcel {
            what: what.to_owned(),
            floats: send.to_vec(),
            counts: send_counts.to_vec(),
            bytes: Vec::new(),
        })?;
        let mut received = Vec::with_capacity(receive_counts.iter().sum());
        for parcel in parcels {
            let start: usize = parcel.counts[..self.rank].iter().sum();
            received.extend(&parcel.floats[start..start + parcel.counts[self.rank]]);
        }
        Ok(received)
    }

    fn all_gather(
        &self,
        what: &str,
        own: &[f32],
        _counts: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        let parcels = self.exchange(Parcel {
            what: what.to_owned(),
            floats: own.to_vec(),
            counts: Vec::new(),
            bytes: Vec::new(),
        })?;
        let floats = parcels.iter().flat_map(|parcel| &parcel.floats);
        Ok(floats.copied().collect())
    }

    fn all_gather_bytes(&self, what: &str, own: &[u8]) -> Result<Vec<Vec<u8>>, RankError> {
        let parcels = self.exchange(Parcel {
            what: what.to_owned(),
            floats: Vec::new(),
            counts: Vec::new(),
            bytes: own.to_vec(),
        })?;
        Ok(parcels.iter().map(|parcel| parcel.bytes.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of so many ranks comes to.
    fn together<T: Send>(size: usize, work: impl Fn(ThreadRank) -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = thread_ranks(size)
                .into_iter()
                .map(|rank| scope.spawn(move || work(rank)))
                .collect();
            let done = threads.into_iter().map(|thread| thread.join());
            done.map(|done| done.expect("no panic")).collect()
        })
    }

    #[test]
    fn everyone_gets_what_is_theirs() {
        for size in 1..=4 {
            let received = together(size, |rank| {
                let (own, mut all) = (rank.rank(), Vec::new());
                for round in 0..50 {
                    // Rank r sends d + 1 copies of 10 r + d to rank d.
                    let counts: Vec<usize> = (1..=size).collect();
                    let send: Vec<f32> = (0..size)
                        .flat_map(|to| vec![(10 * own + to) as f32; to + 1])
                        .collect();
                    let what = format!("round {round}");
                    all = rank.all_to_all(&what, &send, &counts, &vec![own + 1; size])?;
                    let bytes = rank.all_gather_bytes("bytes", &[own as u8; 2])?;
                    assert_eq!(bytes.len(), size);
                    assert_eq!(bytes[size - 1], [size as u8 - 1; 2]);
                }
                Ok::<_, RankError>(all)
            });
            for (own, all) in received.into_iter().enumerate() {
                let expected: Vec<f32> = (0..size)
                    .flat_map(|from| vec![(10 * from + own) as f32; own + 1])
                    .collect();
                assert_eq!(all.expect("all take part"), expected);
            }
        }
    }

    #[test]
    fn a_rank_that_ends_is_named_and_nobody_waits() {
        let outcomes = together(3, |rank| {
            rank.all_gather_bytes("hello", b"")?;
            if rank.rank() == 1 {
                rank.leave("the disk is full");
                return Ok(());
            }
            rank.all_gather_bytes("gradients", b"").map(|_| ())
        });
        assert_eq!(outcomes[1], Ok(()));
        for outcome in [&outcomes[0], &outcomes[2]] {
            let error = outcome.as_ref().expect_err("rank 1 is gone");
            let expected = "rank 1 ended while gradients was to be exchanged: the disk is full";
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn ranks_that_do_not_do_the_same_are_told_apart() {
        let outcomes = together(2, |rank| {
            let what = ["weights", "moments"][rank.rank()];
            rank.all_gather(what, &[1.0], &[1, 1]).map(|_| ())
        });
        let error = outcomes[0].as_ref().expect_err("they differ");
        assert!(
            error
                .to_string()
                .starts_with("rank 1 exchanges moments where this one exchanges weights")
        );
    }
}
