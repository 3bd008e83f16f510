//! `glpft study`.

mod plan;
mod progress;

use std::path::Path;

use glpft::Error;
use glpft::study::{
    CountedLengths, Estimate, Grid, HeldOut, HeldOutTasks, Play, Row, Study, StudyMetric,
    StudyPlan, StudyReport, TeamEvaluation, known_lengths, run_study,
};
use glpft_agent::{Limits, Strategy};
use glpft_eval::static_evaluation::StaticSettings;
use glpft_recipes::{Override, Recipe};
use serde_json::json;

use super::eval::{LiveProgress, StaticProgress};
use super::open::{absolute_model, cap_steps, load_recipe};
use super::output::{print, table};
use super::{Flags, PrepareBar, RecipeArgs, StudyArgs, complain};

use progress::StudyProgress;

/// Runs the command.
pub(crate) fn execute(args: &StudyArgs) -> Result<(), Error> {
    let output = &args.output;
    let device = glpft_model::device(&args.device.device)?;
    let bases = args.bases.iter().map(|base| absolute_model(base));
    let bases: Vec<String> = bases.collect::<Result<_, _>>()?;
    let mut recipe = study_recipe(&args.recipe, &bases)?;
    if let Some(max_steps) = args.max_steps {
        cap_steps(&mut recipe, max_steps as usize);
    }
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("studies").join(&recipe.name));
    let mut bar = PrepareBar::new(output);
    let mut observer = |progress| bar.show(progress);
    let mut lengths = CountedLengths::new(known_lengths(&out), &mut observer);
    let plan = StudyPlan::new(&recipe, &grid(args, bases), &mut lengths)?;
    let lengths = lengths.known;
    drop(bar);
    let held_out = || HeldOut::read(&args.eval, args.eval_conversations, recipe.data.schemas);
    if args.dry_run {
        held_out()?.check(&plan)?;
        if let Some(tasks) = held_out_tasks(args) {
            tasks.check(&plan)?;
        }
        return plan::dry_run(&plan, output);
    }
    let held_out = held_out()?;
    let tasks = held_out_tasks(args);
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let study = Study {
        recipe: &recipe,
        plan: &plan,
        lengths: &lengths,
        held_out: &held_out,
        tasks: tasks.as_ref(),
        out: &out,
        shard: args.shard,
        device: &device,
        device_name: &args.device.device,
        stop: &flags.stop,
        save: &flags.save,
    };
    let settings = settings(args);
    let strategies = strategies(args);
    let mut playing = LiveProgress::new(output);
    let mut evaluation = TeamEvaluation {
        held_out: &held_out,
        settings,
        play: tasks.as_ref().map(|tasks| Play {
            tasks,
            strategies: &strategies,
            limits: settings.limits,
            observer: &mut playing,
        }),
        device: &device,
        observer: &mut StaticProgress::new(output),
        stop: &flags.stop,
    };
    let report = run_study(&study, &mut evaluation, &mut StudyProgress::new(output))?;
    if output.json {
        return print(&format!(
            "{}\n",
            json!({"event": "report", "report": report})
        ));
    }
    if !output.quiet {
        print(&told(&report))?;
        let done = report.cells.len() + report.left_out.len();
        if done < report.cells_planned {
            complain(&format!(
                "{done} of {} cells are done: the tables are of these; the other shards are not at their end",
                report.cells_planned
            ));
        }
        complain(&format!(
            "tables and curves: {}",
            out.join("report.md").display()
        ));
    }
    Ok(())
}

