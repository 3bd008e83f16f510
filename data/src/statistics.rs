//! What `prepare` tells about a data set.

use crate::encode::EncodedExamples;
use crate::truncate::DropReason;
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
    /// The tokens that these lost.
    pub cut_tokens: usize,
    /// Tokens of targets that are not learned, because they were cut or their example was left out.
    pub lost_label_tokens: usize,
    /// Examples left out, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
}

impl DatasetStatistics {
    /// Counts all examples of one more trajectory, whose prefix tree has `tree_tokens` nodes.
    pub fn add(&mut self, trajectory: &EncodedExamples, tree_tokens: usize) {
        let examples = &trajectory.examples;
        self.trajectories += usize::from(!examples.is_empty());
        self.examples += examples.len();
        self.tree_tokens += tree_tokens;
        for example in examples {
            self.tokens += example.tokens.len();
            self.label_tokens += example.label_tokens();
            self.longest = self.longest.max(example.tokens.len());
        }
        self.truncated += trajectory.truncated;
        self.cut_tokens += trajectory.cut_tokens;
        self.lost_label_tokens += trajectory.lost_label_tokens;
        for (&reason, count) in &trajectory.dropped {
            *self.dropped.entry(reason).or_default() += count;
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
    use crate::encode::TokenExample;

    #[test]
    fn counts() {
        let example = |tokens: &[u32], label_start, trajectory| TokenExample {
            tokens: tokens.to_vec(),
            label_start,
            role_start: 0,
            trajectory,
            turn: 0,
        };
        let mut statistics = DatasetStatistics::default();
        let first = EncodedExamples {
            examples: vec![example(&[1, 2, 3], 2, 0), example(&[1, 2, 4, 5], 2, 0)],
            truncated: 1,
            cut_tokens: 3,
            lost_label_tokens: 1,
            dropped: BTreeMap::from([(DropReason::NoRoom, 2)]),
        };
        let second = EncodedExamples {
            examples: vec![example(&[1, 2], 0, 4)],
            ..EncodedExamples::default()
        };
        statistics.add(&first, 5);
        statistics.add(&EncodedExamples::default(), 0);
        statistics.add(&second, 2);
        let expected = DatasetStatistics {
            trajectories: 2,
            examples: 3,
            tokens: 9,
            label_tokens: 4,
            longest: 4,
            tree_tokens: 7,
            truncated: 1,
            cut_tokens: 3,
            lost_label_tokens: 1,
            dropped: first.dropped,
        };
        assert_eq!(statistics, expected);
        assert_eq!(statistics.sharing(), 9.0 / 7.0);
        assert_eq!(DatasetStatistics::default().sharing(), 1.0);
        let json = serde_json::to_value(&statistics).unwrap_or_default();
        assert_eq!(json["dropped"]["no-room"], 2);
    }
}
