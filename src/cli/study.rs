//! `glpft study`.

mod plan;
mod progress;

use std::path::Path;

use glpft::Error;
use glpft::study::{
    Grid, HeldOut, Row, Study, StudyMetric, StudyPlan, StudyReport, TeamEvaluation, run_study,
};
use glpft_agent::Limits;
use glpft_eval::static_evaluation::StaticSettings;
use glpft_recipes::{Override, Recipe};
use serde_json::json;

use super::eval::StaticProgress;
use super::open::{absolute_model, cap_steps, load_recipe};
use super::output::{print, table};
use super::{Flags, RecipeArgs, StudyArgs, complain};

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
    let plan = StudyPlan::new(&recipe, &grid(args, bases))?;
    let held_out = || HeldOut::read(&args.eval, args.eval_conversations, recipe.data.schemas);
    if args.dry_run {
        held_out()?.check(&plan)?;
        return plan::dry_run(&plan, output);
    }
    let held_out = held_out()?;
    let out = args.out.clone();
    let out = out.unwrap_or_else(|| Path::new("studies").join(&recipe.name));
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let study = Study {
        recipe: &recipe,
        plan: &plan,
        held_out: &held_out,
        out: &out,
        device: &device,
        device_name: &args.device.device,
        stop: &flags.stop,
        save: &flags.save,
    };
    let mut evaluation = TeamEvaluation {
        held_out: &held_out,
        settings: settings(args),
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
        fractions: args.fractions.clone(),
        seeds: args.seeds,
        bases,
    }
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
    let mut heads = vec!["arrangement", "base", "share", "seeds"];
    heads.extend(StudyMetric::ALL.map(StudyMetric::title));
    let mut rows: Vec<Vec<String>> = vec![heads.into_iter().map(str::to_owned).collect()];
    rows.extend(report.rows.iter().map(line));
    let mut text = table(&rows);
    for left_out in &report.left_out {
        text += &format!("left out: {}: {}\n", left_out.cell, left_out.why);
    }
    text
}

fn line(row: &Row) -> Vec<String> {
    let mut cells = vec![
        row.arrangement.name().to_owned(),
        row.base.clone(),
        row.fraction.to_string(),
        row.seeds.to_string(),
    ];
    cells.extend(StudyMetric::ALL.map(|metric| {
        row.metric(metric).map_or("-".to_owned(), |estimate| {
            let best = if estimate.best { "*" } else { "" };
            let mean = 100.0 * estimate.mean;
            let deviation = estimate.deviation;
            let deviation = deviation.map_or(String::new(), |one| format!(" ± {:.2}", 100.0 * one));
            format!("{best}{mean:.2}{deviation}")
        })
    }));
    cells
}
