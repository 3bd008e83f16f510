//! The team as a policy.

use glpft_data::Prompts;
use glpft_data::python::strip;

use crate::decision::Plan;
use crate::fitted_prompts::{Prompted, Step};
use crate::generate::{Generate, GenerateError, Role};
use crate::listener::Listener;
use crate::model_calls::ModelCalls;
use crate::outputs::{Output, ask, conversation};
use crate::parse::ACTION;
use crate::planner::PlannerTurn;
use crate::policy::{Asked, Policy};
use crate::policy_message::{PolicyMessage, thought};
use crate::policy_settings::{PolicySettings, StepSettings};
use crate::prompts::StepPrompts;
use crate::step::Prediction;
use crate::usage::Cost;
use glpft_recipes::Behaviour;

/// Planner, caller and summarizer. All steps' planners are asked in one call, then all their callers and summarizers.
pub struct TeamPolicy<'g> {
    generator: &'g mut dyn Generate,
    prompts: &'g Prompts,
    settings: PolicySettings,
}

impl<'g> TeamPolicy<'g> {
    /// A team of these models.
    pub fn new(
        generator: &'g mut dyn Generate,
        prompts: &'g Prompts,
        settings: PolicySettings,
    ) -> Self {
        Self {
            generator,
            prompts,
            settings,
        }
    }

    /// As [`Policy::say`], each step in its own way: `settings` has one element a step.
    ///
    /// # Errors
    /// Where a model fails.
    pub fn say_each(
        &mut self,
        asked: &[Asked<'_>],
        settings: &[StepSettings],
        listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError> {
        let conversations = asked
            .iter()
            .enumerate()
            .zip(settings)
            .map(|((index, asked), settings)| conversation(index, asked, settings.policy.schemas))
            .collect::<Result<Vec<_>, _>>()?;
        let prompts: Vec<StepPrompts<'_>> = conversations
            .iter()
            .zip(settings)
            .map(|(conversation, settings)| {
                let prefix = settings.policy.system_prefix;
                StepPrompts::new(conversation, self.prompts, Behaviour::Fixed, prefix)
            })
            .collect();
        let mut cost = vec![Cost::default(); asked.len()];
        let mut ends: Vec<Option<PolicyMessage>> = vec![None; asked.len()];
        let steps: Vec<Step<'_>> = asked
            .iter()
            .zip(settings)
            .zip(&prompts)
            .enumerate()
            .map(|(index, ((asked, settings), prompts))| Step {
                index,
                asked,
                settings,
                prompts,
            })
            .collect();

        let mut planned = Vec::with_capacity(asked.len());
        for step in &steps {
            let cost = &mut cost[step.index];
            match step.prompt(self.generator, Role::Planner, None, cost)? {
                Ok(prompt) => planned.push(prompt),
                Err(said) => ends[step.index] = Some(said),
            }
        }
        let outputs = ask(
            self.generator,
            settings,
            asked,
            &planned,
            &mut cost,
            listener,
        )?;
        let mut turns: Vec<Option<PlannerTurn>> = vec![None; asked.len()];
        for (Prompted { step, .. }, output) in planned.iter().zip(outputs) {
            let step = *step;
            if settings[step].as_written && output.cut && !PlannerTurn::has_tag(&output.text) {
                let text = match output.silent {
                    true => None,
                    false => thought(&output.text),
                };
                if let Some(thought) = text {
                    listener.thought(step, thought);
                }
                let said = PolicyMessage::unfinished(text);
                ends[step] = Some(PolicyMessage { cut: true, ..said });
                continue;
            }
            let turn = planner_turn(&output.text, settings[step].lets_call(&asked[step]));
            if let Some(thought) = thought(&turn.text) {
                listener.thought(step, thought);
            }
            turns[step] = Some(turn);
        }

        let mut handed = Vec::new();
        for (step, turn) in steps.iter().zip(&turns) {
            let Some(turn) = turn else { continue };
            let role = match turn.next {
                Plan::Call => Role::Caller,
                Plan::Finish => Role::Summarizer,
                Plan::GiveUp => continue,
            };
            let cost = &mut cost[step.index];
            match step.prompt(self.generator, role, Some(turn), cost)? {
                Ok(prompt) => handed.push(prompt),
                Err(said) => ends[step.index] = Some(said),
            }
        }
        let answers = ask(
            self.generator,
            settings,
            asked,
            &handed,
            &mut cost,
            listener,
        )?;
        let mut outputs = vec![Output::none(); asked.len()];
        for (prompted, answer) in handed.iter().zip(answers) {
            outputs[prompted.step] = answer;
        }
        let said = ends.into_iter().zip(turns).zip(outputs).zip(settings);
        Ok(said
            .zip(cost)
            .map(|((((end, turn), output), settings), cost)| {
                let said = match (end, turn) {
                    (Some(end), _) => end,
                    (None, Some(turn)) => step(turn, output, settings.as_written),
                    // Nobody waited for it.
                    (None, None) => PolicyMessage::unfinished(None),
                };
                said.with_cost(cost)
            })
            .collect())
    }
}

/// What a planner's turn and the output of whom it handed over to come to.
fn step(turn: PlannerTurn, output: Output, as_written: bool) -> PolicyMessage {
    let next = turn.next;
    let thought_of = |turn: &PlannerTurn| thought(&turn.text).map(str::to_owned);
    let cut = output.cut && next != Plan::GiveUp;
    if as_written {
        let thought = thought_of(&turn);
        let thought = thought.as_deref();
        if next == Plan::Finish && output.silent {
            return PolicyMessage {
                cut,
                ..PolicyMessage::answer(thought, "")
            };
        }
        // What follows the cut may be anything, a name's end included.
        let names_none = !output.text.contains(ACTION);
        if next == Plan::Call && (cut || names_none) {
            return PolicyMessage {
                cut,
                ..PolicyMessage::unfinished(thought)
            };
        }
    }
    let said = PolicyMessage::from_prediction(&Prediction::new(turn, &output.text));
    match as_written && next == Plan::Call && strip(&said.function).is_empty() {
        true => PolicyMessage::unfinished(said.thought.as_deref()),
        false => PolicyMessage { cut, ..said },
    }
}

impl Policy for TeamPolicy<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        let settings = vec![StepSettings::from(self.settings); asked.len()];
        self.say_each(asked, &settings, &())
    }

    fn server_calls(&self) -> ModelCalls {
        self.generator.server_calls()
    }

    fn forget(&mut self) {
        self.generator.forget();
    }
}

/// The planner's turn in the form that training has it: its roles read the thought, a line break, a space and the tag. A
/// planner that says no tag calls; one that may not call answers.
fn planner_turn(output: &str, may_call: bool) -> PlannerTurn {
    let mut read = PlannerTurn::read(output);
    if read.next == Plan::Call && !may_call {
        read.next = Plan::Finish;
    }
    let said = thought(&read.text);
    let message = match read.next {
        Plan::Call => PolicyMessage::from_message(said, "", ""),
        Plan::Finish => PolicyMessage::answer(said, ""),
        Plan::GiveUp => PolicyMessage::give_up(said),
    };
    match message.turns.into_iter().next() {
        Some(turn) => PlannerTurn {
            text: turn.value,
            next: read.next,
        },
        None => read,
    }
}
