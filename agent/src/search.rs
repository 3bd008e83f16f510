//! A rollout as a state machine: what is to be said next, and what becomes of it once it is said.

mod answer_file;
mod chains;
mod depth_first;
mod diversity;
mod messages;
mod outcome;
mod rank;
mod settings;
mod tree;

use std::time::Instant;

use glpft_data::{HALLUCINATED, Speaker, Turn, observation_text};
use glpft_recipes::Observations;

use crate::calls::Calls;
use crate::code::Code;
use crate::environment;
use crate::policy::Asked;
use crate::policy_message::{FINISH, PolicyMessage};
use crate::rollout::{Limit, PathStep};
use crate::strategy::Strategy;
use crate::task::Task;
use crate::tool_server::ToolServer;
use crate::usage::Usage;

pub use rank::{Rank, RepliesFirst};
pub use settings::SearchSettings;

use chains::Chains;
use depth_first::DepthFirst;
use tree::{NodeId, Step, Tree};

/// One task's rollout.
///
/// As long as there is something [`Search::pending`], a policy says it and [`Search::advance`] takes it on; then
/// [`Search::finish`] tells what came of it. The search itself is deterministic and asks nobody: many of them can be kept
/// in step, so that one call of a model serves all.
pub struct Search {
    task: Task,
    settings: SearchSettings,
    tree: Tree,
    progress: Progress,
    pending: Option<Pending>,
    last: Option<NodeId>,
    query_count: usize,
    usage: Usage,
    calls: Calls,
    started: Instant,
    limit: Option<Limit>,
}

/// Where a strategy stands.
enum Progress {
    Chains(Chains),
    DepthFirst(DepthFirst),
}

/// A step to be said: below this node, with this demand to do otherwise, after these turns.
struct Pending {
    node: NodeId,
    diversity: Option<String>,
    turns: Vec<Turn>,
}

/// What a strategy wants next.
enum Next {
    /// A step below this node.
    Ask(NodeId),
    /// Nothing more.
    End,
}

impl Search {
    /// The beginning of a rollout. Its time begins now.
    pub fn new(task: Task, settings: SearchSettings) -> Self {
        let mut tree = Tree::default();
        let root = tree.add_root();
        let (progress, next) = match settings.strategy {
            Strategy::React { chains } => (Progress::Chains(Chains::new(chains)), Next::Ask(root)),
            Strategy::DepthFirst { width, filter } => {
                let (search, next) = DepthFirst::new(&mut tree, root, width, filter, &settings);
                (Progress::DepthFirst(search), next)
            }
        };
        let mut search = Self {
            task,
            settings,
            tree,
            progress,
            pending: None,
            last: None,
            query_count: 0,
            usage: Usage::default(),
            calls: Calls::default(),
            started: Instant::now(),
            limit: None,
        };
        search.go_on(next);
        search
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// What is to be said next; `None`: the rollout is over.
    pub fn pending(&self) -> Option<Asked<'_>> {
        self.pending.as_ref().map(|pending| Asked {
            task: &self.task,
            turns: &pending.turns,
            instruction: 0,
            count: self.query_count,
        })
    }

    /// Takes on what was said to what is [`Search::pending`]: the environment's step, and the strategy's. Returns the step
    /// as it stands in the path; none where a limit discarded it, or where nothing was pending.
    pub fn advance(&mut self, said: PolicyMessage, server: &dyn ToolServer) -> Option<&PathStep> {
        let pending = self.pending.take()?;
        self.query_count += 1;
        self.usage += said.usage;
        // The published search counts first and discards what reaches the budget.
        self.limit = if self.query_count >= self.settings.queries {
            Some(Limit::Queries)
        } else if self.usage.total() >= self.settings.tokens.unwrap_or(usize::MAX) {
            Some(Limit::Tokens)
        } else {
            None
        };
        if self.limit.is_some() && !self.keeps_the_last() {
            return None;
        }
        let step = self.observe(said, server);
        let leaf = self.tree.add_step(
            pending.node,
            Step {
                step,
                diversity: pending.diversity,
                parent: pending.node,
            },
        );
        self.last = Some(leaf);
        if self.limit.is_none()
            && self
                .settings
                .time
                .is_some_and(|t| self.started.elapsed() >= t)
        {
            self.limit = Some(Limit::Time);
        }
        let next = match &mut self.progress {
            Progress::Chains(chains) => chains.take(&mut self.tree, leaf, &self.settings),
            Progress::DepthFirst(search) => {
                search.take(&mut self.tree, &self.task, leaf, &self.settings)
            }
        };
        match next {
            // What has just ended the search has not been cut off by a limit.
            Next::End => self.limit = None,
            next if self.limit.is_none() => self.go_on(next),
            Next::Ask(_) => {}
        }
        self.tree.step(leaf).map(|step| &step.step)
    }

    /// A single chain has no budget in the published agent: its last step counts.
    fn keeps_the_last(&self) -> bool {
        matches!(self.progress, Progress::Chains(_))
    }

    /// The environment's word on a step. A call of a function that does not exist is renamed in the turns.
    fn observe(&mut self, mut said: PolicyMessage, server: &dyn ToolServer) -> PathStep {
        let observed = environment::step(
            &self.task,
            server,
            &said.function,
            &said.arguments,
            self.settings.observation_characters,
        );
        if observed.code == Code::NoSuchFunction {
            said.turns = said.renamed(HALLUCINATED);
        } else if said.function != FINISH {
            self.calls.add(observed.unreached);
        }
        PathStep {
            said,
            observation: observed.content,
            code: observed.code,
        }
    }

    fn go_on(&mut self, next: Next) {
        let Next::Ask(node) = next else { return };
        let diversity = match self.progress {
            Progress::Chains(_) => None,
            Progress::DepthFirst(_) => diversity::message(&self.tree, node),
        };
        let turns = self.turns(node, diversity.as_deref());
        self.pending = Some(Pending {
            node,
            diversity,
            turns,
        });
    }

    /// The path to a node as turns, and the user's demand to do otherwise. Of earlier demands on the path the last one
    /// stands where it was, if this is none: so do trajectories that are trained on.
    fn turns(&self, node: NodeId, diversity: Option<&str>) -> Vec<Turn> {
        let user = |text: &str| Turn {
            from: Speaker::User,
            value: text.to_owned(),
        };
        let mut turns = vec![user(&self.task.query)];
        let path = self.tree.path(node);
        let kept = match diversity {
            None if self.settings.earlier_demands => {
                path.iter().rposition(|step| step.diversity.is_some())
            }
            _ => None,
        };
        for (index, step) in path.iter().enumerate() {
            if kept == Some(index)
                && let Some(text) = &step.diversity
            {
                turns.push(user(text));
            }
            turns.extend(step.step.said.turns.iter().cloned());
            turns.push(Turn {
                from: Speaker::Observation,
                value: observed(&step.step.observation, self.settings.observations),
            });
        }
        turns.extend(diversity.map(user));
        turns
    }
}

/// The observation that stands in prompts.
fn observed(content: &str, observations: Observations) -> String {
    observation_text(content, observations)
        .or_else(|_| observation_text(content, Observations::ResponseOrError))
        .unwrap_or_else(|_| content.to_owned())
}