/// The recipe that the cells' are made of: GLPFT with reuse, from the first base.
fn study_recipe(args: &RecipeArgs, bases: &[String]) -> Result<Recipe, Error> {
    let named = |key: &str| {
        let start = format!("{key}=");
        args.set
            .iter()
            .any(|one| one.to_string().starts_with(&start))
    };
    for key in ["arrangement", "reuse"] {
        if named(key) {
            return Err(Error::Argument {
                argument: "--set",
                problem: format!(
                    "`{key}` is what a study varies; choose with --arrangements instead"
                ),
            });
        }
    }
    let mut args = args.clone();
    args.set.push(Override::new("arrangement", "glpft"));
    args.set.push(Override::new("reuse", "true"));
    if let Some(base) = bases.first() {
        args.set.push(Override::new("model.base", base));
    }
    load_recipe(&args)
}

fn grid(args: &StudyArgs, bases: Vec<String>) -> Grid {
    Grid {
        arrangements: args.arrangements.iter().map(|&one| one.into()).collect(),
        budgets: args.budgets.iter().map(|&one| one.into()).collect(),
        splits: args.splits.clone(),
        fractions: args.fractions.clone(),
        seeds: args.seeds,
        bases,
    }
}

/// The tasks that are played, if some are.
fn held_out_tasks(args: &StudyArgs) -> Option<HeldOutTasks> {
    let of_world = |seed| HeldOutTasks::of_world(seed, args.size.into(), args.tasks);
    args.world.map(of_world)
}

/// Named twice, a strategy counts once.
fn strategies(args: &StudyArgs) -> Vec<Strategy> {
    let mut strategies = Vec::new();
    for &strategy in &args.strategies {
        if !strategies.contains(&strategy) {
            strategies.push(strategy);
        }
    }
    strategies
}

fn settings(args: &StudyArgs) -> StaticSettings {
    StaticSettings {
        trajectories: args.eval_conversations,
        steps: args.eval_steps,
        limits: Limits {
            prompt_tokens: args.max_prompt_tokens,
            new_tokens: args.max_new_tokens,
            stop_repeats: None,
        },
        batch: args.eval_batch,
        ..StaticSettings::default()
    }
}

/// The rows, in percent.
fn told(report: &StudyReport) -> String {
    let mut heads = vec!["arrangement", "base", "share", "seeds", "tokens"];
    heads.extend(StudyMetric::ALL.map(StudyMetric::title));
    let mut heads: Vec<String> = heads.into_iter().map(str::to_owned).collect();
    let played = report.rows.first().map_or(&[][..], |row| &row.played);
    for played in played {
        for head in ["passed", "solvable", "given up"] {
            heads.push(format!("{head}, {}", played.strategy));
        }
    }
    let mut rows = vec![heads];
    rows.extend(report.rows.iter().map(line));
    let mut text = table(&rows);
    for left_out in &report.left_out {
        text += &format!("left out: {}: {}\n", left_out.cell, left_out.why);
    }
    text
}

fn line(row: &Row) -> Vec<String> {
    let mut cells = vec![
        format!("{}{}", row.arrangement.name(), row.budget),
        row.base.clone(),
        row.fraction.to_string(),
        row.seeds.to_string(),
        format!("{:.0}", row.computed_tokens),
    ];
    cells.extend(StudyMetric::ALL.map(|metric| percent(row.metric(metric))));
    for played in &row.played {
        cells.push(percent(Some(&played.pass)));
        cells.push(percent(played.solvable_pass.as_ref()));
        let (all, rightly) = (played.given_up, played.rightly_given_up);
        cells.push(format!("{all:.1}, {rightly:.1} rightly"));
    }
    cells
}

/// In percent: the interval where there is one, else the deviation.
fn percent(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "-".to_owned();
    };
    let best = if estimate.best { "*" } else { "" };
    let mean = 100.0 * estimate.mean;
    let spread = match (estimate.interval, estimate.deviation) {
        (Some([low, high]), _) => format!(" ({:.1} to {:.1})", 100.0 * low, 100.0 * high),
        (None, Some(deviation)) => format!(" ± {:.2}", 100.0 * deviation),
        (None, None) => String::new(),
    };
    format!("{best}{mean:.2}{spread}")
}
