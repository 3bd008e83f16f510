//! What came of a search.

use glpft_data::{Finish, read_finish};

use super::{Progress, Search};
use crate::code::Code;
use crate::rollout::{PathStep, Rollout, RolloutEnd};

impl Search {
    /// What came of it. Where something is still pending, that is left.
    pub fn finish(self) -> Rollout {
        let chosen = match &self.progress {
            Progress::Chains(chains) => chains.chosen(&self.tree),
            Progress::DepthFirst(search) => search.chosen(),
        };
        let answer_file = self.answer_file();
        let path: Vec<PathStep> = chosen
            .or(self.last)
            .map(|node| self.tree.path(node))
            .unwrap_or_default()
            .into_iter()
            .map(|step| step.step.clone())
            .collect();
        let end = match (chosen, path.last()) {
            (Some(_), Some(last)) => end(last),
            _ => RolloutEnd::Nothing,
        };
        Rollout {
            task: self.task.id,
            query: self.task.query,
            end,
            path,
            query_count: self.query_count,
            usage: self.usage,
            calls: self.calls,
            limit: self.limit,
            answer_file,
        }
    }
}

/// How a path ends with its last step.
fn end(last: &PathStep) -> RolloutEnd {
    match last.code {
        Code::GaveUp => RolloutEnd::GiveUp,
        Code::Answered => match read_finish(&last.said.arguments) {
            Some(Finish::Answer(answer)) => RolloutEnd::Answer(answer),
            // The environment reads the same keys.
            Some(Finish::GiveUp) | None => RolloutEnd::Answer(last.said.arguments.clone()),
        },
        _ => RolloutEnd::Nothing,
    }
}
