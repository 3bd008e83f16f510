//! `glpft run`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glpft::Error;
use glpft::prepare::{Prepared, datasets_of, prepare, prepare_in_memory};
use glpft::run::{Summary, run_stages, unfinished};
use glpft::stage::Context;
use glpft_data::Plan;
use glpft_recipes::{Recipe, Stage, StartFrom};

use super::open::cap_steps;
use super::output::table;
use super::progress::TrainProgress;
use super::{PrepareBar, RunArgs, complain, load_recipe, open_run, print};

/// Runs the command.
pub(crate) fn execute(args: RunArgs) -> Result<(), Error> {
    let output = &args.common.output;
    if args.dry_run {
        let mut recipe = load_recipe(&args.common.recipe)?;
        if let Some(max_steps) = args.max_steps {
            cap_steps(&mut recipe, max_steps as usize);
        }
        return dry_run(&recipe, &args);
    }
    let device = glpft_model::device(&args.device.device)?;
    let (recipe, run) = open_run(&args.common, args.max_steps)?;
    run.clean()?;
    if unfinished(&recipe, &run)?.is_empty() && run.summary().is_file() {
        if !output.quiet {
            complain(&format!(
                "{} is finished; --overwrite starts it anew",
                run.root().display()
            ));
        }
        return Ok(());
    }
    let mut bar = PrepareBar::new(output);
    prepare(&recipe, &run, &mut |progress| bar.show(progress))?;
    drop(bar);
    let stop = stop_on_interrupt()?;
    let context = Context {
        recipe: &recipe,
        run: &run,
        device: &device,
        stop: &stop,
        dump_gradients: None,
    };
    let summary = run_stages(
        &context,
        &args.device.device,
        &mut TrainProgress::new(output),
    )?;
    if output.quiet {
        return Ok(());
    }
    if output.json {
        return print(&format!(
            "{}\n",
            serde_json::json!({"event": "summary", "summary": summary})
        ));
    }
    print(&told(&summary, &recipe, run.root()))
}

/// The flag that Ctrl-C sets.
pub(crate) fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        // The second time, the user means now.
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        complain("stopping after this step; once more to stop at once");
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Argument {
        argument: "Ctrl-C",
        problem: error.to_string(),
    })?;
    Ok(stop)
}

/// Prints what a run would do.
fn dry_run(recipe: &Recipe, args: &RunArgs) -> Result<(), Error> {
    let mut bar = PrepareBar::new(&args.common.output);
    let datasets = glpft::prepare::datasets(recipe);
    let prepared = prepare_in_memory(recipe, datasets, &mut |progress| bar.show(progress))?;
    drop(bar);
    let mut rows = vec![
        [
            "stage", "from", "tuning", "examples", "tokens", "steps", "epochs", "lr",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for job in glpft::arrangement::jobs(recipe) {
        let settings = recipe.stage(job.stage);
        let (examples, tokens, steps) = size(recipe, job.stage, &prepared)?;
        rows.push(vec![
            job.stage.name().to_owned(),
            from(&job.from),
            settings.tune.to_string(),
            examples.to_string(),
            tokens.to_string(),
            steps.to_string(),
            settings.epochs.to_string(),
            format!("{:e}", settings.lr),
        ]);
    }
    print(&table(&rows))
}

fn from(from: &StartFrom) -> String {
    match from {
        StartFrom::Base => "base".to_owned(),
        StartFrom::Global => "global".to_owned(),
        StartFrom::Directory(directory) => directory.clone(),
    }
}

/// A stage's examples, their tokens, and its steps.
fn size(
    recipe: &Recipe,
    stage: Stage,
    prepared: &Prepared,
) -> Result<(usize, usize, usize), Error> {
    let (mut trajectories, mut tokens) = (Vec::new(), 0);
    for &dataset in datasets_of(recipe, stage) {
        if let Some(dataset) = prepared.dataset(dataset)? {
            for example in dataset.training(stage == Stage::Global, recipe.reuse) {
                trajectories.push(example.trajectory);
                tokens += example.tokens.len();
            }
        }
    }
    let settings = recipe.stage(stage);
    let plan = Plan::new(
        &trajectories,
        recipe.data.sampling,
        settings.batch,
        recipe.seed,
        stage,
    );
    Ok((
        trajectories.len(),
        tokens,
        glpft_train::total_steps(&plan, settings),
    ))
}

/// A finished run, for people.
fn told(summary: &Summary, recipe: &Recipe, root: &std::path::Path) -> String {
    let mut rows = vec![
        [
            "stage",
            "steps",
            "loss",
            "",
            "validation",
            "",
            "tokens/s",
            "time",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let number = |loss: Option<f64>| loss.map_or("-".to_owned(), |loss| format!("{loss:.4}"));
    for stage in &summary.stages {
        let report = &stage.report;
        rows.push(vec![
            stage.stage.name().to_owned(),
            report.steps.to_string(),
            number(report.first_loss),
            format!("→ {}", number(report.last_loss)),
            number(report.first_validation_loss),
            format!("→ {}", number(report.last_validation_loss)),
            format!("{:.0}", report.tokens as f64 / report.seconds.max(1e-9)),
            format!("{:.0} s", report.seconds),
        ]);
    }
    let mut text = table(&rows);
    text.push('\n');
    for stage in &summary.stages {
        let what = if stage.adapter { "adapter" } else { "model" };
        text.push_str(&format!(
            "{:10}  {what} in {}\n",
            stage.stage.name(),
            stage.model.display()
        ));
    }
    if recipe.name == "quickstart" {
        text.push_str(&format!(
            "\nNext:\n  glpft data inspect {root} --role caller --index 3    # what a role learns from\n  \
             glpft export {root} --role planner --to planner       # a Hugging Face directory\n  \
             glpft recipe copy smollm2-135m-lora my.toml            # a real model on your trajectories\n",
            root = root.display()
        ));
    }
    text
}
