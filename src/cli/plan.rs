//! What a run will do: `glpft run --dry-run`.

use glpft::Error;
use glpft::arrangement::Job;
use glpft::check::CheckedJob;
use glpft::prepare::{datasets_of_jobs, prepare_in_memory};
use glpft::size::{StageSize, shared_tokens};
use glpft_recipes::{Recipe, StartFrom};
use serde_json::{Value, json};

use super::output::{print_json, table};
use super::{OutputArgs, PrepareBar, print};

/// Prints what the stages would do.
pub(crate) fn dry_run(
    recipe: &Recipe,
    checked: &[CheckedJob],
    ranks: usize,
    output: &OutputArgs,
) -> Result<(), Error> {
    let jobs: Vec<Job> = checked.iter().map(|checked| checked.job.clone()).collect();
    if jobs.is_empty() {
        // Nothing is read for it: the data may be gone by now.
        return match (output.json, output.quiet) {
            (true, _) => print_json(&json!({
                "recipe": recipe.name,
                "arrangement": recipe.arrangement,
                "stages": [],
            })),
            (false, true) => Ok(()),
            (false, false) => print("every stage is finished\n"),
        };
    }
    let mut bar = PrepareBar::new(output);
    let datasets = datasets_of_jobs(recipe, &jobs);
    let prepared = prepare_in_memory(recipe, &datasets, &mut |progress| bar.show(progress))?;
    drop(bar);
    let sizes: Vec<StageSize> = checked
        .iter()
        .map(|checked| StageSize::of(recipe, checked, &prepared))
        .collect::<Result<_, _>>()?;
    let sizes = sizes
        .into_iter()
        .zip(&jobs)
        .map(|(size, job)| Ok((size, shared_tokens(recipe, job.stage, &prepared)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    if output.json {
        let stages: Vec<Value> = jobs
            .iter()
            .zip(&sizes)
            .map(|(job, size)| json(size, recipe, job, ranks))
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
    let heads = [
        "stage", "from", "tuning", "examples", "tokens", "shared", "steps", "epochs", "lr",
        "memory",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(
        jobs.iter()
            .zip(&sizes)
            .map(|(job, size)| row(size, recipe, job, ranks)),
    );
    print(&table(&rows))
}

fn json((size, shared): &(StageSize, usize), recipe: &Recipe, job: &Job, ranks: usize) -> Value {
    let settings = recipe.stage(job.stage);
    json!({
        "stage": job.stage,
        "from": from(&job.from),
        "tune": settings.tune,
        "examples": size.examples,
        "tokens": size.tokens,
        "shared_tokens": shared,
        "steps": size.steps,
        "epochs": settings.epochs,
        "lr": settings.lr,
        "about_memory_bytes": size.memory_of_rank(ranks),
    })
}

fn row(
    (size, shared): &(StageSize, usize),
    recipe: &Recipe,
    job: &Job,
    ranks: usize,
) -> Vec<String> {
    let settings = recipe.stage(job.stage);
    let gib = size.memory_of_rank(ranks) as f64 / (1u64 << 30) as f64;
    vec![
        job.stage.name().to_owned(),
        from(&job.from).to_owned(),
        settings.tune.to_string(),
        size.examples.to_string(),
        size.tokens.to_string(),
        format!(
            "{shared} ({:.0} %)",
            100.0 * *shared as f64 / size.tokens.max(1) as f64
        ),
        size.steps.to_string(),
        settings.epochs.to_string(),
        format!("{:e}", settings.lr),
        match ranks {
            1 => format!("about {gib:.1} GiB"),
            _ => format!("about {gib:.1} GiB on each of {ranks} ranks"),
        },
    ]
}

fn from(from: &StartFrom) -> &str {
    match from {
        StartFrom::Base => "base",
        StartFrom::Global => "global",
        StartFrom::Directory(directory) => directory,
    }
}
