//! `glpft study --dry-run`.

use glpft::Error;
use glpft::study::{StudyPlan, sizes};
use glpft_recipes::counted;
use serde_json::json;

use super::super::output::{print_json, table};
use super::super::{OutputArgs, PrepareBar, print};

/// Prints what a study would train, and what its cells share.
pub(super) fn dry_run(plan: &StudyPlan, output: &OutputArgs) -> Result<(), Error> {
    let mut bar = PrepareBar::new(output);
    let sizes = sizes(plan, &mut |progress| bar.show(progress))?;
    drop(bar);
    let heads = [
        "stage",
        "of",
        "base",
        "share",
        "seed",
        "steps",
        "tokens",
        "shared with",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let mut told = Vec::new();
    for (stage, size) in plan.stages.iter().zip(&sizes) {
        let cell = &plan.cells[stage.cells[0]];
        let shared = stage.cells[1..]
            .iter()
            .map(|&index| plan.cells[index].compared.name());
        let shared: Vec<&str> = shared.collect();
        let steps = size.size.map(|size| size.steps);
        told.push(json!({
            "stage": stage.job.stage,
            "arrangement": cell.compared,
            "budget": cell.budget,
            "base": cell.base.name,
            "fraction": cell.fraction,
            "seed": cell.recipe.seed,
            "steps": steps,
            "about_tokens": size.size.map(|_| size.tokens),
            "shared_with": shared,
        }));
        rows.push(vec![
            stage.job.stage.name().to_owned(),
            format!("{}{}", cell.compared.name(), cell.budget),
            cell.base.name.clone(),
            cell.fraction.to_string(),
            cell.recipe.seed.to_string(),
            steps.map_or("no data".to_owned(), |steps| steps.to_string()),
            size.tokens.to_string(),
            shared.join(", "),
        ]);
    }
    let tokens: u64 = sizes.iter().map(|size| size.tokens).sum();
    let (cells, stages, shared) = (plan.cells.len(), plan.stages.len(), plan.shared());
    if output.json {
        return print_json(&json!({
            "cells": cells,
            "stages": told,
            "shared": shared,
            "about_tokens": tokens,
        }));
    }
    if output.quiet {
        return Ok(());
    }
    print(&format!(
        "{}\n{} to train and measure: {} to train, {} one is used again; about {tokens} tokens (the first seed's shares stand for \
         the others')\n",
        table(&rows),
        counted(cells, "cell", "cells"),
        counted(stages, "stage", "stages"),
        counted(shared, "time", "times")
    ))
}
