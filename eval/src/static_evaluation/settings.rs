//! How a static evaluation is done.

use std::collections::BTreeMap;

use glpft_agent::{Limits, Sampling};
use glpft_recipes::Behaviour;

/// What [`Answerer::Agent`] is called in files.
pub(crate) const AGENT: &str = "agent";

/// Who answers a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answerer {
    /// Planner, caller and summarizer.
    Team,
    /// One model, the backbone, that writes whole steps.
    Single,
    /// An agent that calls tools by itself.
    Agent,
}

impl Answerer {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Answerer::Team => "team",
            Answerer::Single => "single",
            Answerer::Agent => AGENT,
        }
    }
}

/// How a static evaluation is done. The default is `fixed`: greedy, all of the data, prompts as in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StaticSettings {
    /// `fixed`: prompts as in training, and an answer also ends at the text `</s>`. `compat`: the published
    /// evaluation's prompts ([`glpft_agent::StepPrompts`]). Scores are the same for both:
    /// [`crate::score_step`] with [`Behaviour::Fixed`].
    pub behaviour: Behaviour,
    /// Whether `system: ` stands before a prompt. The published evaluation never does it.
    pub system_prefix: bool,
    /// Only the first so many conversations of the data.
    pub trajectories: Option<usize>,
    /// Only the first so many of their steps.
    pub steps: Option<usize>,
    /// The longest prompt and answer, in tokens of the role that answers.
    pub limits: Limits,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// How many trajectories are answered together: at least 1. More are faster where memory allows.
    pub batch: usize,
    /// Seeds the confidence intervals.
    pub seed: u64,
}

impl Default for StaticSettings {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::Fixed,
            system_prefix: true,
            trajectories: None,
            steps: None,
            limits: Limits::STATIC,
            sampling: Sampling::Greedy,
            batch: 4,
            seed: 0,
        }
    }
}

impl StaticSettings {
    /// The published evaluation's prompts and limits; greedy, where it draws.
    pub fn compat() -> Self {
        Self {
            behaviour: Behaviour::Compat,
            system_prefix: false,
            ..Self::default()
        }
    }

    /// By name, what of it decides what is predicted.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let number = |number: Option<usize>| number.map_or("all".to_owned(), |n| n.to_string());
        let sampling = match self.sampling {
            Sampling::Greedy => "greedy".to_owned(),
            Sampling::Random {
                temperature,
                top_p,
                top_k,
                seed,
            } => format!(
                "temperature {temperature}, top-p {top_p}, top-k {}, seed {seed}",
                number(top_k)
            ),
        };
        let mut facts: BTreeMap<String, String> = [
            ("behaviour", self.behaviour.name().to_owned()),
            ("system prefix", self.system_prefix.to_string()),
            ("trajectories", number(self.trajectories)),
            ("steps", number(self.steps)),
            ("prompt tokens", self.limits.prompt_tokens.to_string()),
            ("new tokens", self.limits.new_tokens.to_string()),
            ("sampling", sampling),
            ("batch", self.batch.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        // Named where it is asked for, so that older evaluations go on.
        if let Some(times) = self.limits.stop_repeats {
            facts.insert("stop repeats".to_owned(), times.to_string());
        }
        facts
    }
}
