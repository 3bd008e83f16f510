//! A single model as a policy.

use glpft_data::Prompts;
use glpft_recipes::Behaviour;

use crate::asking::{Cost, PolicySettings, Prompted, StepSettings, ask, conversation};
use crate::generate::{Generate, GenerateError, Role};
use crate::listener::Listener;
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
        for (step, asked) in asked.iter().enumerate() {
            let PolicySettings {
                system_prefix: prefix,
                schemas,
                ..
            } = settings[step].policy;
            let conversation = conversation(step, asked, schemas)?;
            let of = StepPrompts::new(&conversation, self.prompts, Behaviour::Fixed, prefix);
            prompted.push(Prompted {
                step,
                role: Role::Backbone,
                prompt: of.backbone(asked.turns.len()),
            });
        }
        let mut cost = vec![Cost::default(); asked.len()];
        let outputs = ask(
            self.generator,
            settings,
            asked,
            &prompted,
            &mut cost,
            listener,
        )?;
        let said = outputs.iter().zip(cost).zip(settings);
        Ok(said
            .map(|((output, Cost { usage, cut }), settings)| {
                let mut said = Said::from_prediction(&Prediction::from_backbone(output));
                if said.function != FINISH && !settings.may_call {
                    said = Said::answer(None, said.thought.as_deref().unwrap_or_default());
                }
                Said { usage, cut, ..said }
            })
            .collect())
    }
}

impl Policy for SinglePolicy<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError> {
        let settings = vec![StepSettings::from(self.settings); asked.len()];
        self.say_each(asked, &settings, &())
    }

    fn forget(&mut self) {
        self.generator.forget();
    }
}
