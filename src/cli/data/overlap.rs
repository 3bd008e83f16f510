//! `glpft data overlap`.

use std::path::Path;

use glpft::Error;
use glpft::prepare::PrepareProgress;
use glpft_data::{Contents, Overlap, Shared, Source, SourceError};
use serde_json::json;

use super::check::OPTIONS;
use crate::cli::output::{print, print_json};
use crate::cli::{DataOverlapArgs, OutputArgs, PrepareBar};

/// Compares two sources.
pub(crate) fn overlap(args: &DataOverlapArgs) -> Result<(), Error> {
    let train = contents(&args.train, &args.output)?;
    let eval = contents(&args.eval, &args.output)?;
    let overlap = Overlap::of(&train, &eval);
    if args.output.json {
        return print_json(&json!(overlap));
    }
    if args.output.quiet {
        return Ok(());
    }
    print(&format!(
        "{}{}",
        text("instructions", &overlap.instructions),
        text("tools", &overlap.tools)
    ))
}

fn contents(path: &Path, output: &OutputArgs) -> Result<Contents, Error> {
    let source = Source::open(path, None)?;
    let mut contents = Contents::default();
    let mut bar = PrepareBar::new(output);
    source.read::<SourceError>(
        &OPTIONS,
        &mut |done, total| bar.show(PrepareProgress::Reading { done, total }),
        &mut |record| {
            contents.add(&record.conversation);
            Ok(())
        },
    )?;
    Ok(contents)
}

fn text(what: &str, shared: &Shared) -> String {
    let mut text = format!(
        "{what}: {} in TRAIN, {} in EVAL, {} in both\n",
        shared.first, shared.second, shared.both
    );
    for example in &shared.examples {
        text += &format!("   {}\n", example.escape_debug());
    }
    let more = shared.both - shared.examples.len();
    if more > 0 {
        text += &format!("   and {more} more\n");
    }
    text
}
