//! A single model as a policy.

use glpft_data::Prompts;
use glpft_recipes::Behaviour;

use crate::asking::{PolicySettings, Prompted, ask, conversation};
use crate::generate::{Generate, GenerateError, Role};
use crate::policy::{Asked, Policy};
use crate::prompts::StepPrompts;
use crate::said::Said;
use crate::step::Prediction;
use crate::usage::Usage;

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
}

impl Policy for SinglePolicy<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError> {
        let mut prompted = Vec::with_capacity(asked.len());
        for (step, asked) in asked.iter().enumerate() {
            let conversation = conversation(step, asked)?;
            let prefix = self.settings.system_prefix;
            let of = StepPrompts::new(&conversation, self.prompts, Behaviour::Fixed, prefix);
            prompted.push(Prompted {
                step,
                role: Role::Backbone,
                prompt: of.backbone(asked.turns.len()),
            });
        }
        let mut usage = vec![Usage::default(); asked.len()];
        let outputs = ask(self.generator, &self.settings, asked, &prompted, &mut usage)?;
        let said = outputs.iter().zip(usage);
        Ok(said
            .map(|(output, usage)| Said {
                usage,
                ..Said::from_prediction(&Prediction::from_backbone(output))
            })
            .collect())
    }

    fn forget(&mut self) {
        self.generator.forget();
    }
}
