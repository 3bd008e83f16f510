//! `glpft data export --tokens`: what training reads, a line an example.

use std::io::{self, Write};
use std::path::Path;

use glpft::Error;
use glpft::prepare::{prepare_each, stage_of};
use glpft_checkpoints::{FileError, write_atomically};
use glpft_data::{Dataset, TokenExample};
use glpft_recipes::Stage;
use serde_json::json;

use crate::cli::open::load_recipe;
use crate::cli::output::{print, print_json};
use crate::cli::{DataExportArgs, PrepareBar, report};

/// A label that is not learned, as PyTorch's cross entropy reads it.
const NOT_LEARNED: i64 = -100;

pub(super) fn export(args: &DataExportArgs) -> Result<(), Error> {
    let recipe = load_recipe(&args.recipe)?;
    std::fs::create_dir_all(&args.to)
        .map_err(|source| FileError::new("create the folder", &args.to, source))?;
    let mut bar = PrepareBar::new(&args.output);
    let mut observer = |progress| bar.show(progress);
    let told = prepare_each(
        &recipe,
        &Dataset::ALL,
        &mut observer,
        &mut |dataset, prepared| {
            let global = stage_of(&recipe, dataset) == Stage::Global;
            let path = |split: &str| args.to.join(format!("{split}_{}.jsonl", dataset.name()));
            write(&path("train"), prepared.training(global, recipe.reuse))?;
            write(&path("validation"), prepared.validation())?;
            Ok(())
        },
    )?;
    drop(bar);
    if args.output.json {
        return print_json(&json!({"directory": args.to.display().to_string(), "report": told}));
    }
    if args.output.quiet {
        return Ok(());
    }
    let told = report::text(&told, &recipe);
    print(&format!("{told}\nwritten to {}\n", args.to.display()))
}

fn write<'e>(
    path: &Path,
    examples: impl Iterator<Item = &'e TokenExample>,
) -> Result<(), FileError> {
    write_atomically(path, |file| {
        for example in examples {
            write_line(file, example)?;
        }
        Ok(())
    })
}

fn write_line(file: &mut impl Write, example: &TokenExample) -> io::Result<()> {
    let learned = example.label_positions();
    let labels: Vec<i64> = example
        .tokens
        .iter()
        .enumerate()
        .map(|(position, &token)| match learned.contains(&position) {
            true => token.into(),
            false => NOT_LEARNED,
        })
        .collect();
    // In this order, which a map of keys would not keep everywhere.
    file.write_all(b"{\"input_ids\": ")?;
    serde_json::to_writer(&mut *file, &example.tokens)?;
    file.write_all(b", \"labels\": ")?;
    serde_json::to_writer(&mut *file, &labels)?;
    file.write_all(b"}\n")
}
