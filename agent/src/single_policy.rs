//! A single model as a policy.

use glpft_data::Prompts;
use glpft_data::python::strip;
use glpft_recipes::Behaviour;

use crate::fitted_prompts::{Prompted, Step};
use crate::generate::{Generate, GenerateError, Role};
use crate::listener::Listener;
use crate::model_calls::ModelCalls;
use crate::outputs::{Output, ask, conversation};
use crate::parse::{ACTION, ANSWER_WITHOUT_SPACE};
use crate::policy::{Asked, Policy};
use crate::policy_message::{FINISH, PolicyMessage};
use crate::policy_settings::{PolicySettings, StepSettings};
use crate::prompts::StepPrompts;
use crate::step::Prediction;
use crate::usage::Cost;

/// One model that writes whole steps, which the team is compared with.
pub struct SinglePolicy<'g> {
    generator: &'g mut dyn Generate,
    prompts: &'g Prompts,
    settings: PolicySettings,
}

impl<'g> SinglePolicy<'g> {
    /// An agent of this model.
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

    /// As [`Policy::say`], each step in its own way: `settings` has one element a step. A call where none is allowed is an
    /// answer that says the thought.
    ///
    /// # Errors
    /// Where the model fails.
    pub fn say_each(
        &mut self,
        asked: &[Asked<'_>],
        settings: &[StepSettings],
        listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError> {
        let mut prompted = Vec::with_capacity(asked.len());
        let mut cost = vec![Cost::default(); asked.len()];
        let mut all: Vec<PolicyMessage> = vec![PolicyMessage::unfinished(None); asked.len()];
        for (index, asked) in asked.iter().enumerate() {
            let settings = &settings[index];
            let PolicySettings {
                system_prefix: prefix,
                schemas,
                ..
            } = settings.policy;
            let conversation = conversation(index, asked, schemas)?;
            let step = Step {
                index,
                asked,
                settings,
                prompts: &StepPrompts::new(&conversation, self.prompts, Behaviour::Fixed, prefix),
            };
            match step.prompt(self.generator, Role::Backbone, None, &mut cost[index])? {
                Ok(prompt) => prompted.push(prompt),
                Err(said) => all[index] = said,
            }
        }
        let outputs = ask(
            self.generator,
            settings,
            asked,
            &prompted,
            &mut cost,
            listener,
        )?;
        for (Prompted { step, .. }, output) in prompted.iter().zip(outputs) {
            let settings = &settings[*step];
            let may_call = settings.lets_call(&asked[*step]);
            all[*step] = self::step(&output, settings.as_written, may_call);
        }
        let said = all.into_iter().zip(cost);
        Ok(said.map(|(said, cost)| said.with_cost(cost)).collect())
    }
}

/// What a model's output comes to.
fn step(output: &Output, as_written: bool, may_call: bool) -> PolicyMessage {
    let said = PolicyMessage::from_prediction(&Prediction::from_backbone(&output.text));
    let thought = said.thought.as_deref();
    let calls = said.function != FINISH;
    let names_one = output.text.contains(ACTION) && !strip(&said.function).is_empty();
    let says_nothing = output.silent || output.text.trim_end().ends_with(ANSWER_WITHOUT_SPACE);
    let said = match (calls, may_call) {
        (false, _) if as_written && says_nothing => PolicyMessage::answer(thought, ""),
        (true, true) if as_written && output.silent => PolicyMessage::unfinished(None),
        (true, true) if as_written && (output.cut || !names_one) => {
            PolicyMessage::unfinished(thought)
        }
        (true, false) if as_written && output.silent => PolicyMessage::answer(None, ""),
        (true, false) => PolicyMessage::answer(None, thought.unwrap_or_default()),
        _ => said,
    };
    PolicyMessage {
        cut: output.cut,
        ..said
    }
}

impl Policy for SinglePolicy<'_> {
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
