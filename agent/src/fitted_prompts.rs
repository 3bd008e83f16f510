//! Prompts of steps as they fit their models.

use glpft_data::{Text, smallest_cut};

use crate::generate::{Generate, GenerateError, Measure, Request, Role, Sampling};
use crate::planner::PlannerTurn;
use crate::policy::Asked;
use crate::policy_message::{PolicyMessage, TooLong};
use crate::policy_settings::{LongPrompts, StepSettings};
use crate::prompts::{Cut, StepPrompts};
use crate::usage::Cost;

/// A prompt for the step with this index.
pub(crate) struct Prompted {
    pub step: usize,
    pub role: Role,
    pub prompt: Text,
}

/// A step that somebody is to be asked about.
#[derive(Clone, Copy)]
pub(crate) struct Step<'s> {
    /// Its index among all that are asked.
    pub index: usize,
    pub asked: &'s Asked<'s>,
    pub settings: &'s StepSettings,
    pub prompts: &'s StepPrompts<'s>,
}

impl Step<'_> {
    /// What `role` is asked, `planner` being what the planner said before; what comes of the step instead where that does
    /// not fit its model.
    pub fn prompt(
        &self,
        generator: &dyn Generate,
        role: Role,
        planner: Option<&PlannerTurn>,
        cost: &mut Cost,
    ) -> Result<Result<Prompted, PolicyMessage>, GenerateError> {
        let (at, instruction) = (self.asked.turns.len(), self.asked.instruction);
        let most = self.prompts.droppable(role, at, instruction);
        let prompt = |turns| {
            let cut = Cut { instruction, turns };
            self.prompts.shortened(role, at, planner, cut)
        };
        let found = fitted(generator, self.settings, cost, role, most, &prompt)?;
        Ok(match found {
            Ok(prompt) => Ok(Prompted {
                step: self.index,
                role,
                prompt,
            }),
            Err(too_long) => Err(PolicyMessage::too_long(too_long)),
        })
    }
}

/// A step's prompt as it fits the role's model: `prompt` makes it without so many of its oldest turns, of which `most` may go.
/// What had to go is noted in `cost`.
fn fitted(
    generator: &dyn Generate,
    settings: &StepSettings,
    cost: &mut Cost,
    role: Role,
    most: usize,
    prompt: &dyn Fn(usize) -> Text,
) -> Result<Result<Text, TooLong>, GenerateError> {
    // A step that has no more tokens is not asked for any.
    let limits = settings.limits(cost.usage.new_tokens);
    let measure = |prompt: &Text| {
        generator.measure(&Request {
            role,
            prompt: prompt.clone(),
            stop: Vec::new(),
            limits: limits.unwrap_or(settings.policy.limits),
            sampling: Sampling::Greedy,
        })
    };
    let whole = prompt(0);
    let Some(found) = measure(&whole)? else {
        return Ok(Ok(whole));
    };
    let fits = |measure: Measure| measure.prompt_tokens <= measure.room;
    if fits(found) {
        return Ok(Ok(whole));
    }
    if settings.policy.long_prompts == LongPrompts::OldestTurns {
        let cut = smallest_cut(most, |cut| Ok(measure(&prompt(cut))?.is_none_or(fits)))?;
        if let Some(cut) = cut {
            cost.left_out = cost.left_out.max(cut);
            return Ok(Ok(prompt(cut)));
        }
    }
    Ok(Err(TooLong {
        role,
        measure: found,
    }))
}
