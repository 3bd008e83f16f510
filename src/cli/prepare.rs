//! `glpft prepare`.

use glpft::Error;
use glpft::place::record;
use glpft::prepare::{DatasetReport, PrepareProgress, Prepared, check, datasets, prepare};
use glpft_data::Dataset;
use glpft_recipes::{Recipe, counted};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::output::{draws, print, print_json};
use super::{
    Flags, OnUsr1, OutputArgs, PrepareArgs, Removal, complain, load_for_run, own_run, report,
    run_there, tell_changed, tell_losses,
};

/// Runs the command.
pub(crate) fn execute(args: &PrepareArgs) -> Result<(), Error> {
    // A warning does not end it.
    Flags::hear(OnUsr1::Checkpoint)?;
    let (recipe, root) = load_for_run(&args.common, None)?;
    let removal = args.common.place.removal(Removal::Everything);
    removal.check(&root, &recipe)?;
    let there = run_there(&root, &recipe, removal)?;
    check(&recipe, there.as_ref(), datasets(&recipe))?;
    tell_changed(&root, &recipe, removal, &args.common.output)?;
    tell_losses(&root, removal, &args.common.output);
    let owned = own_run(&root, &recipe, removal)?;
    let mut bar = PrepareBar::new(&args.common.output);
    let prepared = prepare(&recipe, &owned.run, removal.if_changed(), &mut |progress| {
        bar.show(progress)
    })?;
    drop(bar);
    record(&owned.run, &recipe)?;
    let (output, directory) = (&args.common.output, owned.run.data());
    // The report below, or what is printed as JSON, has the rest.
    if !output.quiet {
        tell_warnings(&prepared, &recipe, datasets(&recipe))?;
    }
    if output.json {
        return print_json(&json!({
            "directory": directory.display().to_string(),
            "reused": prepared.reused,
            "report": prepared.report,
        }));
    }
    if output.quiet {
        return Ok(());
    }
    let outcome = match prepared.reused {
        true => "were there already, unchanged",
        false => "are written",
    };
    let report = report::text(&prepared.report, &recipe);
    print(&format!(
        "{report}\nThe data sets {outcome}: {}\n",
        directory.display()
    ))
}

/// Says, a line each, what of the data is not learned as it stands there: records and parts of them that are not read, examples
/// that are cut or left out, and those that lose their shared prefixes for want of a larger micro-batch. The same with and without
/// a terminal.
pub(crate) fn tell_losses_of_data(
    prepared: &Prepared,
    recipe: &Recipe,
    datasets: &[Dataset],
    output: &OutputArgs,
) -> Result<(), Error> {
    if output.quiet {
        return Ok(());
    }
    let source = &prepared.report.source.report;
    if let Some(first) = source.bad.first() {
        complain(&format!(
            "warning: {} of {} cannot be read; data/prepare.json lists them, the first is {}: {}",
            source.bad.len(),
            counted(source.records, "record", "records"),
            first.record,
            first.reason
        ));
    }
    for (what, count) in &source.faults {
        complain(&format!("warning: {count} not learned: {what}"));
    }
    for &dataset in datasets {
        if let Some(told) = prepared.report.dataset(dataset) {
            tell_cut(dataset, told);
        }
    }
    tell_warnings(prepared, recipe, datasets)
}

/// What the report of `prepare` does not tell of these.
fn tell_warnings(prepared: &Prepared, recipe: &Recipe, datasets: &[Dataset]) -> Result<(), Error> {
    for warning in prepared.report.source.report.warnings() {
        complain(&format!("warning: {warning}"));
    }
    for over in prepared.over_budget(recipe, datasets)? {
        complain(&format!("warning: {over}"));
    }
    Ok(())
}

/// Says how many examples of a dataset are cut or left out.
fn tell_cut(dataset: Dataset, told: &DatasetReport) {
    if told.truncated > 0 {
        complain(&format!(
            "warning: {}: {} of {} longer than max_length ({}): {} cut, {} of them learned",
            dataset.name(),
            told.truncated,
            counted(told.examples, "example is", "examples are"),
            told.max_length,
            counted(told.cut_tokens, "token is", "tokens are"),
            told.lost_label_tokens
        ));
    }
    for (reason, count) in &told.dropped {
        complain(&format!(
            "warning: {}: {} left out: {reason} (max_length {})",
            dataset.name(),
            counted(count, "example", "examples"),
            told.max_length
        ));
    }
}

/// Shows on stderr how preparing goes on, where that is a terminal; gone when dropped.
pub(crate) struct PrepareBar {
    bar: ProgressBar,
}

impl PrepareBar {
    /// Nothing to be seen yet, and never with `--quiet`.
    pub(crate) fn new(output: &OutputArgs) -> Self {
        let bar = match output.quiet || !draws() {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(0),
        };
        // The template is constant; were it wrong, the bar would look plainer.
        if let Ok(style) = ProgressStyle::with_template("{msg:20} {wide_bar} {pos}/{len} {eta}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Shows where it is.
    pub(crate) fn show(&mut self, progress: PrepareProgress) {
        let (message, done, total) = match progress {
            PrepareProgress::Reading { done, total } => {
                ("reading".to_owned(), done, total.unwrap_or(done))
            }
            PrepareProgress::Encoding { done, total } => ("tokens".to_owned(), done, total),
        };
        if self.bar.message() != message {
            self.bar.set_message(message);
        }
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }
}

impl Drop for PrepareBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
