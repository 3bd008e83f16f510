//! The rank of a training that nobody shares.

use super::Transport;
use crate::rank_error::RankError;

/// One rank, and no other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Transport for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_to_all(
        &self,
        _what: &str,
        send: &[f32],
        _send_counts: &[usize],
        _receive_counts: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        Ok(send.to_vec())
    }

    fn all_gather(
        &self,
        _what: &str,
        own: &[f32],
        _counts: &[usize],
    ) -> Result<Vec<f32>, RankError> {
        Ok(own.to_vec())
    }

    fn all_gather_bytes(&self, _what: &str, own: &[u8]) -> Result<Vec<Vec<u8>>, RankError> {
        Ok(vec![own.to_vec()])
    }
}
