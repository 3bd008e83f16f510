//! A single model as a policy.

use glpft_data::Prompts;
use glpft_data::python::strip;
use glpft_recipes::Behaviour;

use crate::asking::{Cost, Output, PolicySettings, StepSettings, ask, conversation};
use crate::fitted::{Prompted, Step};
use crate::generate::{Generate, GenerateError, Role};
use crate::listener::Listener;
use crate::model_server::ModelCalls;
use crate::parse::{ACTION, ANSWER_WITHOUT_SPACE};
use crate::policy::{Asked, Policy};
use crate::prompts::StepPrompts;
use crate::said::{FINISH, Said};
use crate::step::Prediction;

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
    ) -> Result<Vec<Said>, GenerateError> {
        let mut prompted = Vec::with_capacity(asked.len());
        let mut cost = vec![Cost::default(); asked.len()];
        let mut all: Vec<Said> = vec![Said::unfinished(None); asked.len()];
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
fn step(output: &Output, as_written: bool, may_call: bool) -> Said {
    let said = Said::from_prediction(&Prediction::from_backbone(&output.text));
    let thought = said.thought.as_deref();
    let calls = said.function != FINISH;
    let names_one = output.text.contains(ACTION) && !strip(&said.function).is_empty();
    let says_nothing = output.silent || output.text.trim_end().ends_with(ANSWER_WITHOUT_SPACE);
    let said = match (calls, may_call) {
        (false, _) if as_written && says_nothing => Said::answer(thought, ""),
        (true, true) if as_written && output.silent => Said::unfinished(None),
        (true, true) if as_written && (output.cut || !names_one) => Said::unfinished(thought),
        (true, false) if as_written && output.silent => Said::answer(None, ""),
        (true, false) => Said::answer(None, thought.unwrap_or_default()),
        _ => said,
    };
    Said {
        cut: output.cut,
        ..said
    }
}

impl Policy for SinglePolicy<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError> {
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
