//! What models write at steps; they are asked again where they write nothing.

use glpft_data::python::strip;
use glpft_data::{Conversation, Speaker};
use glpft_recipes::Schemas;

use crate::fitted_prompts::Prompted;
use crate::generate::{Generate, GenerateError, Request, Role, Sampling};
use crate::listener::Listener;
use crate::parse::SEPARATOR;
use crate::planner::{NOTHING, clean_output};
use crate::policy::Asked;
use crate::policy_settings::StepSettings;
use crate::usage::{Cost, Usage};

/// How often an output that says nothing is asked for in all (α-UMi, `collab_agent_model.py`).
const ATTEMPTS: usize = 5;

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
