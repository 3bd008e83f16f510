//! What steps cost.

use std::ops::AddAssign;

use crate::generate::{Generated, StopReason};

/// What models read and wrote, in tokens; all zero where no model spoke.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Usage {
    /// The prompts'.
    pub prompt_tokens: usize,
    /// Those of them that did not have to be computed.
    pub cached_tokens: usize,
    /// Those that were generated.
    pub new_tokens: usize,
    /// Steps whose prompts lacked their oldest turns, since they did not fit.
    pub shortened_steps: usize,
    /// Steps that nobody was asked for, since no prompt fitted.
    pub refused_steps: usize,
    /// Texts that were ended since they repeated themselves ([`Limits::stop_repeats`](crate::Limits::stop_repeats)).
    pub stopped_repeats: usize,
}

impl Usage {
    /// Prompts and answers together: ToolBench's `total_tokens`.
    pub fn total(self) -> usize {
        self.prompt_tokens + self.new_tokens
    }
}

impl From<&Generated> for Usage {
    fn from(generated: &Generated) -> Self {
        Self {
            prompt_tokens: generated.prompt_tokens,
            cached_tokens: generated.cached_tokens,
            new_tokens: generated.new_tokens,
            stopped_repeats: usize::from(generated.finish == StopReason::Repeats),
            ..Self::default()
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.new_tokens += other.new_tokens;
        self.shortened_steps += other.shortened_steps;
        self.refused_steps += other.refused_steps;
        self.stopped_repeats += other.stopped_repeats;
    }
}

/// What a step has cost so far, and what its prompts lack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub usage: Usage,
    pub left_out: usize,
}
