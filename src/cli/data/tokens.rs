//! `glpft data export --tokens`: what training reads, a line an example.

use std::io::{self, Write};

use glpft::Error;
use glpft::prepare::{prepare_each, stage_of};
use glpft_checkpoints::{AtomicFile, FileError, remove_abandoned};
use glpft_data::{Dataset, Split, TokenExample};
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
    remove_abandoned(&args.to)?;
    let mut bar = PrepareBar::new(&args.output);
    let mut observer = |progress| bar.show(progress);
    let mut files = Vec::new();
    for dataset in Dataset::ALL {
        let file = |split: &str| {
            AtomicFile::create(&args.to.join(format!("{split}_{}.jsonl", dataset.name())))
        };
        files.push((dataset, file("train")?, file("validation")?));
    }
    let told = prepare_each(
        &recipe,
        &Dataset::ALL,
        &mut observer,
        &mut |dataset, split, examples| {
            let global = stage_of(&recipe, dataset) == Stage::Global;
            for (_, train, validation) in files.iter_mut().filter(|(one, ..)| *one == dataset) {
                let file = match split {
                    Split::Validation => validation,
                    split if split.trains(global, recipe.reuse) => train,
                    _ => continue,
                };
                let mut written = examples.iter().map(|example| write_line(file, example));
                let failed = |source| FileError::new("write", &args.to, source);
                written.try_for_each(|written| written.map_err(failed))?;
            }
            Ok(())
        },
    )?;
    for (_, train, validation) in files {
        train.commit()?;
        validation.commit()?;
    }
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
