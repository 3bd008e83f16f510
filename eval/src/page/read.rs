//! An evaluation's part of the page, from the directory that it leaves.

use std::collections::BTreeMap;
use std::path::Path;

use glpft_recipes::Behaviour;

use super::model::{EvaluationPart, RolePart};
use super::other_models::others;
use super::sample::{Kind, KindSamples, Sample, SampleChoice};
use crate::error::PredictionsError;
use crate::read::read_predictions;
use crate::score::Scorer;
use crate::static_evaluation::{
    MANIFEST_FILE, METRICS_FILE, Manifest, PREDICTIONS_FILE, RoleStatistics, StaticReport,
};

/// How many steps of a kind are shown.
const SHOWN: usize = 4;
/// The confidence intervals' seed, as in `glpft eval`.
const SEED: u64 = 0;

impl EvaluationPart {
    /// Reads an evaluation's directory; none where it holds no predictions. What cannot be read is told in `problems`,
    /// and what comes before it is taken. `models` are fingerprints of the run's models as they are now, by role: of an
    /// evaluation that has others in its manifest, only which they are is told.
    pub fn read(
        name: &str,
        directory: &Path,
        models: &BTreeMap<String, String>,
        problems: &mut Vec<String>,
    ) -> Option<Self> {
        let path = directory.join(PREDICTIONS_FILE);
        if !path.is_file() {
            return None;
        }
        let metrics = directory.join(METRICS_FILE);
        let finished = metrics.is_file();
        let mut part = Self {
            name: name.to_owned(),
            finished,
            others: others(&directory.join(MANIFEST_FILE), models, problems),
            scores: None,
            samples: Vec::new(),
            roles: Vec::new(),
            times: Vec::new(),
            about: Vec::new(),
        };
        if !part.others.is_empty() {
            return Some(part);
        }
        let mut scorer = Scorer::new(Behaviour::Fixed);
        let mut choice = SampleChoice::default();
        let read = each(&path, &mut |_, entry| {
            let score = scorer.add(entry)?;
            choice.add(Kind::of(&score));
            Ok(())
        });
        // The last line of an evaluation under way may be half written.
        if let (Err(error), true) = (read, finished) {
            problems.push(error.to_string());
        }
        if choice.is_empty() {
            return Some(part);
        }
        match scorer.finish(SEED) {
            Ok(scores) => part.scores = Some(scores),
            Err(metric) => problems.push(format!("{}: {metric} is undefined", path.display())),
        }
        part.samples = samples(&path, &choice);
        if finished {
            match StaticReport::read(&metrics) {
                Ok(report) => part.add(&report),
                Err(error) => problems.push(error.to_string()),
            }
        }
        Some(part)
    }
}

impl EvaluationPart {
    /// What only a finished evaluation tells.
    fn add(&mut self, report: &StaticReport) {
        let times = &report.times;
        let role = |role: &RoleStatistics| RolePart {
            role: role.role.clone(),
            requests: role.requests,
            prompt_tokens: role.prompt_tokens,
            cached_tokens: role.cached_tokens,
            new_tokens: role.new_tokens,
            prompts_cut: role.prompts_cut,
            prompts_at_limit: role.prompts_at_limit,
            cut: role.endings.length + role.endings.repeats,
            empty: role.empty,
            seconds: times.of(&role.role),
        };
        self.roles = report.roles.iter().map(role).collect();
        let times = [
            ("loading", times.loading),
            ("generation", times.generation()),
            ("text", times.text),
            ("writing", times.writing),
            ("scoring", times.scoring),
            ("together", times.total()),
        ];
        self.times = times.map(|(part, time)| (part.to_owned(), time)).into();
        let Manifest { about, decides } = &report.evaluation;
        // A fingerprint tells nobody anything.
        let settings = decides.iter().filter(|(_, value)| value.len() < 48);
        let facts = about.iter().chain(settings);
        self.about = facts
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
    }
}

type Each<'e> = dyn FnMut(u64, &crate::Entry) -> Result<(), crate::StepError> + 'e;

fn each(path: &Path, each: &mut Each<'_>) -> Result<(), PredictionsError> {
    let mut index = 0;
    read_predictions(path, &mut |place, entry| {
        each(index, &entry).map_err(|reason| PredictionsError::Step {
            place: place.to_owned(),
            reason,
        })?;
        index += 1;
        Ok(())
    })?;
    Ok(())
}

/// Reads the chosen steps: a second time, so that no more of the file is held than is shown.
fn samples(path: &Path, choice: &SampleChoice) -> Vec<KindSamples> {
    let mut kinds = Kind::ALL.map(|kind| {
        let samples = KindSamples {
            kind,
            steps: choice.steps(kind),
            samples: Vec::new(),
        };
        (choice.chosen(kind, SHOWN), samples)
    });
    // What ends it ended the first reading, too.
    let _ = each(path, &mut |index, entry| {
        for (chosen, kind) in &mut kinds {
            if chosen.contains(&index) {
                let score = crate::score_step(entry, Behaviour::Fixed)?;
                kind.samples.push(Sample::new(index, entry, &score));
            }
        }
        Ok(())
    });
    kinds.map(|(_, samples)| samples).into()
}
