//! A conversation: a trajectory as turns between the user, the roles and the tools (the pipeline's stage 2).

mod messages;

use serde::Serialize;

use crate::field::Field;
use crate::marks::Marks;
use crate::query::level_query;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::tool::{Tool, read_tools};
use crate::trajectory::Trajectory;
use crate::turn::{Turn, read_turns};

pub use messages::call_turns;

/// A trajectory as turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conversation {
    /// What splits are made by: the instruction, levelled ([`level_query`]).
    #[serde(skip)]
    pub query: String,
    /// The tools to choose from.
    pub tools: Vec<Tool>,
    /// What the user asks for; also the first turn.
    pub instruction: String,
    /// The turns in order.
    #[serde(rename = "conversations")]
    pub turns: Vec<Turn>,
    /// What else is known of it.
    #[serde(skip)]
    pub marks: Marks,
}

impl Conversation {
    /// Turns a trajectory's messages into turns.
    pub fn from_trajectory(
        trajectory: &Trajectory,
        options: &ReadOptions,
    ) -> Result<Self, RecordError> {
        let turns = messages::read(trajectory, options)?;
        Ok(Self {
            query: trajectory.query.clone(),
            tools: trajectory.tools.clone(),
            instruction: trajectory.instruction.clone(),
            turns,
            marks: Marks::default(),
        })
    }

    /// Reads an element of a stage-2 file.
    pub(crate) fn from_stage(field: &Field<'_>) -> Result<Self, RecordError> {
        let instruction = field.key("instruction")?.text()?;
        let turns = read_turns(&field.key("conversations")?)?;
        Ok(Self {
            query: level_query(instruction),
            tools: read_tools(&field.key("tools")?)?,
            instruction: instruction.to_owned(),
            turns,
            marks: Marks::default(),
        })
    }
}
