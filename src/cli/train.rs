//! `glpft train`.

use glpft::Error;
use glpft::arrangement::{Job, jobs};
use glpft::prepare::{datasets_of, prepare_datasets};
use glpft::stage::{Context, run_stage};
use glpft_recipes::{Stage, StartFrom};

use super::progress::TrainProgress;
use super::run::stop_on_interrupt;
use super::{PrepareBar, StageArg, TrainArgs, complain, open_run, print};

/// Runs the command.
pub(crate) fn execute(args: TrainArgs) -> Result<(), Error> {
    let device = glpft_model::device(&args.device.device)?;
    let (mut recipe, run) = open_run(&args.common, args.max_steps)?;
    run.clean()?;
    let wanted: &[Stage] = match args.stage {
        StageArg::Global => &[Stage::Global],
        StageArg::Planner => &[Stage::Planner],
        StageArg::Caller => &[Stage::Caller],
        StageArg::Summarizer => &[Stage::Summarizer],
        StageArg::Local => &Stage::LOCAL,
    };
    let available: Vec<Job> = jobs(&recipe);
    let mut chosen = Vec::new();
    for &stage in wanted {
        let Some(job) = available.iter().find(|job| job.stage == stage) else {
            return Err(Error::Argument {
                argument: "--stage",
                problem: format!(
                    "arrangement {} has no {} stage",
                    recipe.arrangement,
                    stage.name()
                ),
            });
        };
        let mut job = job.clone();
        if let Some(from) = &args.from {
            let from = from.display().to_string();
            // The tokens are those of the model that the stage starts from.
            match stage {
                Stage::Global => recipe.model.base = from.clone(),
                Stage::Planner => recipe.stage.planner.from = StartFrom::Directory(from.clone()),
                Stage::Caller => recipe.stage.caller.from = StartFrom::Directory(from.clone()),
                Stage::Summarizer => {
                    recipe.stage.summarizer.from = StartFrom::Directory(from.clone());
                }
            }
            job.from = StartFrom::Directory(from);
        }
        chosen.push(job);
    }
    let output = &args.common.output;
    let mut bar = PrepareBar::new(output);
    let mut datasets: Vec<_> = chosen
        .iter()
        .flat_map(|job| datasets_of(&recipe, job.stage))
        .copied()
        .collect();
    datasets.dedup();
    prepare_datasets(&recipe, &run, &datasets, &mut |progress| bar.show(progress))?;
    drop(bar);
    let stop = stop_on_interrupt()?;
    let context = Context {
        recipe: &recipe,
        run: &run,
        device: &device,
        stop: &stop,
        dump_gradients: args.dump_gradients.as_deref(),
    };
    for job in chosen {
        if run.finished()?.iter().any(|name| name == job.stage.name()) {
            if !output.quiet {
                complain(&format!(
                    "{} is finished: {}; remove that directory and stages/{0} to train it again",
                    job.stage.name(),
                    run.model(job.stage.name()).display()
                ));
            }
            continue;
        }
        let finished = run_stage(&context, &job, &mut TrainProgress::new(output))?;
        if output.json {
            let event = serde_json::json!({"event": "finished", "summary": finished});
            print(&format!("{event}\n"))?;
        } else if !output.quiet {
            let what = if finished.adapter { "adapter" } else { "model" };
            print(&format!(
                "{}: {what} in {}\n",
                job.stage.name(),
                finished.model.display()
            ))?;
        }
    }
    Ok(())
}
