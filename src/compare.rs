//! `glpft compare`: several runs side by side, of what lies in their directories.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use glpft_checkpoints::{RunDirectory, write_atomically};
use glpft_eval::page::{ComparePage, RunPage, StageState};
use glpft_recipes::Stage;
use serde::Serialize;

use crate::error::Error;
use crate::report::page;

/// Runs side by side.
pub struct Comparison {
    directories: Vec<PathBuf>,
    page: ComparePage,
}

/// A run, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedRun {
    /// What tells it from the others: the end of its path.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// Its recipe's name.
    pub recipe: String,
    /// The arrangement.
    pub arrangement: String,
    /// The keys on which its recipe differs from the first run's, with this run's values as TOML.
    pub differences: BTreeMap<String, String>,
    /// Its stages, in order.
    pub stages: Vec<ComparedStage>,
    /// Its static evaluations.
    pub evaluations: Vec<ComparedEvaluation>,
    /// Its live evaluations.
    pub live: Vec<ComparedLive>,
}

/// A stage, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedStage {
    /// Which.
    pub stage: Stage,
    /// Whether its model is there.
    pub finished: bool,
    /// Steps done.
    pub steps: u64,
    /// Tokens of its examples in these steps.
    pub tokens: u64,
    /// Wall time of its steps, in seconds.
    pub seconds: f64,
    /// The last step's loss, in nats a label token.
    pub loss: Option<f64>,
    /// The last held-out loss, in nats a label token.
    pub held_out_loss: Option<f64>,
}

/// A static evaluation, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedEvaluation {
    /// Its name.
    pub name: String,
    /// Whether every step is answered.
    pub finished: bool,
    /// Steps that are scored.
    pub steps: u64,
    /// The metrics, each in 0..=1, by the keys of `metrics.json`.
    pub metrics: BTreeMap<&'static str, Option<f64>>,
}

/// A live evaluation, in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedLive {
    /// Its name.
    pub name: String,
    /// How it searched.
    pub strategy: String,
    /// Who judged.
    pub judge: String,
    /// Tasks.
    pub tasks: usize,
    /// Averages over test sets, each in 0..=1.
    pub rates: BTreeMap<&'static str, f64>,
}

impl Comparison {
    /// Reads the runs. Each may be unfinished or not evaluated.
    ///
    /// # Errors
    /// One of them has no recipe that can be read. Whatever else cannot be read is told on the page.
    pub fn of(runs: &[RunDirectory]) -> Result<Self, Error> {
        let directories: Vec<PathBuf> = runs.iter().map(|run| run.root().to_owned()).collect();
        let pages = runs.iter().map(page).collect::<Result<Vec<RunPage>, _>>()?;
        Ok(Self {
            page: ComparePage {
                runs: names(&directories).into_iter().zip(pages).collect(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            directories,
        })
    }

    /// Writes the page.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let html = self.page.html();
        write_atomically(path, |file| file.write_all(html.as_bytes()))?;
        Ok(())
    }

    /// The runs in numbers, in the order in which they were given.
    pub fn runs(&self) -> Vec<ComparedRun> {
        let runs = self.page.runs.iter().zip(&self.directories);
        runs.map(|((name, run), directory)| self.run(name, directory, run))
            .collect()
    }

    /// What cannot be read of the runs.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        let runs = self.page.runs.iter();
        runs.flat_map(|(_, run)| run.problems.iter().map(String::as_str))
    }

    fn run(&self, name: &str, directory: &Path, run: &RunPage) -> ComparedRun {
        let first = self.page.runs.first();
        let differences =
            first.map_or_else(Vec::new, |(_, first)| first.recipe.differences(&run.recipe));
        ComparedRun {
            name: name.to_owned(),
            directory: directory.to_owned(),
            recipe: run.recipe.name.clone(),
            arrangement: run.recipe.arrangement.to_string(),
            differences: differences
                .into_iter()
                .map(|found| (found.key, found.theirs))
                .collect(),
            stages: stages(run),
            evaluations: evaluations(run),
            live: live(run),
        }
    }
}

fn stages(run: &RunPage) -> Vec<ComparedStage> {
    let stages = run.stages.iter();
    stages
        .map(|stage| ComparedStage {
            stage: stage.stage,
            finished: stage.state == StageState::Finished,
            steps: stage.steps.last().map_or(0, |last| last.step),
            tokens: stage.steps.iter().map(|step| step.tokens).sum(),
            seconds: stage.steps.iter().map(|step| step.seconds).sum(),
            loss: stage.steps.last().map(|last| last.loss),
            held_out_loss: stage.validations.last().map(|last| last.loss),
        })
        .collect()
}

fn evaluations(run: &RunPage) -> Vec<ComparedEvaluation> {
    let parts = run.evaluations.iter();
    parts
        .filter_map(|part| {
            let scores = part.scores.as_ref()?;
            Some(ComparedEvaluation {
                name: part.name.clone(),
                finished: part.finished,
                steps: scores.counts.steps,
                metrics: scores.metrics.by_key().into(),
            })
        })
        .collect()
}

fn live(run: &RunPage) -> Vec<ComparedLive> {
    let parts = run.live.iter().filter(|part| part.others.is_empty());
    parts
        .filter_map(|part| {
            let report = part.report.as_ref()?;
            let rates = report.scores.by_name().into_iter();
            Some(ComparedLive {
                name: part.name.clone(),
                strategy: report.strategy.clone(),
                judge: report.judge.clone(),
                tasks: report.tasks,
                rates: rates
                    .map(|(name, rates)| (name, rates.average.rate))
                    .collect(),
            })
        })
        .collect()
}

/// The shortest ends of the paths, of the same number of parts, that tell them apart.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let parts = |path: &Path| -> Vec<String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let parts = path.components();
        parts
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let parts: Vec<Vec<String>> = paths.iter().map(|path| parts(path)).collect();
    let deepest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let ends = |count: usize| -> Vec<String> {
        let end = |parts: &Vec<String>| parts[parts.len().saturating_sub(count)..].join("/");
        parts.iter().map(end).collect()
    };
    let are_distinct = |names: &[String]| {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    (1..=deepest)
        .map(ends)
        .find(|names| are_distinct(names))
        .unwrap_or_else(|| ends(deepest))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::names;

    #[test]
    fn runs_are_named_by_what_tells_them_apart() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["runs/a", "runs/b/"]), ["a", "b"]);
        assert_eq!(
            of(&["x/team", "y/team", "y/single"]),
            ["x/team", "y/team", "y/single"]
        );
        let same = of(&["/runs/a", "/runs/a"]);
        assert_eq!(same[0], same[1]);
    }
}
