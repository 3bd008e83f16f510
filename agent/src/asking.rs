//! What the policies of models have in common: settings, seeds, and asking again where nothing was said.

use glpft_data::python::strip;
use glpft_data::{Conversation, Speaker, Text, fingerprint};
use glpft_data::{Purpose, Random};

use crate::generate::{Generate, GenerateError, Limits, Request, Role, Sampling};
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

/// The path of a step as the conversation that prompts are made of.
pub(crate) fn conversation(index: usize, asked: &Asked<'_>) -> Result<Conversation, GenerateError> {
    let failed = |reason: String| GenerateError::Request { index, reason };
    let tools = asked
        .task
        .tools()
        .map_err(|error| failed(format!("task {}: {error}", asked.task.id)))?;
    if !matches!(asked.turns.first(), Some(turn) if turn.from == Speaker::User) {
        return Err(failed("its path does not begin with the user".to_owned()));
    }
    Ok(Conversation {
        query: asked.task.id.clone(),
        tools,
        instruction: asked.task.query.clone(),
        turns: asked.turns.to_vec(),
    })
}

/// A prompt for the step with this index.
pub(crate) struct Prompted {
    pub step: usize,
    pub role: Role,
    pub prompt: Text,
}

/// Asks for all of them at once, and again for those that say nothing: where tokens are drawn, up to [`ATTEMPTS`] times
/// with other seeds. The cleaned outputs, in the prompts' order; what they cost is added to their steps' usage.
pub(crate) fn ask(
    generator: &mut dyn Generate,
    settings: &PolicySettings,
    asked: &[Asked<'_>],
    prompts: &[Prompted],
    usage: &mut [Usage],
) -> Result<Vec<String>, GenerateError> {
    let attempts = match settings.sampling {
        Sampling::Greedy => 1,
        Sampling::Random { .. } => ATTEMPTS,
    };
    let mut outputs = vec![NOTHING.to_owned(); prompts.len()];
    let mut open: Vec<usize> = (0..prompts.len()).collect();
    for attempt in 0..attempts {
        if open.is_empty() {
            break;
        }
        let requests: Vec<Request> = open
            .iter()
            .map(|&at| Request {
                role: prompts[at].role,
                prompt: prompts[at].prompt.clone(),
                stop: vec![SEPARATOR.to_owned()],
                limits: settings.limits,
                sampling: settings.at(&asked[prompts[at].step], prompts[at].role, attempt),
            })
            .collect();
        let answers = generator.generate(&requests)?;
        if answers.len() != requests.len() {
            return Err(GenerateError::Request {
                index: answers.len().min(requests.len() - 1),
                reason: format!("{} of {} were answered", answers.len(), requests.len()),
            });
        }
        let mut silent = Vec::new();
        for (at, answer) in open.into_iter().zip(&answers) {
            usage[prompts[at].step] += Usage::from(answer);
            // A planner's only text may be its tag, whose leading space is part of the turn: no strip here.
            outputs[at] = clean_output(&answer.text).to_owned();
            if matches!(strip(&answer.text), "" | "." | "," | ":") || outputs[at] == NOTHING {
                silent.push(at);
            }
        }
        // Only a planner is asked again in the published agent.
        open = silent;
        open.retain(|&at| matches!(prompts[at].role, Role::Planner | Role::Backbone));
    }
    Ok(outputs)
}
