//! Measuring a cell's team by static evaluation.

use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use glpft_checkpoints::RunDirectory;
use glpft_eval::DirectoryError;
use glpft_eval::static_evaluation::{StaticError, StaticObserver, StaticReport, StaticSettings};
use glpft_recipes::{Precision, SystemPrefix};
use serde_json::{Value, json};

use super::cell::Cell;
use super::evaluate::{Evaluate, Evaluated};
use super::held_out::HeldOut;
use crate::Error;
use crate::evaluate::{EVAL_FOLDER, EvaluateStatic, Models, evaluate_static};
use crate::team::TeamSource;

/// Measures teams by static evaluation ([`evaluate_static`]), each into its run's `eval/study/`.
pub struct TeamEvaluation<'a> {
    /// The held-out conversations.
    pub held_out: &'a HeldOut,
    /// How; whether `system: ` stands before prompts is the recipe's to say.
    pub settings: StaticSettings,
    /// What computes.
    pub device: &'a Device,
    /// Hears how it goes.
    pub observer: &'a mut dyn StaticObserver,
    /// Set from outside to end what is under way.
    pub stop: &'a AtomicBool,
}

impl TeamEvaluation<'_> {
    fn run(
        &mut self,
        cell: &Cell,
        run: &RunDirectory,
        overwrite: bool,
    ) -> Result<StaticReport, Error> {
        let settings = StaticSettings {
            system_prefix: cell.recipe.data.system_prefix == SystemPrefix::Both,
            ..self.settings
        };
        let evaluation = EvaluateStatic {
            models: Models {
                team: &TeamSource::Run(run.root().to_owned()),
                prompts: None,
                device: self.device,
                precision: Precision::F32,
                cache_bytes: None,
            },
            data: &self.held_out.path,
            settings: &settings,
            out: &run.root().join(EVAL_FOLDER).join("study"),
            overwrite,
            stop: self.stop,
        };
        evaluate_static(&evaluation, self.observer)
    }
}

impl Evaluate for TeamEvaluation<'_> {
    fn settings(&self) -> Value {
        let mut facts = self.settings.facts();
        // The recipe's.
        facts.remove("system prefix");
        json!(facts)
    }

    fn evaluate(&mut self, cell: &Cell, run: &RunDirectory) -> Result<Evaluated, Error> {
        let report = match self.run(cell, run, false) {
            Err(Error::Static(StaticError::Directory(DirectoryError::Other { .. }))) => {
                self.run(cell, run, true)
            }
            report => report,
        }?;
        Ok(Evaluated {
            metrics: report.scores.metrics,
            steps: report.data.steps as u64,
            conversations: report.data.trajectories_asked as u64,
            seconds: report.times.total(),
        })
    }
}
