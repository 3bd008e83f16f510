//! `live.json`.

use std::collections::BTreeMap;

use glpft_agent::{Calls, Code, ModelCalls};
use glpft_recipes::counted;
use serde::{Deserialize, Serialize};

use super::repetition::Repetition;
use crate::manifest::Manifest;
use crate::rollout::{End, RolloutRecord, Usage};
use crate::tool_eval::{ToolEvalScores, UnjudgedPart, UnjudgedTask};

/// The report's file.
pub const LIVE_FILE: &str = "live.json";

/// What a live evaluation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveReport {
    /// Who judged: `offline`, or the model. Scores of different judges are not to be compared.
    pub judge: String,
    /// How often each question was asked.
    pub rounds: usize,
    /// What the win rates are against; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// ToolBench's name of the strategy.
    pub strategy: String,
    /// Tasks that were asked, whatever came of them: what rates are shares of, but for what the judge gave no judgment of.
    pub tasks: usize,
    /// How many tasks there are, where these are a part of them; absent where all were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<usize>,
    /// The day of the judging, in UTC; empty in reports of earlier versions.
    #[serde(default)]
    pub date: String,
    /// Pass and win rates, by test set and on average.
    pub scores: ToolEvalScores,
    /// How rollouts ended.
    pub ends: Ends,
    /// Steps that were said, those of dead ends included.
    pub steps: usize,
    /// Of the steps of the paths that rollouts ended with, by what came of them: the environment's codes.
    pub codes: BTreeMap<u8, usize>,
    /// All calls of tools, those of dead ends included, and how many of them reached no tool. Where these are many, the
    /// scores measure little.
    #[serde(default, skip_serializing_if = "Calls::is_empty")]
    pub tool_calls: Calls,
    /// Calls of models' servers, and how many failed for reasons that are no model's. They were made again: no rate counts them.
    #[serde(default, skip_serializing_if = "ModelCalls::is_empty")]
    pub model_calls: ModelCalls,
    /// Calls that were made before, and texts that loop.
    #[serde(default)]
    pub repetition: Repetition,
    /// What the judge gave no judgment of. No rate counts it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<UnjudgedTask>,
    /// What models read and wrote.
    pub usage: Usage,
    /// What was evaluated, and how.
    pub evaluation: Manifest,
}

/// How rollouts ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// With an answer.
    pub answer: usize,
    /// With a give-up.
    pub give_up: usize,
    /// With neither.
    pub nothing: usize,
}

impl Ends {
    pub(super) fn of(rollouts: &[RolloutRecord]) -> Self {
        let mut ends = Self::default();
        for rollout in rollouts {
            *match rollout.end {
                End::Answer => &mut ends.answer,
                End::GiveUp => &mut ends.give_up,
                End::Nothing => &mut ends.nothing,
            } += 1;
        }
        ends
    }
}

/// How often each code came up on the rollouts' paths.
pub(super) fn codes(rollouts: &[RolloutRecord]) -> BTreeMap<u8, usize> {
    let mut codes = BTreeMap::new();
    for step in rollouts.iter().flat_map(|rollout| &rollout.path) {
        *codes.entry(step.code).or_insert(0) += 1;
    }
    codes
}

/// How many of the tasks without a judgment are told by name.
const NAMED: usize = 8;

impl LiveReport {
    /// What is to be known of the scores, in a sentence each: how many calls reached no tool, and which tasks have no
    /// judgment. Whether it is a warning.
    pub fn notes(&self) -> Vec<(bool, String)> {
        let mut notes = Vec::new();
        if let Some(all) = self.part_of {
            notes.push((
                false,
                format!(
                    "a part: only {} of {} were asked; rates are of these",
                    self.tasks,
                    counted(all, "task", "tasks")
                ),
            ));
        }
        if let Some(told) = self.repetition.told() {
            notes.push((false, told));
        }
        let stopped = self.usage.stopped_repeats;
        if stopped > 0 {
            notes.push((
                false,
                format!(
                    "{} ended by --stop-repeats, because of repetition",
                    counted(stopped, "text was", "texts were")
                ),
            ));
        }
        if let Some(told) = self.tool_calls.told() {
            notes.push((self.tool_calls.lacks_many(), told));
        }
        if let Some(told) = self.model_calls.told() {
            notes.push((self.model_calls.lacks_many(), told));
        }
        let parts = [
            (UnjudgedPart::Passing, "have no judgment", "rates"),
            (UnjudgedPart::Comparison, "are not compared", "win rates"),
        ];
        for (part, what, rates) in parts {
            let all: Vec<&UnjudgedTask> = self
                .unjudged
                .iter()
                .filter(|one| one.part == part)
                .collect();
            if all.is_empty() {
                continue;
            }
            let named: Vec<String> = all
                .iter()
                .take(NAMED)
                .map(|one| format!("{} of {} ({})", one.task, one.group, one.reason))
                .collect();
            let more = match all.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more, in {LIVE_FILE}"),
            };
            notes.push((
                true,
                format!(
                    "{} of {} {what}; {rates} are of the others{}: {}{more}",
                    all.len(),
                    counted(self.tasks, "task", "tasks"),
                    self.least(part, all.len()),
                    named.join("; ")
                ),
            ));
        }
        notes
    }

    /// The least that the pass rate may be: so many tasks without a judgment taken for failed ones.
    fn least(&self, part: UnjudgedPart, unjudged: usize) -> String {
        match (part, &self.scores.pass_rate) {
            (UnjudgedPart::Passing, Some(rates)) => {
                let judged: usize = rates.groups.iter().map(|group| group.tasks).sum();
                let passed: f64 = rates
                    .groups
                    .iter()
                    .map(|group| group.rate.rate * group.tasks as f64)
                    .sum();
                let least = 100.0 * passed / (judged + unjudged).max(1) as f64;
                format!(" (were all of these failed, {least:.1} % of all tasks would pass)")
            }
            _ => String::new(),
        }
    }

    /// Calls of tools, and those of them that no tool replied to, on the paths that rollouts ended with.
    pub fn calls(&self) -> (usize, usize) {
        let finishes = [Code::UnreadableFinish, Code::Answered, Code::GaveUp].map(Code::number);
        let calls = self
            .codes
            .iter()
            .filter(|(code, _)| !finishes.contains(code));
        let all: usize = calls.map(|(_, count)| count).sum();
        let replied = self.codes.get(&Code::Replied.number()).copied();
        (all, all - replied.unwrap_or_default())
    }
}
