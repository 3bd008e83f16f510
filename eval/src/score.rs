//! From steps to a report.

use std::collections::HashMap;
use std::path::Path;

use glpft_agent::ParseError;
use glpft_recipes::Behaviour;

use crate::entry::Entry;
use crate::error::{PredictionsError, StepError, Which};
use crate::intervals::{Intervals, Over};
use crate::metrics::{ArgumentScore, ArgumentSkip, RougeError};
use crate::read::read_predictions;
use crate::report::{Confusion, Counts, Mended, MetricReport, Note, Skipped};
use crate::step::{StepScore, score_step};
use crate::tally::Tally;

/// How many skipped and mended steps a report names; it counts them all.
const MAX_NOTES: usize = 20;

/// Scores a predictions file.
///
/// # Errors
/// Where the file cannot be read whole; with [`Behaviour::Compat`] also where the published script ends with an error.
pub fn score_file(
    path: &Path,
    behaviour: Behaviour,
    seed: u64,
) -> Result<MetricReport, PredictionsError> {
    let mut scorer = Scorer::new(behaviour);
    read_predictions(path, &mut |place, entry| {
        let scored = scorer.add(&entry);
        scored.map(drop).map_err(|reason| PredictionsError::Step {
            place: place.to_owned(),
            reason,
        })
    })?;
    scorer
        .finish(seed)
        .map_err(|metric| PredictionsError::Undefined {
            path: path.to_owned(),
            metric,
        })
}

/// Takes steps as they come. Of each only its sums are kept.
#[derive(Clone, Debug)]
pub struct Scorer {
    behaviour: Behaviour,
    counts: Counts,
    confusion: Confusion,
    skipped: Skipped,
    mended: Mended,
    notes: Vec<Note>,
    /// By step.
    tallies: Vec<Tally>,
    /// By step, while every step could be told.
    trajectories: Option<Trajectories>,
}

#[derive(Clone, Debug, Default)]
struct Trajectories {
    /// By instruction and tools.
    numbers: HashMap<(String, Vec<String>), usize>,
    /// Each step's.
    of_step: Vec<usize>,
}

impl Scorer {
    /// A scorer that has seen nothing.
    pub fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            counts: Counts::default(),
            confusion: Confusion::default(),
            skipped: Skipped::default(),
            mended: Mended::default(),
            notes: Vec::new(),
            tallies: Vec::new(),
            trajectories: Some(Trajectories::default()),
        }
    }

    /// Scores a step and takes it in.
    ///
    /// # Errors
    /// As [`score_step`]; the step is then not taken in.
    pub fn add(&mut self, entry: &Entry) -> Result<StepScore, StepError> {
        let step = score_step(entry, self.behaviour)?;
        self.note(&step);
        self.count(&step);
        self.tallies.push(Tally::of(&step));
        match (&mut self.trajectories, &entry.instruction) {
            (Some(trajectories), Some(instruction)) => {
                let next = trajectories.numbers.len();
                let key = (instruction.clone(), entry.tools.clone());
                let number = *trajectories.numbers.entry(key).or_insert(next);
                trajectories.of_step.push(number);
            }
            _ => self.trajectories = None,
        }
        Ok(step)
    }

    /// The report on all steps; `seed` is the confidence intervals'.
    ///
    /// # Errors
    /// With [`Behaviour::Compat`] the key of a metric that the published script would divide by zero for.
    pub fn finish(self, seed: u64) -> Result<MetricReport, &'static str> {
        let mut all = Tally::default();
        self.tallies.iter().for_each(|step| all.add(step));
        let mut counts = self.counts;
        let intervals = match &self.trajectories {
            Some(trajectories) => {
                let mut tallies = vec![Tally::default(); trajectories.numbers.len()];
                for (step, &number) in self.tallies.iter().zip(&trajectories.of_step) {
                    tallies[number].add(step);
                }
                counts.trajectories = Some(tallies.len() as u64);
                Intervals::bootstrap(&tallies, Over::Trajectories, seed)
            }
            None => Intervals::bootstrap(&self.tallies, Over::Steps, seed),
        };
        Ok(MetricReport {
            metrics: all.published(self.behaviour)?,
            counts,
            confusion: self.confusion,
            skipped: self.skipped,
            mended: self.mended,
            notes: self.notes,
            intervals,
        })
    }

    fn count(&mut self, step: &StepScore) {
        let counts = &mut self.counts;
        counts.steps += 1;
        counts.reference.count(step.reference);
        counts.predicted.count(step.predicted);
        counts.hallucinated += u64::from(step.hallucinated);
        counts.hallucinated_references += u64::from(step.reference_hallucinated);
        match step.arguments {
            Some(ArgumentScore::OtherAction) => counts.other_action += 1,
            Some(ArgumentScore::Easy(_)) => counts.easy += 1,
            Some(ArgumentScore::Hard(_)) => counts.hard += 1,
            Some(ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson)) => {
                self.skipped.reference_arguments_not_json += 1;
            }
            None => {}
        }
        self.confusion.count(step.reference, step.predicted);
        for problem in &step.mended {
            let mended = &mut self.mended;
            *match problem {
                StepError::Parse { which, reason } => match (which, reason) {
                    (Which::Prediction, ParseError::NoSeparator) => {
                        &mut mended.predictions_without_separator
                    }
                    (Which::Reference, ParseError::NoSeparator) => {
                        &mut mended.references_without_separator
                    }
                    (Which::Prediction, ParseError::NoSpaceAfterConclusion) => {
                        &mut mended.predictions_without_answer
                    }
                    (Which::Reference, ParseError::NoSpaceAfterConclusion) => {
                        &mut mended.references_without_answer
                    }
                },
                StepError::Rouge { .. } => &mut mended.empty_answers,
            } += 1;
        }
    }

    fn note(&mut self, step: &StepScore) {
        let skipped = match step.arguments {
            Some(ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson)) => Some((
                Which::Reference,
                "has arguments that are not JSON; left out of argument F1".to_owned(),
            )),
            _ => None,
        };
        let mended = step.mended.iter().map(|problem| match problem {
            StepError::Parse { which, reason } => {
                (*which, format!("{reason}; the whole text was read instead"))
            }
            StepError::Rouge { reason } => {
                let which = match reason {
                    RougeError::EmptyReference => Which::Reference,
                    RougeError::EmptyHypothesis | RougeError::TooLong { .. } => Which::Prediction,
                };
                (which, "has an empty answer; ROUGE-L is 0".to_owned())
            }
        });
        for (which, problem) in skipped.into_iter().chain(mended) {
            if self.notes.len() < MAX_NOTES {
                self.notes.push(Note {
                    entry: self.counts.steps,
                    which,
                    problem,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
