//! How a rollout searches.

use std::sync::Arc;
use std::time::Duration;

use glpft_recipes::Observations;

use super::rank::Rank;
use crate::environment::OBSERVATION_CHARACTERS;
use crate::strategy::Strategy;

/// How a rollout searches, and when it ends.
#[derive(Clone, Debug)]
pub struct SearchSettings {
    /// The order in which steps are tried.
    pub strategy: Strategy,
    /// A path ends at this depth, in nodes. A step is three (thought, action, action input), two without a thought.
    pub depth: usize,
    /// The rollout ends at this many steps. Of a tree the last one is discarded, as published.
    pub queries: usize,
    /// The rollout ends when models have read and written this many tokens.
    pub tokens: Option<usize>,
    /// The rollout ends with the first step after this time. What it does then depends on the clock.
    pub time: Option<Duration>,
    /// An observation is cut to this many characters.
    pub observation_characters: usize,
    /// How observations become turns; the data's setting.
    pub observations: Observations,
    /// Whether prompts keep the last of the user's earlier demands to do otherwise, as the data does that is made of such
    /// paths. Without, a demand stands in the prompt that it asks with and in no later one, and prompts share more of their
    /// beginnings: the one that a later demand takes the place of breaks them off there.
    pub earlier_demands: bool,
    /// Who tells which candidate goes on first, where the strategy filters; `None`: in the order they were made.
    pub rank: Option<Arc<dyn Rank>>,
}

impl SearchSettings {
    /// The published limits (ToolBench, `qa_pipeline`: 12 nodes deep, 200 steps, observations of 1024 characters).
    pub fn published(strategy: Strategy) -> Self {
        Self {
            strategy,
            depth: 12,
            queries: 200,
            tokens: None,
            time: None,
            observation_characters: OBSERVATION_CHARACTERS,
            observations: Observations::ResponseOrError,
            earlier_demands: true,
            rank: None,
        }
    }
}
