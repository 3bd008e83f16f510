//! `glpft run`.

use std::time::Instant;

use glpft::Error;
use glpft::arrangement::Job;
use glpft::check::check_jobs;
use glpft::error::Interruption;
use glpft::place::OwnedRun;
use glpft::prepare::{check, datasets_of_jobs, prepare_datasets};
use glpft::ready::check_ready;
use glpft::run::{Summary, run_stages, summarize_finished, unfinished};
use glpft::stage::Context;
use glpft_checkpoints::{RunDirectory, read_json};
use glpft_recipes::{Recipe, Stage};
use glpft_train::Transport;
use serde_json::{Value, json};

use super::output::table;
use super::plan::dry_run;
use super::prepare::tell_losses_of_data;
use super::progress::TrainProgress;
use super::ranks::with_ranks;
use super::roles::Roles;
use super::{
    Flags, OutputArgs, ParallelArg, PrepareBar, Removal, RunArgs, complain, load_for_run, own_run,
    print, run_there, tell_changed, tell_losses,
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
    let devices = devices(&args)?;
    let device_name = devices.first().cloned().unwrap_or_default();
    let device = glpft_model::device(&device_name)?;
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
    if args.parallel.is_some() {
        check_parallel(&recipe, ranks, output)?;
    }
    if args.dry_run {
        return dry_run(&recipe, &checked, ranks.size(), output);
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
    let run = owned.run.clone();
    let context = Context {
        recipe: &recipe,
        recorded: &recipe,
        run: &run,
        device: &device,
        device_name: &device_name,
        resume_anyway: removal == Removal::NothingAnyway,
        ranks,
        stop: &flags.stop,
        save: &flags.save,
        dump_gradients: None,
    };
    let summary = match args.parallel {
        None => run_stages(&context, &mut TrainProgress::new(output))?,
        Some(ParallelArg::Roles) => {
            let roles = Roles {
                recipe: &recipe,
                root: &root,
                devices,
                resume_anyway: context.resume_anyway,
                on_usr1: args.signals.on_usr1,
                output,
                flags: &flags,
            };
            run_roles(&context, owned, &roles)?
        }
    };
    if output.json {
        return print_summary(&json!(summary));
    }
    match output.quiet {
        true => Ok(()),
        false => print(&told(&summary, &recipe, run.root())),
    }
}

/// The devices of `--device`: one, or several for roles.
fn devices(args: &RunArgs) -> Result<Vec<String>, Error> {
    let named = &args.device.device;
    let devices: Vec<String> = named
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    match args.parallel {
        None if devices.len() > 1 => Err(Error::Argument {
            argument: "--device",
            problem: format!("{named:?} names several devices; they are for --parallel roles"),
        }),
        None => Ok(devices),
        Some(_) if devices.len() > 1 => {
            for device in &devices {
                glpft_model::device(device)?;
            }
            Ok(devices)
        }
        Some(_) => Ok(glpft_model::devices(named)?),
    }
}

/// Whether there are roles to train at the same time, and whether that is a good idea.
fn check_parallel(
    recipe: &Recipe,
    ranks: &dyn Transport,
    output: &OutputArgs,
) -> Result<(), Error> {
    if !ranks.is_alone() {
        return Err(Error::Argument {
            argument: "--parallel",
            problem:
                "each role trains in one process; start ranks of a stage with `glpft train --stage`"
                    .to_owned(),
        });
    }
    let jobs = glpft::arrangement::jobs(recipe);
    let roles = jobs.iter().filter(|job| job.stage != Stage::Global);
    let waking = roles
        .clone()
        .filter(|job| recipe.stage(job.stage).wakes())
        .count();
    if roles.count() == 0 {
        return Err(Error::Argument {
            argument: "--parallel",
            problem: format!(
                "arrangement {} has no roles; leave it out",
                recipe.arrangement
            ),
        });
    }
    if waking > 1 && !output.quiet {
        complain(
            "warning: role adapters (stage.lora.wake) train in one pass without --parallel roles; with it, each role computes \
             their common history again",
        );
    }
    Ok(())
}

/// Trains the global stage, then each role, in processes of their own: none holds a device that another one is to use.
fn run_roles(context: &Context<'_>, owned: OwnedRun, roles: &Roles<'_>) -> Result<Summary, Error> {
    let started = Instant::now();
    let left = unfinished(context.recipe, context.run)?;
    let (global, left): (Vec<Job>, Vec<Job>) =
        left.into_iter().partition(|job| job.stage == Stage::Global);
    // From here on those processes are at work in it.
    drop(owned);
    if !global.is_empty() {
        roles.train(&global)?;
    }
    roles.train(&left)?;
    let names = || left.iter().map(|job| job.stage.name()).collect::<Vec<_>>();
    summarize_finished(context, Vec::new(), started)?.ok_or_else(|| {
        Error::Interruption(Interruption::Roles {
            roles: names().join(", "),
        })
    })
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
