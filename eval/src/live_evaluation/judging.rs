//! From rollouts to verdicts and the report.

use std::collections::BTreeMap;

use glpft_agent::{Calls, ModelCalls};
use glpft_checkpoints::write_json;

use super::error::LiveError;
use super::observer::LiveObserver;
use super::repetition::Repetition;
use super::report::{Ends, LIVE_FILE, LiveReport, codes};
use super::rollouts::{ROLLOUTS_FILE, read_rollouts, write_verdicts};
use super::run::LiveEvaluation;
use super::tasks::LiveTask;
use crate::day::today;
use crate::judge::{JUDGMENTS_FILE, Judge, Logged};
use crate::manifest::Manifest;
use crate::rollout::{RolloutRecord, Usage};
use crate::tool_eval::{
    Interrupted, Judged, JudgingObserver, ToJudge, ToolEvalScores, judge_rollouts,
};

impl LiveEvaluation<'_> {
    /// Judges all rollouts and writes verdicts and report.
    pub(super) fn judge(
        &self,
        rollouts: &[RolloutRecord],
        model_calls: ModelCalls,
        references: &[Option<RolloutRecord>],
        evaluation: Manifest,
        observer: &mut dyn LiveObserver,
    ) -> Result<LiveReport, LiveError> {
        let settings = &self.settings.judging;
        let Judged { verdicts, unjudged } = match self.judge.rounds() {
            // Such a judgment is the same whenever it is asked for.
            0 | 1 => self.judged(self.judge, rollouts, references, observer)?,
            _ => {
                let mut judge = Logged::open(self.judge, &self.out.join(JUDGMENTS_FILE))?;
                if settings.ask_again {
                    judge = judge.asking_again();
                }
                let judged = self.judged(&judge, rollouts, references, observer)?;
                judge.settle()?;
                judged
            }
        };
        write_verdicts(self.out, &verdicts)?;
        let (mut usage, mut tool_calls) = (Usage::default(), Calls::default());
        for rollout in rollouts {
            usage += rollout.usage;
            tool_calls += &rollout.calls;
        }
        let report = LiveReport {
            judge: self.judge.name(),
            rounds: settings.rounds.min(self.judge.rounds()).max(1),
            reference: self.reference.map(|reference| reference.name.clone()),
            strategy: self.settings.search.strategy.to_string(),
            tasks: rollouts.len(),
            part_of: self.whole.filter(|&whole| whole > rollouts.len()),
            date: today(),
            scores: ToolEvalScores::of(&verdicts, settings.seed),
            ends: Ends::of(rollouts),
            steps: rollouts.iter().map(|rollout| rollout.query_count).sum(),
            codes: codes(rollouts),
            tool_calls,
            model_calls,
            repetition: Repetition::of(rollouts),
            unjudged,
            usage,
            evaluation,
        };
        write_json(&self.out.join(LIVE_FILE), &report)?;
        Ok(report)
    }

    /// The reference's rollout of each task; none of any without a reference.
    pub(super) fn references(&self) -> Result<Vec<Option<RolloutRecord>>, LiveError> {
        let Some(reference) = self.reference else {
            return Ok(self.tasks.iter().map(|_| None).collect());
        };
        let mut by_task: BTreeMap<(String, String), RolloutRecord> =
            read_rollouts(&reference.directory)?
                .into_iter()
                .map(|one| ((one.group.clone(), one.task.clone()), one))
                .collect();
        let found = self.tasks.iter().map(|LiveTask { task, group }| {
            by_task
                .remove(&(group.clone(), task.id.clone()))
                // Tasks of two worlds have the same ids.
                .filter(|one| one.query == task.query)
                .map(Some)
                .ok_or_else(|| LiveError::NotInReference {
                    path: reference.directory.join(ROLLOUTS_FILE),
                    task: task.id.clone(),
                    group: group.clone(),
                })
        });
        found.collect()
    }

    fn judged(
        &self,
        judge: &dyn Judge,
        rollouts: &[RolloutRecord],
        references: &[Option<RolloutRecord>],
        observer: &mut dyn LiveObserver,
    ) -> Result<Judged, LiveError> {
        let all: Vec<ToJudge<'_>> = self
            .tasks
            .iter()
            .zip(rollouts)
            .zip(references)
            .map(|((LiveTask { task, .. }, rollout), reference)| ToJudge {
                task,
                rollout,
                reference: reference.as_ref(),
            })
            .collect();
        let settings = &self.settings.judging;
        let judged = judge_rollouts(judge, &all, settings, self.stop, &mut Judging(observer))?;
        judged.map_err(|Interrupted(done)| self.interrupted(done, "judged"))
    }
}

/// Tells of judging.
struct Judging<'o>(&'o mut dyn LiveObserver);

impl JudgingObserver for Judging<'_> {
    fn judged(&mut self, done: usize, total: usize) {
        self.0.judged(done, total);
    }
}
