//! `glpft improve`.

mod progress;

use std::sync::Arc;

use glpft::Error;
use glpft::evaluate::TaskSource;
use glpft::improve::{
    Improve, ImproveSettings, ImproveTasks, ROUNDS_PAGE, RoundsReport, TaskLimits,
};
use glpft::place::ROUNDS_FOLDER;
use glpft_agent::{Limits, RepliesFirst, Sampling, SearchSettings};
use glpft_eval::live_evaluation::LiveSettings;
use glpft_eval::tool_eval::ToolEvalSettings;
use glpft_recipes::Stage;
use serde_json::json;

use super::eval::{judge_choice, server};
use super::output::table;
use super::{Flags, ImproveArgs, complain, print};
use progress::ImproveProgress;

/// The heaviest source of a recipe.
const HEAVIEST: f64 = 1000.0;

/// Runs the command.
pub(crate) fn execute(args: &ImproveArgs) -> Result<(), Error> {
    let output = &args.output;
    let settings = settings(args)?;
    let device = glpft_model::device(&args.device.device)?;
    let source = match (args.world, &args.tasks) {
        (Some(seed), _) => TaskSource::World {
            seed,
            size: args.size.into(),
        },
        (None, Some(file)) => TaskSource::Instructions(file.clone()),
        (None, None) => {
            return Err(wrong("--world", "give a world's seed, or --tasks FILE"));
        }
    };
    let limits = TaskLimits {
        training: args.limit,
        held_out: args.held_out_limit,
    };
    let server = server(&args.server);
    let server = server
        .as_ref()
        .map(|(at, settings)| (at.as_str(), settings.clone()));
    let (tasks, workplace) = ImproveTasks::open(&source, args.held_out.as_deref(), limits, server)?;
    let judge = workplace.judge(&judge_choice(&args.who_judges))?;
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let report = Improve {
        run: &args.run,
        tasks: &tasks,
        server: workplace.server(),
        server_name: &workplace.server_name,
        judge: &*judge,
        settings: &settings,
        overwrite: args.overwrite,
        device: &device,
        device_name: &args.device.device,
        stop: &flags.stop,
        save: &flags.save,
    }
    .run(&mut ImproveProgress::new(output))?;
    if let Some(why) = &report.ended {
        complain(why);
    }
    if output.json {
        let told = json!({"event": "report", "report": report});
        return print(&format!("{told}\n"));
    }
    match output.quiet {
        true => Ok(()),
        false => print(&told(&report, args)),
    }
}

fn settings(args: &ImproveArgs) -> Result<ImproveSettings, Error> {
    if !(args.temperature > 0.0 && args.temperature.is_finite()) {
        return Err(wrong("--temperature", "must be above 0"));
    }
    let top_p = args.top_p.unwrap_or(1.0);
    if !(top_p > 0.0 && top_p <= 1.0) {
        return Err(wrong("--top-p", "must be above 0 and at most 1"));
    }
    if !(args.weight > 0.0 && args.weight <= HEAVIEST) {
        return Err(wrong("--weight", "must be above 0 and at most 1000"));
    }
    let named: Vec<Stage> = args.roles.iter().map(|&role| role.into()).collect();
    let mut roles = Stage::LOCAL.to_vec();
    roles.retain(|role| named.contains(role));
    Ok(ImproveSettings {
        rounds: args.rounds,
        samples: args.samples,
        sampling: Sampling::Random {
            temperature: args.temperature,
            top_p,
            top_k: args.top_k,
            seed: args.seed,
        },
        roles,
        from: args.from.into(),
        weight: args.weight,
        live: LiveSettings {
            search: SearchSettings {
                depth: args.depth,
                queries: args.max_steps,
                tokens: args.max_tokens,
                rank: Some(Arc::new(RepliesFirst)),
                ..SearchSettings::published(args.strategy)
            },
            together: args.together,
            judging: ToolEvalSettings {
                rounds: args.judge_rounds,
                seed: 0,
                parallel: args.who_judges.judge_parallel,
                ask_again: args.who_judges.judge_again,
            },
        },
        limits: Limits {
            prompt_tokens: args.max_prompt_tokens.unwrap_or(usize::MAX),
            new_tokens: args.max_new_tokens,
            stop_repeats: args.stop_repeats,
        },
        precision: args.precision.into(),
        cache_bytes: Some(args.cache.saturating_mul(1 << 20)),
    })
}

/// The rounds, and where the best one is.
fn told(report: &RoundsReport, args: &ImproveArgs) -> String {
    let rounds = args.run.join(ROUNDS_FOLDER);
    let best = match report.best {
        0 => args.run.clone(),
        best => rounds.join(best.to_string()),
    };
    format!(
        "\n{}best: {}, {}\nthis table: {}\n",
        table(&report.rows()),
        report.best_run(),
        best.display(),
        rounds.join(ROUNDS_PAGE).display()
    )
}

fn wrong(argument: &'static str, problem: &str) -> Error {
    Error::Argument {
        argument,
        problem: problem.to_owned(),
    }
}
