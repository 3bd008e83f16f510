//! What `prepare` tells about a data set.

use crate::batch::tree_tokens;
use crate::encode::{EncodedExamples, TokenExample};
use crate::truncate::DropReason;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// A data set's size, and what truncation took from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DatasetStatistics {
    /// Trajectories that have an example here.
    pub trajectories: usize,
    /// Examples.
    pub examples: usize,
    /// Their tokens, prompts and targets.
    pub tokens: usize,
    /// The tokens that are learned.
    pub label_tokens: usize,
    /// The longest example, in tokens.
    pub longest: usize,
    /// The nodes of the trajectories' prefix trees: what is left to compute where each trajectory's examples share
    /// their prefixes.
    pub tree_tokens: usize,
    /// Examples that lost tokens.
    pub truncated: usize,
    /// Examples left out, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
}

impl DatasetStatistics {
    /// Counts a data set. Examples of one trajectory are taken to be neighbours.
    pub fn new(encoded: &EncodedExamples) -> Self {
        let trajectories: Vec<&[TokenExample]> = encoded
            .examples
            .chunk_by(|a, b| a.trajectory == b.trajectory)
            .collect();
        let nodes =
            |trajectory: &&[TokenExample]| tree_tokens(&trajectory.iter().collect::<Vec<_>>());
        Self {
            trajectories: trajectories.len(),
            examples: encoded.examples.len(),
            tokens: encoded
                .examples
                .iter()
                .map(|example| example.tokens.len())
                .sum(),
            label_tokens: encoded
                .examples
                .iter()
                .map(TokenExample::label_tokens)
                .sum(),
            longest: encoded
                .examples
                .iter()
                .map(|example| example.tokens.len())
                .max()
                .unwrap_or(0),
            tree_tokens: trajectories.par_iter().map(nodes).sum(),
            truncated: encoded.truncated,
            dropped: encoded.dropped.clone(),
        }
    }

    /// Tokens per tree token: how much less a prefix tree computes; 1 for an empty data set.
    pub fn sharing(&self) -> f64 {
        if self.tree_tokens == 0 {
            1.0
        } else {
            self.tokens as f64 / self.tree_tokens as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let example = |tokens: &[u32], label_start, trajectory| TokenExample {
            tokens: tokens.to_vec(),
            label_start,
            trajectory,
            turn: 0,
        };
        let encoded = EncodedExamples {
            examples: vec![
                example(&[1, 2, 3], 2, 0),
                example(&[1, 2, 4, 5], 2, 0),
                example(&[1, 2], 0, 4),
            ],
            truncated: 1,
            dropped: BTreeMap::from([(DropReason::NoRoom, 2)]),
        };
        let statistics = DatasetStatistics::new(&encoded);
        let expected = DatasetStatistics {
            trajectories: 2,
            examples: 3,
            tokens: 9,
            label_tokens: 4,
            longest: 4,
            tree_tokens: 7,
            truncated: 1,
            dropped: encoded.dropped,
        };
        assert_eq!(statistics, expected);
        assert_eq!(statistics.sharing(), 9.0 / 7.0);
        assert_eq!(DatasetStatistics::default().sharing(), 1.0);
        let json = serde_json::to_value(&statistics).unwrap_or_default();
        assert_eq!(json["dropped"]["no-room"], 2);
    }
}
