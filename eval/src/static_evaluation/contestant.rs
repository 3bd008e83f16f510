//! Who is asked about the steps.

use std::fmt;

use glpft_agent::{Generate, ModelCalls, Policy};

/// Who answers the steps of a static evaluation.
pub enum Contestant<'g> {
    /// Models that write a role's text, or a whole step's.
    Models(Box<dyn Generate + 'g>),
    /// An agent that calls tools by itself.
    Agent(Box<dyn Policy + 'g>),
}

impl Contestant<'_> {
    /// The calls of servers that were made so far.
    pub(crate) fn server_calls(&self) -> ModelCalls {
        match self {
            Contestant::Models(models) => models.server_calls(),
            Contestant::Agent(agent) => agent.server_calls(),
        }
    }

    /// Lets go of what is kept of earlier steps.
    pub(crate) fn forget(&mut self) {
        match self {
            Contestant::Models(models) => models.forget(),
            Contestant::Agent(agent) => agent.forget(),
        }
    }
}

impl fmt::Debug for Contestant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contestant::Models(_) => "Models",
            Contestant::Agent(_) => "Agent",
        })
    }
}
