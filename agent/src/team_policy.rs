//! The team as a policy.

use glpft_data::Prompts;

use crate::asking::{Cost, PolicySettings, Prompted, StepSettings, ask, conversation};
use crate::decision::Plan;
use crate::generate::{Generate, GenerateError, Role};
use crate::listener::Listener;
use crate::planner::PlannerTurn;
use crate::policy::{Asked, Policy};
use crate::prompts::StepPrompts;
use crate::said::{Said, thought};
use crate::step::Prediction;
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
    ) -> Result<Vec<Said>, GenerateError> {
        let conversations = asked
            .iter()
            .enumerate()
            .zip(settings)
            .map(|((index, asked), settings)| conversation(index, asked, settings.policy.schemas))
            .collect::<Result<Vec<_>, _>>()?;
        let steps: Vec<StepPrompts<'_>> = conversations
            .iter()
            .zip(settings)
            .map(|(conversation, settings)| {
                let prefix = settings.policy.system_prefix;
                StepPrompts::new(conversation, self.prompts, Behaviour::Fixed, prefix)
            })
            .collect();
        let mut cost = vec![Cost::default(); asked.len()];

        let planners: Vec<Prompted> = steps
            .iter()
            .enumerate()
            .map(|(step, of)| Prompted {
                step,
                role: Role::Planner,
                prompt: of.planner(asked[step].turns.len()),
            })
            .collect();
        let planned = ask(
            self.generator,
            settings,
            asked,
            &planners,
            &mut cost,
            listener,
        )?;
        let turns: Vec<PlannerTurn> = planned
            .iter()
            .zip(settings)
            .map(|(text, settings)| planner_turn(text, settings.may_call))
            .collect();
        for (step, turn) in turns.iter().enumerate() {
            if let Some(thought) = thought(&turn.text) {
                listener.thought(step, thought);
            }
        }

        let handed: Vec<Prompted> = turns
            .iter()
            .enumerate()
            .filter_map(|(step, turn)| {
                let at = asked[step].turns.len();
                let (role, prompt) = match turn.next {
                    Plan::Call => (Role::Caller, steps[step].caller(at, turn)),
                    Plan::Finish => (Role::Summarizer, steps[step].summarizer(at, turn)),
                    Plan::GiveUp => return None,
                };
                Some(Prompted { step, role, prompt })
            })
            .collect();
        let mut outputs = vec![String::new(); asked.len()];
        let answers = ask(
            self.generator,
            settings,
            asked,
            &handed,
            &mut cost,
            listener,
        )?;
        for (prompted, answer) in handed.iter().zip(answers) {
            outputs[prompted.step] = answer;
        }
        let said = turns.into_iter().zip(&outputs).zip(cost);
        Ok(said
            .map(|((turn, output), Cost { usage, cut })| Said {
                usage,
                cut,
                ..Said::from_prediction(&Prediction::new(turn, output))
            })
            .collect())
    }
}

impl Policy for TeamPolicy<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError> {
        let settings = vec![StepSettings::from(self.settings); asked.len()];
        self.say_each(asked, &settings, &())
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
        Plan::Call => Said::from_message(said, "", ""),
        Plan::Finish => Said::answer(said, ""),
        Plan::GiveUp => Said::give_up(said),
    };
    match message.turns.into_iter().next() {
        Some(turn) => PlannerTurn {
            text: turn.value,
            next: read.next,
        },
        None => read,
    }
}
