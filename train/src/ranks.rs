//! Ranks: processes, or threads of one, that train one model together (data parallelism, its optimizer states sharded as in
//! ZeRO-1, arXiv 1910.02054).
//!
//! Each rank holds the whole model and computes its share of a step's micro-batches. Then every parameter is cut into as many
//! contiguous *slices* as there are ranks, and each rank owns one slice of each parameter: it sums that slice's gradients
//! over the ranks, holds its moments, updates it, and gives it to the others. The sums are taken here, in the order of the
//! ranks, and not by the transport. So all ranks hold the same weights, bit for bit, and a run with the same number of ranks
//! gives the same weights over any transport.

mod alone;
#[cfg(feature = "mpi")]
mod mpi;
mod slices;
mod sums;
mod threads;
mod told;

use std::fmt::Debug;

use crate::rank_error::RankError;

pub use alone::Alone;
#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use threads::{ThreadRank, thread_ranks};

pub(crate) use slices::slice;
pub(crate) use sums::{collected, host, reduced, spread, sums_of_squares};
pub(crate) use told::{Told, agree, any};

/// What carries numbers between ranks. Every rank calls the same methods in the same order; `what` says what is carried, for
/// messages.
pub trait Transport: Debug + Send + Sync {
    /// Which rank this is, from 0.
    fn rank(&self) -> usize;

    /// How many ranks there are.
    fn size(&self) -> usize;

    /// Sends `send_counts[r]` elements of `send` to each rank r, one part after the other, and gives what the ranks sent here:
    /// `receive_counts[r]` elements of each, in their order.
    ///
    /// # Errors
    /// A rank is gone, or the transport fails.
    fn all_to_all(
        &self,
        what: &str,
        send: &[f32],
        send_counts: &[usize],
        receive_counts: &[usize],
    ) -> Result<Vec<f32>, RankError>;

    /// Gives what every rank has to all of them, in the ranks' order; rank r has `counts[r]` elements.
    ///
    /// # Errors
    /// As [`all_to_all`](Self::all_to_all).
    fn all_gather(&self, what: &str, own: &[f32], counts: &[usize]) -> Result<Vec<f32>, RankError>;

    /// Gives the bytes that every rank has to all of them, in the ranks' order.
    ///
    /// # Errors
    /// As [`all_to_all`](Self::all_to_all).
    fn all_gather_bytes(&self, what: &str, own: &[u8]) -> Result<Vec<Vec<u8>>, RankError>;

    /// Whether this is the rank that writes files and tells how training goes.
    fn leads(&self) -> bool {
        self.rank() == 0
    }

    /// Whether there is no other rank.
    fn is_alone(&self) -> bool {
        self.size() == 1
    }
}
