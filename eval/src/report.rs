//! What scoring tells.

use glpft_agent::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Which;
use crate::intervals::Intervals;
use crate::metric_values::Metrics;

/// Everything that scoring tells; as JSON the metrics stand beside the rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricReport {
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// How many steps of which kind.
    pub counts: Counts,
    /// Plans: reference against prediction.
    pub confusion: Confusion,
    /// Steps that some metric leaves out, and why.
    pub skipped: Skipped,
    /// Texts at which the published script ends with an error, and that have a documented value here.
    pub mended: Mended,
    /// The first few of the skipped and the mended.
    pub notes: Vec<Note>,
    /// How sure the metrics are; none with fewer than two trajectories (or steps) to draw from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
}

/// What stands beside the metrics.
#[derive(Deserialize)]
struct Beside {
    counts: Counts,
    confusion: Confusion,
    skipped: Skipped,
    mended: Mended,
    notes: Vec<Note>,
    intervals: Option<Intervals>,
}

impl MetricReport {
    /// Reads what was written as JSON; other keys are let be. (Derived, it could not read the metrics: numbers of
    /// arbitrary precision do not pass through a flattened field.)
    ///
    /// # Errors
    /// Where a part is absent or of another type.
    pub fn from_value(value: &Value) -> Result<Self, serde_json::Error> {
        let Beside {
            counts,
            confusion,
            skipped,
            mended,
            notes,
            intervals,
        } = Beside::deserialize(value)?;
        Ok(Self {
            metrics: Metrics::deserialize(value)?,
            counts,
            confusion,
            skipped,
            mended,
            notes,
            intervals,
        })
    }

    /// How many skipped and mended texts there are, of which [`MetricReport::notes`] names the first.
    pub fn problems(&self) -> u64 {
        let mended = &self.mended;
        self.skipped.reference_arguments_not_json
            + mended.predictions_without_separator
            + mended.references_without_separator
            + mended.predictions_without_answer
            + mended.references_without_answer
            + mended.empty_answers
    }
}

/// How many steps of which kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All steps.
    pub steps: u64,
    /// Trajectories, where every entry has an `instruction`: entries of equal instruction and tools are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trajectories: Option<u64>,
    /// Steps by what the reference does.
    pub reference: Row,
    /// Steps by what was predicted.
    pub predicted: Row,
    /// Steps that count to `easy_f1` because the reference has no arguments.
    pub easy: u64,
    /// Steps that count to `hard_f1` because it has some.
    pub hard: u64,
    /// Calls of other tools than the reference's; they count as 0 to `easy_f1`, `hard_f1` and `f1`.
    pub other_action: u64,
    /// Predicted calls of tools that were not offered.
    pub hallucinated: u64,
    /// References that call a tool that was not offered.
    pub hallucinated_references: u64,
}

/// A number for each plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Calls.
    pub call: u64,
    /// Answers.
    pub finish: u64,
    /// Give-ups.
    pub give_up: u64,
}

impl Row {
    /// The number of a plan.
    pub fn get(&self, plan: Plan) -> u64 {
        match plan {
            Plan::Call => self.call,
            Plan::Finish => self.finish,
            Plan::GiveUp => self.give_up,
        }
    }

    pub(crate) fn count(&mut self, plan: Plan) {
        *match plan {
            Plan::Call => &mut self.call,
            Plan::Finish => &mut self.finish,
            Plan::GiveUp => &mut self.give_up,
        } += 1;
    }
}

/// How often which plan was predicted (the columns) where the reference has which (the rows).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Where the reference calls.
    pub call: Row,
    /// Where it answers.
    pub finish: Row,
    /// Where it gives up.
    pub give_up: Row,
}

impl Confusion {
    /// The row of a reference's plan.
    pub fn get(&self, reference: Plan) -> &Row {
        match reference {
            Plan::Call => &self.call,
            Plan::Finish => &self.finish,
            Plan::GiveUp => &self.give_up,
        }
    }

    pub(crate) fn count(&mut self, reference: Plan, predicted: Plan) {
        match reference {
            Plan::Call => &mut self.call,
            Plan::Finish => &mut self.finish,
            Plan::GiveUp => &mut self.give_up,
        }
        .count(predicted);
    }
}

/// Steps that some metric leaves out, as the published script does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The action is right, but the reference's own arguments are not JSON: not in `easy_f1`, `hard_f1` and `f1`.
    pub reference_arguments_not_json: u64,
}

/// Texts at which the published script ends with an error, by text and reason. [`glpft_agent::parse_step`] and
/// [`crate::score_step`] say what stands instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// Predicted calls without `</s>`.
    pub predictions_without_separator: u64,
    /// The same of references.
    pub references_without_separator: u64,
    /// Predicted answers whose `conclusion:` no space follows.
    pub predictions_without_answer: u64,
    /// The same of references.
    pub references_without_answer: u64,
    /// Answers compared of which one is empty, or nothing but full stops.
    pub empty_answers: u64,
}

/// A step that was skipped or mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its entry, counted from 0.
    pub entry: u64,
    /// Which text is at fault.
    pub which: Which,
    /// What is wrong with it.
    pub problem: String,
}
