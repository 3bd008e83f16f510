//! What the policies of models have in common: settings, seeds, and asking again where nothing was said.

use glpft_data::python::strip;
use glpft_data::{Conversation, Speaker, fingerprint};
use glpft_data::{Purpose, Random};
use glpft_recipes::Schemas;

use crate::fitted::Prompted;
use crate::generate::{Generate, GenerateError, Limits, Request, Role, Sampling};
use crate::listener::Listener;
use crate::parse::SEPARATOR;
use crate::planner::{NOTHING, clean_output};
use crate::policy::Asked;
use crate::usage::Usage;

/// How often an output that says nothing is asked for in all (α-UMi, `collab_agent_model.py`).
const ATTEMPTS: usize = 5;

/// What becomes of a prompt that is longer than its model can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LongPrompts {
    /// Nobody is asked (`Said::too_long`).
    Refuse,
    /// As in training: tools, instruction and last turn stay, whole oldest turns go ([`Said::left_out`](crate::Said::left_out)).
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

/// What a step has cost so far, and what its prompts lack.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    pub usage: Usage,
    pub left_out: usize,
}

/// What a model wrote.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// The cleaned text; [`NOTHING`] where it says nothing.
    pub text: String,
    /// Whether a limit ended it.
    pub cut: bool,
    /// Whether it says nothing.
    pub silent: bool,
}

impl Output {
    /// Of a model that was not asked.
    pub fn none() -> Self {
        Self {
            text: NOTHING.to_owned(),
            cut: false,
            silent: true,
        }
    }
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

/// Asks for all of them at once, and again for those that say nothing: where tokens are drawn, up to [`ATTEMPTS`] times
/// with other seeds. The outputs are in the prompts' order; what they cost is added to their steps' cost. `settings`
/// and `cost` have one element a step. Steps that `listener` does not wait for are left out; one that has no more tokens is cut.
pub(crate) fn ask(
    generator: &mut dyn Generate,
    settings: &[StepSettings],
    asked: &[Asked<'_>],
    prompts: &[Prompted],
    cost: &mut [Cost],
    listener: &dyn Listener,
) -> Result<Vec<Output>, GenerateError> {
    let attempts = |step: usize| match settings[step].policy.sampling {
        Sampling::Greedy => 1,
        Sampling::Random { .. } => ATTEMPTS,
    };
    let mut outputs = vec![Output::none(); prompts.len()];
    let mut open: Vec<usize> = (0..prompts.len()).collect();
    for attempt in 0..ATTEMPTS {
        open.retain(|&at| listener.waits(prompts[at].step));
        let mut requests = Vec::with_capacity(open.len());
        open.retain(|&at| {
            let Prompted { step, role, prompt } = &prompts[at];
            let settings = &settings[*step];
            let Some(limits) = settings.limits(cost[*step].usage.new_tokens) else {
                outputs[at].cut = true;
                return false;
            };
            requests.push(Request {
                role: *role,
                prompt: prompt.clone(),
                stop: vec![SEPARATOR.to_owned()],
                limits,
                sampling: settings.policy.at(&asked[*step], *role, attempt),
            });
            true
        });
        if open.is_empty() {
            break;
        }
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
            cost[prompts[at].step].usage += Usage::from(answer);
            // A planner's only text may be its tag, whose leading space is part of the turn: no strip here.
            let text = clean_output(&answer.text).to_owned();
            let says_nothing = matches!(strip(&answer.text), "" | "." | "," | ":");
            if says_nothing || text == NOTHING {
                silent.push(at);
            }
            outputs[at] = Output {
                text,
                cut: answer.finish.is_a_limit(),
                silent: says_nothing,
            };
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
