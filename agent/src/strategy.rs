//! The order in which a rollout tries steps, by its names.

use std::fmt;
use std::str::FromStr;

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
    "{0:?} is not a strategy; there are react, dfsdt, CoT@1, CoT@2, …, DFS_woFilter_w2, DFS_wFilter_w2, …"
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
