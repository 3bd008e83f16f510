//! `glpft data`.

mod check;
mod convert;
mod example;
mod overlap;
mod tokens;

use std::path::Path;

use glpft::Error;
use glpft::prepare::{
    PrepareProgress, PrepareReport, datasets, example, prepare_each, prepared_before,
};
use glpft_checkpoints::RunDirectory;
use glpft_data::{Dataset, Prompts, ReadOptions, Source};
use glpft_recipes::{Recipe, RecipeError};
use serde_json::json;

use super::open::{load_partial, load_recipe, run_path};
use super::output::{print, print_json};
use super::{DataExportArgs, InspectArgs, PrepareBar, report};

pub(crate) use check::check;
pub(crate) use convert::convert;
pub(crate) use overlap::overlap;

/// `glpft data inspect`.
pub(crate) fn inspect(args: &InspectArgs) -> Result<(), Error> {
    let recipe = load_recipe(&args.recipe)?;
    let Some(role) = args.role else {
        let report = inspected(args, &recipe)?;
        return match args.output.json {
            true => print_json(&json!(report)),
            false => print(&report::text(&report, &recipe)),
        };
    };
    let dataset = Dataset::from(role);
    let index = args.index.unwrap_or(0);
    let mut bar = PrepareBar::new(&args.output);
    let shown = example(&recipe, dataset, index, &mut |progress| bar.show(progress))?;
    drop(bar);
    match args.output.json {
        true => print_json(&example::json(dataset, index, &shown)),
        false => print(&example::text(dataset, index, &shown, &recipe)),
    }
}

/// What the run's directory tells, where it holds the recipe's data, else what preparing would.
fn inspected(args: &InspectArgs, recipe: &Recipe) -> Result<PrepareReport, Error> {
    let root = run_path(&args.recipe, args.out.as_deref(), recipe);
    if let Ok(run) = RunDirectory::open(&root)
        && let Some(prepared) = prepared_before(recipe, &run, datasets(recipe))?
    {
        return Ok(prepared.report);
    }
    let mut bar = PrepareBar::new(&args.output);
    let mut observer = |progress| bar.show(progress);
    prepare_each(recipe, datasets(recipe), &mut observer, &mut |_, _, _| {
        Ok(())
    })
}

/// `glpft data export`.
pub(crate) fn export(args: &DataExportArgs) -> Result<(), Error> {
    match args.tokens {
        true => tokens::export(args),
        false => export_text(args),
    }
}

fn export_text(args: &DataExportArgs) -> Result<(), Error> {
    let recipe = load_partial(&args.recipe)?;
    if let Some(source) = recipe.missing().iter().find(|key| key.key == "data.source") {
        return Err(RecipeError::Missing {
            recipe: args.recipe.recipe.clone(),
            keys: source.key.to_owned(),
            what: format!("it to {}", source.what),
            example: format!("--set {}=PATH", source.key),
        }
        .into());
    }
    let data = &recipe.data;
    let prompts =
        Prompts::open(data.prompts.as_deref().map(Path::new))?.with_layout(data.layout)?;
    let source = Source::from_recipe(data)?;
    let mut bar = PrepareBar::new(&args.output);
    let told = glpft_data::export(
        &source,
        &ReadOptions::from(data),
        &prompts,
        data.give_up_history,
        &args.to,
        &mut |done, total| bar.show(PrepareProgress::Reading { done, total }),
    )?;
    drop(bar);
    if args.output.json {
        return print_json(&json!({"directory": args.to.display().to_string(), "source": told}));
    }
    if args.output.quiet {
        return Ok(());
    }
    let bad: String = told
        .bad
        .iter()
        .map(|bad| format!("bad: {}: {}\n", bad.record, bad.reason))
        .collect();
    print(&format!("{bad}{told}\nwritten to {}\n", args.to.display()))
}
