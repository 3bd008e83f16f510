//! What a step decides.

use std::fmt;

/// What a step of the team comes to, read from its text by [`crate::parse_step`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// A tool is called.
    Call {
        /// The tool's name as the step spells it; `none` where it spells none.
        action: String,
        /// The arguments' text, which need not be JSON; `{}` where the step has none.
        input: String,
    },
    /// The user gets an answer.
    Finish {
        /// The answer; may be empty.
        answer: String,
    },
    /// The task is given up.
    GiveUp,
}

impl Decision {
    /// Which of the three it is.
    pub fn plan(&self) -> Plan {
        match self {
            Decision::Call { .. } => Plan::Call,
            Decision::Finish { .. } => Plan::Finish,
            Decision::GiveUp => Plan::GiveUp,
        }
    }
}

/// What a planner chooses between: the label that plan accuracy compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plan {
    /// The caller is next.
    Call,
    /// The summarizer is next.
    Finish,
    /// Nobody is.
    GiveUp,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Plan; 3] = [Plan::Call, Plan::Finish, Plan::GiveUp];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Plan::Call => "call",
            Plan::Finish => "finish",
            Plan::GiveUp => "give_up",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
