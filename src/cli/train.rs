//! `glpft train`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use glpft::arrangement::{Job, jobs};
use glpft::check::check_jobs;
use glpft::error::{FolderError, Interruption};
use glpft::place::{SharedRun, Turn};
use glpft::prepare::{check, datasets_of_jobs, prepare_datasets};
use glpft::ready::check_ready;
use glpft::result::FinishedStage;
use glpft::run::{run_jobs, summarize_finished, together};
use glpft::stage::Context;
use glpft::{Base, Error};
use glpft_checkpoints::{FileError, RunDirectory};
use glpft_recipes::{ModelRecipe, Recipe, Stage, StartFrom};
use glpft_train::Transport;

use super::prepare::tell_losses_of_data;
use super::progress::TrainProgress;
use super::ranks::with_ranks;
use super::{
    Flags, OutputArgs, PrepareBar, Removal, StageArg, TrainArgs, complain, load_for_run, print,
    run_there, tell_changed, tell_losses, tell_waiting,
};

/// Runs the command.
pub(crate) fn execute(args: TrainArgs) -> Result<(), Error> {
    let is_steered = args.steered;
    let outcome = with_ranks(args.ranks.ranks, &args.signals.clone(), |ranks| {
        lead(args, ranks)
    });
    let stopped = matches!(
        outcome,
        Err(Error::Interruption(
            Interruption::Stage { .. } | Interruption::Wait { .. }
        ))
    );
    if is_steered && stopped {
        print("{\"event\":\"interrupted\"}\n")?;
    }
    outcome
}

/// Runs the command on the first rank.
fn lead(args: TrainArgs, ranks: &dyn Transport) -> Result<(), Error> {
    let output = &args.common.output;
    let mut flags = Flags::hear(args.signals.on_usr1)?;
    if args.steered {
        flags.steered()?;
    }
    let device = glpft_model::device(&args.device.device)?;
    let (recorded, root) = load_for_run(&args.common, args.max_steps)?;
    let wanted: &[Stage] = match args.stage {
        StageArg::Global => &[Stage::Global],
        StageArg::Planner => &[Stage::Planner],
        StageArg::Caller => &[Stage::Caller],
        StageArg::Summarizer => &[Stage::Summarizer],
        StageArg::Local => &Stage::LOCAL,
    };
    // The run's recipe stays as it is: --from speaks of this one training.
    let mut recipe = recorded.clone();
    let mut chosen = chosen(&recipe, wanted)?;
    if let Some(from) = &args.from {
        let from = start_at(from)?;
        for job in &mut chosen {
            job.from = start_from(&mut recipe, job.stage, &from);
        }
    }
    let removal = args.common.place.removal(Removal::Stages(wanted));
    removal.check(&root, &recipe)?;
    let stop = Arc::clone(&flags.stop);
    let mut waiting = tell_waiting(output, &stop);
    let mut shared = SharedRun::new(&root, &recorded, removal, &mut waiting);
    shared.wait_for_global(&chosen)?;
    let there = run_there(&root, &recorded, removal)?;
    if let (Some(run), Removal::Nothing | Removal::NothingAnyway) = (&there, removal) {
        leave_finished(&mut chosen, run, output)?;
    }
    // All that can be wrong is told before anything is removed or trained.
    let datasets = datasets_of_jobs(&recipe, &chosen);
    check(&recipe, there.as_ref(), &datasets)?;
    let checked = check_jobs(&recipe, there.as_ref(), &chosen)?;
    if let (Some(run), Removal::Stages(stages)) = (&there, removal) {
        tell_orphans(&recorded, run, stages, output)?;
    }
    tell_changed(&root, &recorded, removal, output)?;
    tell_losses(&root, removal, output);
    let started = Instant::now();
    let turn = shared.turn()?;
    let mut bar = PrepareBar::new(output);
    let prepared = prepare_datasets(
        &recipe,
        &turn.run,
        &datasets,
        turn.if_changed,
        &mut |progress| bar.show(progress),
    )?;
    drop(bar);
    tell_losses_of_data(&prepared, &recipe, &datasets, output)?;
    check_ready(&recipe, &turn.run, &checked, &prepared)?;
    flags.look();
    let run = turn.run.clone();
    let context = Context {
        recipe: &recipe,
        recorded: &recorded,
        run: &run,
        device: &device,
        device_name: &args.device.device,
        resume_anyway: removal == Removal::NothingAnyway,
        ranks,
        stop: &flags.stop,
        save: &flags.save,
        dump_gradients: args.dump_gradients.as_deref(),
    };
    let trained = train(&context, &mut shared, turn, chosen, output)?;
    summarize_finished(&context, trained, started)?;
    Ok(())
}

