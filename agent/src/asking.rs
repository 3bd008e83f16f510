//! What the policies of models have in common: settings, seeds, and asking again where nothing was said.

use glpft_data::python::strip;
use glpft_data::{Conversation, Speaker, Text, fingerprint};
use glpft_data::{Purpose, Random};
use glpft_recipes::Schemas;

use crate::generate::{Generate, GenerateError, Limits, Request, Role, Sampling, StopReason};
use crate::listener::Listener;
use crate::planner::{NOTHING, clean_output};
use crate::policy::Asked;
use crate::usage::Usage;

/// Ends an answer where a model writes the separator's text.
const SEPARATOR: &str = "</s>";

/// How often an output that says nothing is asked for in all (α-UMi, `collab_agent_model.py`).
const ATTEMPTS: usize = 5;

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
        }
    }

    /// The sampling of a role's answer at a step.
    fn at(&self, asked: &Asked<'_>, role: Role, attempt: usize) -> Sampling {
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
    /// Whether it may be a call. Where not, a planner that hands over to the caller hands over to the summarizer.
    pub may_call: bool,
}

impl From<PolicySettings> for StepSettings {
    fn from(policy: PolicySettings) -> Self {
        Self {
            policy,
            new_tokens: None,
            may_call: true,
        }
    }
}

impl StepSettings {
    /// The limits of an answer, where the step has generated so many tokens before; one token is left in any case.
    fn limits(&self, generated: usize) -> Limits {
        let mut limits = self.policy.limits;
        if let Some(most) = self.new_tokens {
            let left = most.saturating_sub(generated).max(1);
            limits.new_tokens = limits.new_tokens.min(left);
        }
        limits
    }
}

/// What asking cost a step, and whether a limit ended one of its answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub usage: Usage,
    pub cut: bool,
}

/// The path of a step as the conversation that prompts are made of.
pub(crate) fn conversation(
    index: usize,
    asked: &Asked<'_>,
    schemas: Schemas,
) -> Result<Conversation, GenerateError> {
    if !asked.turns.iter().any(|turn| turn.from == Speaker::User) {
        return Err(GenerateError::Request {
            index,
            reason: "the user says nothing on its path".to_owned(),
        });
    }
    Ok(Conversation {
        query: asked.task.id.clone(),
        tools: asked.task.tools(schemas),
        instruction: asked.task.query.clone(),
        turns: asked.turns.to_vec(),
        marks: Default::default(),
    })
}

/// A prompt for the step with this index.
pub(crate) struct Prompted {
    pub step: usize,
    pub role: Role,
    pub prompt: Text,
}

/// Asks for all of them at once, and again for those that say nothing: where tokens are drawn, up to [`ATTEMPTS`] times
/// with other seeds. The cleaned outputs, in the prompts' order; what they cost is added to their steps' cost. `settings`
/// and `cost` have one element a step. Steps that `listener` does not wait for are left out.
pub(crate) fn ask(
    generator: &mut dyn Generate,
    settings: &[StepSettings],
    asked: &[Asked<'_>],
    prompts: &[Prompted],
    cost: &mut [Cost],
    listener: &dyn Listener,
) -> Result<Vec<String>, GenerateError> {
    let attempts = |step: usize| match settings[step].policy.sampling {
        Sampling::Greedy => 1,
        Sampling::Random { .. } => ATTEMPTS,
    };
    let mut outputs = vec![NOTHING.to_owned(); prompts.len()];
    let mut open: Vec<usize> = (0..prompts.len()).collect();
    for attempt in 0..ATTEMPTS {
        open.retain(|&at| listener.waits(prompts[at].step));
        if open.is_empty() {
            break;
        }
        let requests: Vec<Request> = open
            .iter()
            .map(|&at| {
                let Prompted { step, role, prompt } = &prompts[at];
                let settings = &settings[*step];
                Request {
                    role: *role,
                    prompt: prompt.clone(),
                    stop: vec![SEPARATOR.to_owned()],
                    limits: settings.limits(cost[*step].usage.new_tokens),
                    sampling: settings.policy.at(&asked[*step], *role, attempt),
                }
            })
            .collect();
        let waits = |at: usize| listener.waits(prompts[open[at]].step);
        let answers = generator.generate_while(&requests, &waits)?;
        if answers.len() != requests.len() {
            return Err(GenerateError::Request {
                index: answers.len().min(requests.len() - 1),
                reason: format!("{} of {} were answered", answers.len(), requests.len()),
            });
        }
        let mut silent = Vec::new();
        for (at, answer) in open.into_iter().zip(&answers) {
            let cost = &mut cost[prompts[at].step];
            cost.usage += Usage::from(answer);
            cost.cut |= answer.finish == StopReason::Length;
            // A planner's only text may be its tag, whose leading space is part of the turn: no strip here.
            outputs[at] = clean_output(&answer.text).to_owned();
            if matches!(strip(&answer.text), "" | "." | "," | ":") || outputs[at] == NOTHING {
                silent.push(at);
            }
        }
        // Only a planner is asked again in the published agent.
        open = silent;
        open.retain(|&at| {
            let Prompted { step, role, .. } = prompts[at];
            matches!(role, Role::Planner | Role::Backbone) && attempt + 1 < attempts(step)
        });
    }
    Ok(outputs)
}
