//! How a policy's models are asked: sampling, limits, prompts that are too long.

use glpft_data::{Purpose, Random, fingerprint};
use glpft_recipes::Schemas;

use crate::generate::{Limits, Role, Sampling};
use crate::policy::Asked;

/// What becomes of a prompt that is longer than its model can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LongPrompts {
    /// Nobody is asked (`PolicyMessage::too_long`).
    Refuse,
    /// As in training: tools, instruction and last turn stay, whole oldest turns go ([`PolicyMessage::left_out`](crate::PolicyMessage::left_out)).
    /// A prompt that is too long all the same is refused.
    OldestTurns,
}

/// How a policy's models are asked. The prompts are those of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicySettings {
    /// How tokens are chosen. Of [`Sampling::Random`] the seed is this policy's: every request draws from it, the task's
    /// id and the step's count, so a rollout is the same whatever runs beside it.
    pub sampling: Sampling,
    /// How long prompts and answers may be.
    pub limits: Limits,
    /// Whether `system: ` stands before every prompt, as it does in training.
    pub system_prefix: bool,
    /// What prompts show of functions' schemas: as in training.
    pub schemas: Schemas,
    /// What becomes of prompts that are too long.
    pub long_prompts: LongPrompts,
}

impl PolicySettings {
    /// The published live agent's (α-UMi, `collab_agent_model.py`: temperature 0.5, top-p 1, 512 new tokens of a context
    /// of 4096, of which 8 stay unused).
    pub fn published(seed: u64) -> Self {
        Self {
            sampling: Sampling::Random {
                temperature: 0.5,
                top_p: 1.0,
                top_k: None,
                seed,
            },
            ..Self::greedy()
        }
    }

    /// The likeliest token at every place.
    pub fn greedy() -> Self {
        Self {
            sampling: Sampling::Greedy,
            limits: Limits::LIVE,
            system_prefix: true,
            schemas: Schemas::Published,
            long_prompts: LongPrompts::OldestTurns,
        }
    }

    /// The sampling of a role's answer at a step.
    pub(crate) fn at(&self, asked: &Asked<'_>, role: Role, attempt: usize) -> Sampling {
        let mut sampling = self.sampling;
        if let Sampling::Random { seed, .. } = &mut sampling {
            let id = fingerprint(&[asked.task.id.as_bytes()]);
            let id = u64::from_str_radix(&id[..16], 16).unwrap_or_default();
            *seed = Random::new(*seed, None, asked.count as u64, Purpose::Sampling)
                .stream(id)
                .stream(attempt as u64)
                .u64(role as u64);
        }
        sampling
    }
}

/// How one of several steps is asked for, where each has its own way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSettings {
    /// How its models are asked.
    pub policy: PolicySettings,
    /// The most tokens of the whole step, a team's rationale included; none: each answer has its own limit alone.
    pub new_tokens: Option<usize>,
    /// Whether it may be a call; without functions it may not in any case. Where not, a planner that hands over to the
    /// caller hands over to the summarizer.
    pub may_call: bool,
    /// Whether nothing stands in for what no model wrote: a planner that was cut before it handed over calls nobody, a call
    /// that was cut or names no function is none, an answer that says nothing is empty. The published agent calls in the
    /// first case and says `none` in the others.
    pub as_written: bool,
}

impl From<PolicySettings> for StepSettings {
    fn from(policy: PolicySettings) -> Self {
        Self {
            policy,
            new_tokens: None,
            may_call: true,
            as_written: false,
        }
    }
}

impl StepSettings {
    /// Whether a call may come of the step: none without functions.
    pub(crate) fn lets_call(&self, asked: &Asked<'_>) -> bool {
        self.may_call && !asked.task.functions.is_empty()
    }

    /// The limits of an answer, where the step has generated so many tokens before; none where it has no more.
    pub(crate) fn limits(&self, generated: usize) -> Option<Limits> {
        let mut limits = self.policy.limits;
        if let Some(most) = self.new_tokens {
            let left = most.checked_sub(generated).filter(|&left| left > 0)?;
            limits.new_tokens = limits.new_tokens.min(left);
        }
        Some(limits)
    }
}
