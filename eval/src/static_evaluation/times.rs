//! Where the time goes: a line of `times.jsonl` for each batch, and their sum.

use std::ops::AddAssign;

use glpft_agent::{ModelCalls, Role};
use serde::{Deserialize, Serialize};

use super::settings::AGENT;

/// The file of the batches' times.
pub const TIMES_FILE: &str = "times.jsonl";

/// Wall time by part, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Loading models.
    pub loading: f64,
    /// Building prompts, reading answers, scoring steps.
    pub text: f64,
    /// Waiting for the planner.
    pub planner: f64,
    /// For the caller.
    pub caller: f64,
    /// For the summarizer.
    pub summarizer: f64,
    /// For a single model.
    pub backbone: f64,
    /// For an agent that calls tools by itself.
    #[serde(default)]
    pub agent: f64,
    /// Writing predictions.
    pub writing: f64,
    /// Scoring the whole, once every step is answered.
    pub scoring: f64,
    /// Calls of models' servers that were made meanwhile, and how many failed for reasons that are no model's.
    #[serde(default, skip_serializing_if = "ModelCalls::is_empty")]
    pub model_calls: ModelCalls,
    /// Whether the batch ended before it was answered: of such a one there are calls and nothing else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

impl Times {
    /// Of a batch that ended before it was answered.
    pub(crate) fn unfinished(model_calls: ModelCalls) -> Self {
        Self {
            model_calls,
            unfinished: true,
            ..Self::default()
        }
    }

    /// The time of waiting for whom reports call so: a role by its name, or `agent`.
    pub fn of(&self, name: &str) -> f64 {
        let role = Role::ALL.into_iter().find(|role| role.name() == name);
        match role {
            Some(role) => self.role(role),
            None if name == AGENT => self.agent,
            None => 0.0,
        }
    }

    /// The time of waiting for a role.
    pub fn role(&self, role: Role) -> f64 {
        match role {
            Role::Planner => self.planner,
            Role::Caller => self.caller,
            Role::Summarizer => self.summarizer,
            Role::Backbone => self.backbone,
        }
    }

    pub(crate) fn role_mut(&mut self, role: Role) -> &mut f64 {
        match role {
            Role::Planner => &mut self.planner,
            Role::Caller => &mut self.caller,
            Role::Summarizer => &mut self.summarizer,
            Role::Backbone => &mut self.backbone,
        }
    }

    /// The time of waiting for models.
    pub fn generation(&self) -> f64 {
        let roles: f64 = Role::ALL.iter().map(|&role| self.role(role)).sum();
        roles + self.agent
    }

    /// All of it.
    pub fn total(&self) -> f64 {
        self.loading + self.text + self.generation() + self.writing + self.scoring
    }
}

impl AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.loading += other.loading;
        self.text += other.text;
        self.agent += other.agent;
        self.writing += other.writing;
        self.scoring += other.scoring;
        self.model_calls += &other.model_calls;
        for role in Role::ALL {
            *self.role_mut(role) += other.role(role);
        }
    }
}
