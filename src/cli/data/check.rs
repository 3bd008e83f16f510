//! `glpft data check`.

use glpft::Error;
use glpft::prepare::{PrepareProgress, SourceState};
use glpft_data::{ReadOptions, Source, SourceError};
use glpft_recipes::{Schemas, counted};
use serde_json::{Value, json};

use crate::cli::output::{print, print_json};
use crate::cli::{DataCheckArgs, PrepareBar, report};

/// As a recipe's defaults read, and every bad record is told.
pub(super) const OPTIONS: ReadOptions = ReadOptions {
    schemas: Schemas::Whole,
    ..ReadOptions::FIXED
};

/// Looks at sources. The first that cannot be used ends it, once all before it are told.
pub(crate) fn check(args: &DataCheckArgs) -> Result<(), Error> {
    let mut all = Vec::new();
    let checked = each(args, &mut all);
    // What was found of the sources before one that cannot be used is told all the same.
    if args.output.json && (checked.is_ok() || !all.is_empty()) {
        print_json(&json!(all))?;
    }
    checked?;
    match args.paths.as_slice() {
        [path] if !args.output.quiet && !args.output.json => print(&format!(
            "To train on it: glpft run RECIPE --set data.source={}\n",
            path.display()
        )),
        _ => Ok(()),
    }
}

/// Tells what is in each source, or adds it to what is told as JSON.
fn each(args: &DataCheckArgs, all: &mut Vec<Value>) -> Result<(), Error> {
    for path in &args.paths {
        let source = Source::open(path, None)?;
        let mut bar = PrepareBar::new(&args.output);
        let told = source.read::<SourceError>(
            &OPTIONS,
            &mut |done, total| bar.show(PrepareProgress::Reading { done, total }),
            &mut |_| Ok(()),
        );
        drop(bar);
        let state = SourceState {
            path: path.display().to_string(),
            form: source.form().name().to_owned(),
            test_query_ids: source.test_query_ids(),
            report: told?,
            ..SourceState::default()
        };
        let missing = missing(&state);
        if args.output.json {
            all.push(json!({
                "path": state.path,
                "form": state.form,
                "report": state.report,
                "missing": missing,
            }));
            continue;
        }
        if args.output.quiet {
            continue;
        }
        let mut text = report::source(&state);
        for warning in state.report.warnings() {
            text += &format!("warning: {warning}\n");
        }
        for line in &missing {
            text += &format!("missing: {line}\n");
        }
        print(&format!("{text}\n"))?;
    }
    Ok(())
}

/// What the roles would lack, a line each.
fn missing(source: &SourceState) -> Vec<String> {
    let steps = &source.report.steps;
    let mut missing = Vec::new();
    for (count, what) in [
        (steps.planner, "the planner has no step to learn from"),
        (
            steps.caller,
            "there are no calls: the caller has nothing to learn from",
        ),
        (
            steps.summarizer,
            "there are no final answers: the summarizer has nothing to learn from",
        ),
    ] {
        if count == 0 {
            missing.push(what.to_owned());
        }
    }
    if steps.without_answer > 0 && steps.summarizer > 0 {
        missing.push(format!(
            "{} without a final answer: the summarizer learns nothing from the last question there",
            counted(steps.without_answer, "record ends", "records end")
        ));
    }
    if steps.without_rationale > 0 {
        missing.push(format!(
            "{} no rationale; data.rationale says what the planner learns there (\"keep\", \"drop-planner\" or \
             \"name-the-tool\")",
            counted(steps.without_rationale, "step has", "steps have")
        ));
    }
    missing
}
