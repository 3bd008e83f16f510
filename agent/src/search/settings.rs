//! How a rollout searches.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use glpft_recipes::Observations;

use super::rank::Rank;
use crate::environment::OBSERVATION_CHARACTERS;

/// The order in which steps are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// ReACT, `CoT@n`: fresh chains, one after the other, until one answers.
    React {
        /// At most so many.
        chains: usize,
    },
    /// DFSDT: a depth-first search of a tree of steps, `DFS_woFilter_w2`.
    DepthFirst {
        /// The children that a node may have.
        width: usize,
        /// Whether all children of a node are made first and the best goes on first.
        filter: bool,
    },
}

impl Strategy {
    /// ReACT with one chain, as published.
    pub const REACT: Strategy = Strategy::React { chains: 1 };
    /// DFSDT with two children a node, as published.
    pub const DFSDT: Strategy = Strategy::DepthFirst {
        width: 2,
        filter: false,
    };
}

/// ToolBench's name for it, which ends the names of answer files.
impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::React { chains } => write!(f, "CoT@{chains}"),
            Strategy::DepthFirst { width, filter } => {
                let filter = if *filter { "wFilter" } else { "woFilter" };
                write!(f, "DFS_{filter}_w{width}")
            }
        }
    }
}

/// A text that names no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no strategy; there are react, dfsdt, CoT@1, CoT@2, …, DFS_woFilter_w2, DFS_wFilter_w2, …"
)]
pub struct StrategyError(String);

/// `react`, `dfsdt`, or a name of ToolBench's.
impl FromStr for Strategy {
    type Err = StrategyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| digits.parse().ok().filter(|&number: &usize| number > 0);
        let depth_first =
            |digits, filter| number(digits).map(|width| Strategy::DepthFirst { width, filter });
        let strategy = match text {
            "react" => Some(Strategy::REACT),
            "dfsdt" => Some(Strategy::DFSDT),
            _ => {
                if let Some(digits) = text.strip_prefix("CoT@") {
                    number(digits).map(|chains| Strategy::React { chains })
                } else if let Some(digits) = text.strip_prefix("DFS_woFilter_w") {
                    depth_first(digits, false)
                } else if let Some(digits) = text.strip_prefix("DFS_wFilter_w") {
                    depth_first(digits, true)
                } else {
                    None
                }
            }
        };
        strategy.ok_or_else(|| StrategyError(text.to_owned()))
    }
}

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
