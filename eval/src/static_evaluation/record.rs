//! A line of `predictions.jsonl`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use glpft_agent::{Generated, Role, StopReason};
use serde::{Deserialize, Serialize};

use super::outcome::StepOutcome;
use crate::entry::Entry;
use crate::error::PredictionsError;

/// One step: a line of `predictions.jsonl`, an object with these keys.
///
/// `tools`, `instruction`, `reference` and `predictions` are those of a predictions file ([`crate::Entry`]), so
/// `glpft eval score` reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The tools to choose from: `[{"Name": "…"}, …]`.
    pub tools: Vec<ToolName>,
    /// What the user asks for.
    pub instruction: String,
    /// What should have been said ([`glpft_agent::reference_text`]).
    pub reference: String,
    /// What was said ([`glpft_agent::Prediction`]).
    pub predictions: String,
    /// The conversation's index in the data, from 0.
    pub trajectory: usize,
    /// The index of the assistant's turn that the step begins with; the turns before it are what was shown.
    pub turn: usize,
    /// What each role that was asked said, in order: the planner, then caller or summarizer; or the backbone, or an agent, alone.
    pub outputs: Vec<Output>,
    /// What it counts.
    pub outcome: StepOutcome,
}

/// A tool, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolName {
    /// What a call must spell.
    #[serde(rename = "Name")]
    pub name: String,
}

/// What a role said, as it said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// `planner`, `caller`, `summarizer` or `backbone`; `agent` of one that calls tools by itself.
    pub role: String,
    /// The text as it was generated; an agent's message as JSON: `content`, and the `function_call`.
    pub text: String,
    /// Why it ended.
    pub ending: Ending,
    /// Tokens of the prompt, after it was cut to the limit.
    pub prompt_tokens: usize,
    /// Tokens that were cut off before them; absent of none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut_tokens: usize,
    /// Oldest turns that an agent was not shown, since they did not fit; absent of none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out_turns: usize,
    /// Whether an agent could not be asked, however many turns were left out: it counts as a give-up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Those of them that did not have to be computed.
    pub cached_tokens: usize,
    /// Tokens generated.
    pub new_tokens: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why an answer ended ([`StopReason`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model ended it.
    EndOfSequence,
    /// The text of a separator came up.
    StopText,
    /// It was as long as an answer may be.
    Length,
    /// It repeated itself.
    Repeats,
}

impl Output {
    /// What a model generated for a role.
    pub(crate) fn new(role: Role, generated: &Generated) -> Self {
        Self {
            role: role.name().to_owned(),
            text: generated.text.clone(),
            ending: match generated.finish {
                StopReason::EndOfSequence => Ending::EndOfSequence,
                StopReason::Stop(_) => Ending::StopText,
                StopReason::Length => Ending::Length,
                StopReason::Repeats => Ending::Repeats,
            },
            prompt_tokens: generated.prompt_tokens,
            cut_tokens: generated.cut_tokens,
            left_out_turns: 0,
            refused: false,
            cached_tokens: generated.cached_tokens,
            new_tokens: generated.new_tokens,
        }
    }
}

impl StepRecord {
    /// What of it is scored.
    pub fn entry(&self) -> Entry {
        Entry {
            tools: self.tools.iter().map(|tool| tool.name.clone()).collect(),
            reference: self.reference.clone(),
            predictions: self.predictions.clone(),
            instruction: Some(self.instruction.clone()),
        }
    }
}

/// Hands every record of a finished evaluation's `predictions.jsonl` to `each`, in order.
///
/// # Errors
/// Where the file cannot be read, or a line is no record.
pub fn read_records(
    path: &Path,
    each: &mut dyn FnMut(StepRecord) -> Result<(), PredictionsError>,
) -> Result<(), PredictionsError> {
    let failed = |source| PredictionsError::Read {
        path: path.to_owned(),
        source,
    };
    let reader = BufReader::new(File::open(path).map_err(failed)?);
    for (index, line) in reader.lines().enumerate() {
        let record = serde_json::from_str(&line.map_err(failed)?);
        each(record.map_err(|source| PredictionsError::Json {
            place: format!("{}:{}", path.display(), index + 1),
            entries: index as u64,
            source,
        })?)?;
    }
    Ok(())
}
