//! The scores of one step.

use glpft_agent::{Decision, Plan, parse_step};
use glpft_recipes::Behaviour;

use crate::entry::Entry;
use crate::error::{StepError, Which};
use crate::metrics::{
    ArgumentScore, RougeError, action_matches, argument_score, is_hallucinated, plan_matches,
    rouge_l,
};

/// What one step adds to every metric.
#[derive(Clone, Debug, PartialEq)]
pub struct StepScore {
    /// The way that was taken.
    pub predicted: Plan,
    /// The way that should have been taken.
    pub reference: Plan,
    /// Whether they are the same.
    pub plan: bool,
    /// Whether the reference's tool is called; none where it calls none.
    pub action: Option<bool>,
    /// Whether a tool is called that was not offered.
    pub hallucinated: bool,
    /// Whether the reference itself calls one.
    pub reference_hallucinated: bool,
    /// What the arguments count; none where the reference calls nothing.
    pub arguments: Option<ArgumentScore>,
    /// ROUGE-L of the answer; none where the reference does not finish.
    pub rouge: Option<f64>,
    /// Where the published script ends with an error and a documented value stands instead.
    pub mended: Vec<StepError>,
}

/// Scores one step.
///
/// # Errors
/// With [`Behaviour::Compat`] wherever the published script ends with an error. With [`Behaviour::Fixed`] texts that it
/// cannot parse are read as [`parse_step`] says, an answer without a sentence scores 0, and the only error is answers
/// too long to compare.
pub fn score_step(entry: &Entry, behaviour: Behaviour) -> Result<StepScore, StepError> {
    let mut mended = Vec::new();
    let mut mend = |problem: StepError| match behaviour {
        Behaviour::Compat => Err(problem),
        Behaviour::Fixed => {
            mended.push(problem);
            Ok(())
        }
    };
    let mut parse = |text: &str, which| match parse_step(text, Behaviour::Compat) {
        Ok(decision) => Ok(decision),
        Err(reason) => {
            let problem = StepError::Parse { which, reason };
            mend(problem)?;
            parse_step(text, Behaviour::Fixed).map_err(|_| problem)
        }
    };
    // In the published script's order.
    let reference = parse(&entry.reference, Which::Reference)?;
    let predicted = parse(&entry.predictions, Which::Prediction)?;
    let rouge = match answers(&predicted, &reference) {
        None => None,
        Some((hypothesis, reference)) => Some(match rouge_l(hypothesis, reference) {
            Ok(f) => f,
            Err(reason @ RougeError::TooLong { .. }) => return Err(StepError::Rouge { reason }),
            Err(reason) => {
                mend(StepError::Rouge { reason })?;
                0.0
            }
        }),
    };
    Ok(StepScore {
        predicted: predicted.plan(),
        reference: reference.plan(),
        plan: plan_matches(&predicted, &reference),
        action: action_matches(&predicted, &reference),
        hallucinated: is_hallucinated(&predicted, &entry.tools),
        reference_hallucinated: is_hallucinated(&reference, &entry.tools),
        arguments: argument_score(&predicted, &reference),
        rouge,
        mended,
    })
}

/// What ROUGE-L compares: a step without an answer answers `none`.
fn answers<'d>(predicted: &'d Decision, reference: &'d Decision) -> Option<(&'d str, &'d str)> {
    let Decision::Finish { answer: reference } = reference else {
        return None;
    };
    let predicted = match predicted {
        Decision::Finish { answer } => answer,
        Decision::Call { .. } | Decision::GiveUp => glpft_agent::NOTHING,
    };
    Some((predicted, reference))
}

#[cfg(test)]
mod tests;