/// Trains stages one after the other, each as soon as no other process does; what others finish meanwhile is told. Gives
/// those that it trained.
fn train(
    context: &Context<'_>,
    shared: &mut SharedRun<'_>,
    turn: Turn,
    mut left: Vec<Job>,
    output: &OutputArgs,
) -> Result<Vec<FinishedStage>, Error> {
    let mut turn = Some(turn);
    let mut trained = Vec::new();
    loop {
        let now = match turn.take() {
            Some(turn) => turn,
            None => shared.turn()?,
        };
        let finished = now.run.finished()?;
        let is_finished = |job: &&Job| finished.iter().any(|name| name == job.stage.name());
        for job in left.iter().filter(is_finished) {
            tell(&FinishedStage::read(&now.run, job), output)?;
        }
        left.retain(|job| !is_finished(&job));
        if left.is_empty() {
            return Ok(trained);
        }
        let groups: Vec<&[Job]> = together(context, &left).collect();
        let Some(place) = shared.take_first(&now, &groups)? else {
            drop(now);
            shared.wait(&left)?;
            continue;
        };
        // While it trains others may begin.
        drop(now);
        let jobs: Vec<Job> = left.drain(place).collect();
        for finished in run_jobs(context, &jobs, &mut TrainProgress::new(output))? {
            tell(&finished, output)?;
            trained.push(finished);
        }
        shared.let_go(&jobs);
    }
}

/// The stages asked for, as the recipe's arrangement has them.
fn chosen(recipe: &Recipe, wanted: &[Stage]) -> Result<Vec<Job>, Error> {
    let available = jobs(recipe);
    let job = |&stage: &Stage| {
        let found = available.iter().find(|job| job.stage == stage).cloned();
        found.ok_or_else(|| Error::Argument {
            argument: "--stage",
            problem: format!(
                "arrangement {} has no {} stage",
                recipe.arrangement,
                stage.name()
            ),
        })
    };
    wanted.iter().map(job).collect()
}

/// The directory of `--from`, absolute; there is a usable model in it.
fn start_at(from: &Path) -> Result<String, Error> {
    let wrong = |problem: String| Error::Argument {
        argument: "--from",
        problem,
    };
    // What is there and no model is told as what it is.
    if from.symlink_metadata().is_err() {
        return Err(wrong(format!(
            "there is no directory {}; give that of a Hugging Face model, a .gguf file, or a run's",
            from.display()
        )));
    }
    let absolute =
        std::path::absolute(from).map_err(|source| FileError::new("find", from, source))?;
    let Some(text) = absolute.to_str() else {
        return Err(wrong(format!(
            "{} is not UTF-8; give the directory another name",
            from.display()
        )));
    };
    Base::open(&absolute).map_err(|error| wrong(error.to_string()))?;
    Ok(text.to_owned())
}

/// Makes a stage of the recipe start from a directory, with that one's tokenizer.
fn start_from(recipe: &mut Recipe, stage: Stage, from: &str) -> StartFrom {
    let directory = StartFrom::Directory(from.to_owned());
    match stage {
        Stage::Global => {
            recipe.model = ModelRecipe {
                base: from.to_owned(),
                tokenizer: None,
                random: None,
                ..recipe.model.clone()
            };
            return StartFrom::Base;
        }
        Stage::Planner => recipe.stage.planner.from = directory.clone(),
        Stage::Caller => recipe.stage.caller.from = directory.clone(),
        Stage::Summarizer => recipe.stage.summarizer.from = directory.clone(),
    }
    directory
}

/// Leaves out the stages that are finished. Of several asked for (`local`) the others are still to be trained;
/// where there are none, the user meant something else.
fn leave_finished(
    chosen: &mut Vec<Job>,
    run: &RunDirectory,
    output: &OutputArgs,
) -> Result<(), Error> {
    let names = run.finished()?;
    let is_finished = |job: &Job| names.iter().any(|name| name == job.stage.name());
    if let Some(first) = chosen.first()
        && chosen.iter().all(is_finished)
    {
        return Err(Error::Folder(FolderError::Finished {
            stage: first.stage.name(),
            path: run.model(first.stage.name()),
        }));
    }
    for job in chosen.iter().filter(|job| is_finished(job)) {
        if !output.quiet {
            complain(&format!(
                "{} is finished: {}; --stage {0} --overwrite trains it again",
                job.stage.name(),
                run.model(job.stage.name()).display()
            ));
        }
    }
    chosen.retain(|job| !is_finished(job));
    Ok(())
}

/// Roles that were trained from a global model that is about to go belong to it no more.
fn tell_orphans(
    recipe: &Recipe,
    run: &RunDirectory,
    removed: &[Stage],
    output: &OutputArgs,
) -> Result<(), Error> {
    if output.quiet || !removed.contains(&Stage::Global) {
        return Ok(());
    }
    let finished = run.finished()?;
    let orphans: Vec<&str> = jobs(recipe)
        .iter()
        .filter(|job| job.from == StartFrom::Global)
        .map(|job| job.stage.name())
        .filter(|name| finished.iter().any(|finished| finished == name))
        .collect();
    if !orphans.is_empty() {
        complain(&format!(
            "{}: trained from the global model that is replaced now; --stage local --overwrite trains them again",
            orphans.join(", ")
        ));
    }
    Ok(())
}

fn tell(finished: &FinishedStage, output: &OutputArgs) -> Result<(), Error> {
    if output.json {
        let event = serde_json::json!({"event": "finished", "summary": finished});
        return print(&format!("{event}\n"));
    }
    if output.quiet {
        return Ok(());
    }
    let what = if finished.adapter { "adapter" } else { "model" };
    print(&format!(
        "{}: {what} in {}\n",
        finished.stage.name(),
        finished.model.display()
    ))
}
