//! `glpft run`.

use glpft::Error;
use glpft::check::check_jobs;
use glpft::prepare::{check, datasets_of_jobs, prepare_datasets};
use glpft::ready::check_ready;
use glpft::run::{Summary, run_stages, unfinished};
use glpft::stage::Context;
use glpft_checkpoints::{RunDirectory, read_json};
use glpft_recipes::Recipe;
use glpft_train::Transport;
use serde_json::{Value, json};

use super::output::table;
use super::plan::dry_run;
use super::prepare::tell_losses_of_data;
use super::progress::TrainProgress;
use super::ranks::with_ranks;
use super::{
    Flags, OutputArgs, PrepareBar, Removal, RunArgs, complain, load_for_run, own_run, print,
    run_there, tell_changed, tell_losses,
};

/// Runs the command.
pub(crate) fn execute(args: RunArgs) -> Result<(), Error> {
    with_ranks(args.ranks.ranks, &args.signals.clone(), |ranks| {
        lead(args, ranks)
    })
}

/// Runs the command on the first rank.
fn lead(args: RunArgs, ranks: &dyn Transport) -> Result<(), Error> {
    let output = &args.common.output;
    let mut flags = Flags::hear(args.signals.on_usr1)?;
    let device = glpft_model::device(&args.device.device)?;
    let (recipe, root) = load_for_run(&args.common, args.max_steps)?;
    let removal = args.common.place.removal(Removal::Everything);
    removal.check(&root, &recipe)?;
    let there = run_there(&root, &recipe, removal)?;
    let jobs = match &there {
        Some(run) => unfinished(&recipe, run)?,
        None => glpft::arrangement::jobs(&recipe),
    };
    if !args.dry_run
        && jobs.is_empty()
        && let Some(run) = &there
        && let Ok(summary) = read_json(&run.summary())
    {
        glpft::place::settle(run);
        return tell_finished(run, summary, output);
    }
    // All that can be wrong with a later stage is told before the first one's hours, and before anything is removed.
    let datasets = datasets_of_jobs(&recipe, &jobs);
    if !jobs.is_empty() {
        check(&recipe, there.as_ref(), &datasets)?;
    }
    let checked = check_jobs(&recipe, there.as_ref(), &jobs)?;
    if args.dry_run {
        return dry_run(&recipe, &checked, output);
    }
    tell_changed(&root, &recipe, removal, output)?;
    tell_losses(&root, removal, output);
    let owned = own_run(&root, &recipe, removal)?;
    if !jobs.is_empty() {
        let mut bar = PrepareBar::new(output);
        let prepared = prepare_datasets(
            &recipe,
            &owned.run,
            &datasets,
            removal.if_changed(),
            &mut |progress| bar.show(progress),
        )?;
        drop(bar);
        tell_losses_of_data(&prepared, &recipe, &datasets, output)?;
        check_ready(&recipe, &owned.run, &checked, &prepared)?;
    }
    flags.look();
    let context = Context {
        recipe: &recipe,
        recorded: &recipe,
        run: &owned.run,
        device: &device,
        device_name: &args.device.device,
        resume_anyway: removal == Removal::NothingAnyway,
        ranks,
        stop: &flags.stop,
        save: &flags.save,
        dump_gradients: None,
    };
    let summary = run_stages(&context, &mut TrainProgress::new(output))?;
    if output.json {
        return print_summary(&json!(summary));
    }
    match output.quiet {
        true => Ok(()),
        false => print(&told(&summary, &recipe, owned.run.root())),
    }
}

/// A run that an earlier start finished is no error, and nothing to do.
fn tell_finished(run: &RunDirectory, summary: Value, output: &OutputArgs) -> Result<(), Error> {
    if output.json {
        return print_summary(&summary);
    }
    if !output.quiet {
        complain(&format!(
            "{} is finished; --overwrite starts it anew",
            run.root().display()
        ));
    }
    Ok(())
}

fn print_summary(summary: &Value) -> Result<(), Error> {
    print(&format!(
        "{}\n",
        json!({"event": "summary", "summary": summary})
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
            "perplexity",
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
            number(report.last_validation_perplexity),
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
    if recipe.name == "sample" {
        text.push_str(&format!(
            "\nNext:\n  glpft data inspect {root} --role caller --index 3    # what a role learns from\n  \
             glpft export {root} --role planner --to planner       # a Hugging Face directory\n  \
             glpft recipe copy smollm2-135m-lora my.toml            # a real model on your trajectories\n",
            root = root.display()
        ));
    }
    text
}
