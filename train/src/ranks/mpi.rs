//! Ranks that are processes started by `mpirun` or `srun`, over MPI (feature `mpi`).

use std::sync::{Mutex, PoisonError};

use mpi::Count;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};

use super::Transport;
use crate::rank_error::RankError;

/// This process's rank in the job that MPI started. MPI ends when it is dropped.
pub struct Mpi {
    world: Mutex<World>,
    rank: usize,
    size: usize,
    /// Declared last: what uses MPI goes before it.
    _universe: Universe,
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mpi({} of {})", self.rank, self.size)
    }
}

struct World(SimpleCommunicator);

// SAFETY: MPI is initialized for calls from any thread, one at a time (`Threading::Serialized`), and the lock around the
// communicator lets one thread in at a time.
unsafe impl Send for World {}

// SAFETY: the universe is never used but to be dropped, by whoever owns this; everything else is behind the lock.
unsafe impl Sync for Mpi {}
// SAFETY: as above. It is to be dropped by the thread that started it, as MPI asks; `start` says so.
unsafe impl Send for Mpi {}

impl Mpi {
    /// Starts MPI. To be called once in a process, and to be dropped by the same thread.
    ///
    /// # Errors
    /// MPI is started already, or does not allow calls from several threads.
    pub fn start() -> Result<Self, RankError> {
        let failed = |reason: &str| RankError::Transport {
            what: "anything".to_owned(),
            reason: reason.to_owned(),
        };
        let started = mpi::initialize_with_threading(mpi::Threading::Serialized);
        let (universe, threading) = started.ok_or_else(|| failed("MPI is started already"))?;
        if threading < mpi::Threading::Serialized {
            return Err(failed(
                "this MPI allows calls from its main thread alone (MPI_THREAD_SERIALIZED is needed)",
            ));
        }
        let world = universe.world();
        Ok(Self {
            rank: world.rank() as usize,
            size: world.size() as usize,
            world: Mutex::new(World(world)),
            _universe: universe,
        })
    }

    /// Ends the processes of all ranks.
    pub fn abort(&self, code: i32) -> ! {
        self.with(|world| world.abort(code))
    }

    fn with<T>(&self, work: impl FnOnce(&SimpleCommunicator) -> T) -> T {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        work(&world.0)
    }
}

/// MPI's counts, and where each part begins.
fn counts(what: &str, counts: &[usize]) -> Result<(Vec<Count>, Vec<Count>), RankError> {
    let too_many = |_| RankError::Transport {
        what: what.to_owned(),
        reason: "more elements at once than MPI counts".to_owned(),
    };
    let (mut sizes, mut starts, mut start) = (Vec::new(), Vec::new(), 0_usize);
    for &count in counts {
        sizes.push(Count::try_from(count).map_err(too_many)?);
        starts.push(Count::try_from(start).map_err(too_many)?);
        start += count;
    }
    Ok((sizes, starts))
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_to_all(
        &self,
        what: &str,
        send: &[f32],
        send_counts: &[usize],
        receive_counts: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        let (send_sizes, send_starts) = counts(what, send_counts)?;
        let (receive_sizes, receive_starts) = counts(what, receive_counts)?;
        let mut received = vec![0.0; receive_counts.iter().sum()];
        let parts = Partition::new(send, &send_sizes[..], &send_starts[..]);
        let mut into =
            PartitionMut::new(&mut received[..], &receive_sizes[..], &receive_starts[..]);
        self.with(|world| world.all_to_all_varcount_into(&parts, &mut into));
        Ok(received)
    }

    fn all_gather(
        &self,
        what: &str,
        own: &[f32],
        counts_of: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        let (sizes, starts) = counts(what, counts_of)?;
        let mut received = vec![0.0; counts_of.iter().sum()];
        let mut into = PartitionMut::new(&mut received[..], &sizes[..], &starts[..]);
        self.with(|world| world.all_gather_varcount_into(own, &mut into));
        Ok(received)
    }

    fn all_gather_bytes(&self, what: &str, own: &[u8]) -> Result<Vec<Vec<u8>>, RankError> {
        let mut lengths = vec![0_u64; self.size];
        let length = own.len() as u64;
        self.with(|world| world.all_gather_into(&length, &mut lengths[..]));
        let lengths: Vec<usize> = lengths.into_iter().map(|length| length as usize).collect();
        let (sizes, starts) = counts(what, &lengths)?;
        let mut received = vec![0_u8; lengths.iter().sum()];
        let mut into = PartitionMut::new(&mut received[..], &sizes[..], &starts[..]);
        self.with(|world| world.all_gather_varcount_into(own, &mut into));
        let mut rest = received.as_slice();
        let parts = lengths.iter().map(|&length| {
            let (part, after) = rest.split_at(length);
            rest = after;
            part.to_vec()
        });
        Ok(parts.collect())
    }
}
