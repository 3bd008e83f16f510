//! What a run will do: the datasets that it reads, and `glpft run --dry-run`.

use glpft::Error;
use glpft::arrangement::Job;
use glpft::check::CheckedJob;
use glpft::memory::estimate;
use glpft::prepare::{Prepared, datasets_of, prepare_in_memory};
use glpft_data::{Dataset, ExampleSet, Plan, Selection};
use glpft_recipes::{Recipe, Stage, StartFrom};
use serde_json::{Value, json};

use super::output::{print_json, table};
use super::{OutputArgs, PrepareBar, print};

/// The datasets that some stages read, each once.
pub(crate) fn datasets_of_jobs(recipe: &Recipe, jobs: &[Job]) -> Vec<Dataset> {
    let mut datasets = Vec::new();
    for dataset in jobs
        .iter()
        .flat_map(|job| datasets_of(recipe, job.stage).iter().copied())
    {
        if !datasets.contains(&dataset) {
            datasets.push(dataset);
        }
    }
    datasets
}

/// Prints what the stages would do.
pub(crate) fn dry_run(
    recipe: &Recipe,
    checked: &[CheckedJob],
    output: &OutputArgs,
) -> Result<(), Error> {
    let jobs: Vec<Job> = checked.iter().map(|checked| checked.job.clone()).collect();
    let mut bar = PrepareBar::new(output);
    let datasets = datasets_of_jobs(recipe, &jobs);
    let prepared = prepare_in_memory(recipe, &datasets, &mut |progress| bar.show(progress))?;
    drop(bar);
    let sizes: Vec<Size> = checked
        .iter()
        .map(|checked| Size::of(recipe, checked, &prepared))
        .collect::<Result<_, _>>()?;
    if output.json {
        let stages: Vec<Value> = jobs
            .iter()
            .zip(&sizes)
            .map(|(job, size)| size.json(recipe, job))
            .collect();
        return print_json(&json!({
            "recipe": recipe.name,
            "arrangement": recipe.arrangement,
            "stages": stages,
        }));
    }
    if output.quiet {
        return Ok(());
    }
    if jobs.is_empty() {
        return print("every stage is finished\n");
    }
    let heads = [
        "stage", "from", "tuning", "examples", "tokens", "steps", "epochs", "lr", "memory",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(
        jobs.iter()
            .zip(&sizes)
            .map(|(job, size)| size.row(recipe, job)),
    );
    print(&table(&rows))
}

/// How much a stage is.
struct Size {
    examples: usize,
    tokens: usize,
    steps: usize,
    /// Bytes, about.
    memory: u64,
}

impl Size {
    fn of(recipe: &Recipe, checked: &CheckedJob, prepared: &Prepared) -> Result<Self, Error> {
        let stage = checked.job.stage;
        let mut datasets = Vec::new();
        for &dataset in datasets_of(recipe, stage) {
            datasets.extend(prepared.dataset(dataset)?);
        }
        let global = stage == Stage::Global;
        let training = Selection::new(&datasets, |split| split.trains(global, recipe.reuse));
        let lengths = || (0..training.len()).map(|index| training.length(index));
        let (tokens, longest) = (lengths().sum::<usize>(), lengths().max().unwrap_or(0));
        let trajectories: Vec<u32> = (0..training.len())
            .map(|index| training.trajectory(index))
            .collect();
        let settings = recipe.stage(stage);
        let plan = Plan::new(
            &trajectories,
            recipe.data.sampling,
            settings.batch,
            recipe.seed,
            stage,
        );
        let of_step = |step: &Vec<u32>| -> usize {
            let examples = step.iter();
            examples.map(|&index| training.length(index as usize)).sum()
        };
        let largest_step = plan.epoch(0).iter().map(of_step).max().unwrap_or(0);
        Ok(Self {
            examples: trajectories.len(),
            tokens,
            steps: glpft_train::total_steps(&plan, settings),
            memory: estimate(&checked.config, settings, longest, largest_step),
        })
    }

    fn json(&self, recipe: &Recipe, job: &Job) -> Value {
        let settings = recipe.stage(job.stage);
        json!({
            "stage": job.stage,
            "from": from(&job.from),
            "tune": settings.tune,
            "examples": self.examples,
            "tokens": self.tokens,
            "steps": self.steps,
            "epochs": settings.epochs,
            "lr": settings.lr,
            "about_memory_bytes": self.memory,
        })
    }

    fn row(&self, recipe: &Recipe, job: &Job) -> Vec<String> {
        let settings = recipe.stage(job.stage);
        let gib = self.memory as f64 / (1u64 << 30) as f64;
        vec![
            job.stage.name().to_owned(),
            from(&job.from).to_owned(),
            settings.tune.to_string(),
            self.examples.to_string(),
            self.tokens.to_string(),
            self.steps.to_string(),
            settings.epochs.to_string(),
            format!("{:e}", settings.lr),
            format!("about {gib:.1} GiB"),
        ]
    }
}

fn from(from: &StartFrom) -> &str {
    match from {
        StartFrom::Base => "base",
        StartFrom::Global => "global",
        StartFrom::Directory(directory) => directory,
    }
}
