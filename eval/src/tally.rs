//! The sums behind the metrics.

use glpft_recipes::Behaviour;

use crate::mean::Mean;
use crate::metric_values::Metrics;
use crate::metrics::ArgumentScore;
use crate::step::StepScore;

/// The published script adds this to the means of F1, for no effect but that 0 is written as 1e-30.
const F1_OFFSET: f64 = 1e-30;

/// Every metric of some steps, as sums that add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    rouge: Mean,
    plan: Mean,
    action: Mean,
    easy: Mean,
    hard: Mean,
    all: Mean,
    hallucinated: Mean,
}

impl Tally {
    /// What one step counts.
    pub fn of(step: &StepScore) -> Self {
        let one = |truth| if truth { 1.0 } else { 0.0 };
        let mut tally = Self::default();
        tally.plan.push(one(step.plan));
        tally.hallucinated.push(one(step.hallucinated));
        if let Some(action) = step.action {
            tally.action.push(one(action));
        }
        if let Some(rouge) = step.rouge {
            tally.rouge.push(rouge);
        }
        match step.arguments {
            Some(ArgumentScore::OtherAction) => {
                tally.easy.push(0.0);
                tally.hard.push(0.0);
                tally.all.push(0.0);
            }
            Some(ArgumentScore::Easy(value)) => {
                tally.easy.push(value);
                tally.all.push(value);
            }
            Some(ArgumentScore::Hard(value)) => {
                tally.hard.push(value);
                tally.all.push(value);
            }
            Some(ArgumentScore::Skipped(_)) | None => {}
        }
        tally
    }

    /// Takes other steps in.
    pub fn add(&mut self, other: &Tally) {
        self.rouge.add(other.rouge);
        self.plan.add(other.plan);
        self.action.add(other.action);
        self.easy.add(other.easy);
        self.hard.add(other.hard);
        self.all.add(other.all);
        self.hallucinated.add(other.hallucinated);
    }

    /// The metrics that these sums are.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            rouge: self.rouge.value(),
            plan_em: self.plan.value(),
            action_em: self.action.value(),
            easy_f1: self.easy.value(),
            hard_f1: self.hard.value(),
            f1: self.all.value(),
            hallu_rate: self.hallucinated.value(),
        }
    }

    /// The metrics as the published script writes them.
    ///
    /// # Errors
    /// The key of the first metric that it would divide by zero for.
    pub fn published(&self, behaviour: Behaviour) -> Result<Metrics, &'static str> {
        let mut metrics = self.metrics();
        if behaviour == Behaviour::Fixed {
            return Ok(metrics);
        }
        metrics.rouge = metrics.rouge.or(Some(0.0));
        metrics.action_em = metrics.action_em.or(Some(0.0));
        for f1 in [&mut metrics.easy_f1, &mut metrics.hard_f1, &mut metrics.f1] {
            *f1 = f1.map(|mean| mean + F1_OFFSET);
        }
        match metrics.by_key().iter().find(|(_, value)| value.is_none()) {
            Some((key, _)) => Err(key),
            None => Ok(metrics),
        }
    }
}
