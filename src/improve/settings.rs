//! How a run improves itself.

use std::collections::BTreeMap;

use glpft_agent::{Limits, Sampling};
use glpft_data::{Purpose, Random};
use glpft_eval::live_evaluation::LiveSettings;
use glpft_recipes::{Precision, Stage};

/// What each round's stages start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundStart {
    /// The models of the best round so far, which also played the tasks.
    Last,
    /// What the recipe says, which usually is the run's global model (ReST-EM, arXiv 2312.06585; STaR, arXiv 2203.14465).
    Global,
}

impl RoundStart {
    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            RoundStart::Last => "last",
            RoundStart::Global => "global",
        }
    }
}

/// How a run improves itself. All but the number of rounds decides what comes out.
#[derive(Clone, Debug)]
pub struct ImproveSettings {
    /// How many rounds there are, unless one has nothing to learn.
    pub rounds: usize,
    /// How many rollouts of each training task a round makes.
    pub samples: usize,
    /// How these are drawn; the seed is that of all rounds.
    pub sampling: Sampling,
    /// Which local stages are trained again.
    pub roles: Vec<Stage>,
    /// What they start from.
    pub from: RoundStart,
    /// The weight of what is kept beside the run's own data ([`SourceRecipe::weight`](glpft_recipes::SourceRecipe::weight)).
    pub weight: f64,
    /// How tasks are searched and judged, in sampling and in measuring.
    pub live: LiveSettings,
    /// How long prompts and answers may be.
    pub limits: Limits,
    /// The precision of the layers' products where models answer.
    pub precision: Precision,
    /// The most bytes that are kept of prompts; no answer hangs on it.
    pub cache_bytes: Option<usize>,
}

impl ImproveSettings {
    /// How a round's rollouts are drawn: the seed is a function of all rounds' and the round's number. What a step draws is
    /// then one of this seed, the task, the sample, the step and the role ([`PolicySettings`](glpft_agent::PolicySettings)).
    pub(super) fn sampling(&self, round: usize) -> Sampling {
        let mut sampling = self.sampling;
        if let Sampling::Random { seed, .. } = &mut sampling {
            *seed = Random::new(*seed, None, round as u64, Purpose::Sampling).u64(0);
        }
        sampling
    }

    /// By name, what of it decides the rounds.
    pub(super) fn facts(&self) -> BTreeMap<String, String> {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let judging = &self.live.judging;
        let mut facts = self.live.facts();
        facts.extend(
            [
                ("kind", "improve".to_owned()),
                ("samples", self.samples.to_string()),
                ("sampling", format!("{:?}", self.sampling)),
                ("roles", roles.join(", ")),
                ("from", self.from.name().to_owned()),
                ("weight", format!("{:?}", self.weight)),
                ("limits", format!("{:?}", self.limits)),
                ("precision", self.precision.name().to_owned()),
                ("judge rounds", judging.rounds.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        facts
    }
}

#[cfg(test)]
mod tests {
    use glpft_agent::Strategy;

    use super::*;

    #[test]
    fn rounds_draw_by_seeds_of_their_own() {
        let settings = |seed| ImproveSettings {
            rounds: 3,
            samples: 4,
            sampling: Sampling::Random {
                temperature: 0.7,
                top_p: 1.0,
                top_k: None,
                seed,
            },
            roles: Stage::LOCAL.to_vec(),
            from: RoundStart::Global,
            weight: 1.0,
            live: LiveSettings::published(Strategy::REACT),
            limits: Limits::LIVE,
            precision: Precision::F32,
            cache_bytes: None,
        };
        let mut seen = Vec::new();
        for seed in 0..3 {
            for round in 1..4 {
                let drawn = settings(seed).sampling(round);
                assert_eq!(drawn, settings(seed).sampling(round));
                assert!(!seen.contains(&drawn));
                seen.push(drawn);
            }
        }
    }
}
