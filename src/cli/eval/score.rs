//! `glpft eval score`.

use glpft::Error;
use glpft_eval::{MetricReport, score_file};
use glpft_recipes::{Behaviour, counted};
use serde_json::json;

use super::tables::{confusion, metrics, notes};
use crate::cli::ScoreArgs;
use crate::cli::output::{print, print_json};

/// The confidence intervals' seed: the same file always has the same intervals.
const SEED: u64 = 0;

/// Runs the command.
pub(crate) fn score(args: &ScoreArgs) -> Result<(), Error> {
    let behaviour = match args.compat {
        true => Behaviour::Compat,
        false => Behaviour::Fixed,
    };
    let report = score_file(&args.predictions, behaviour, SEED)?;
    match (args.json, args.quiet) {
        (true, _) => print_json(&json!(report)),
        (false, true) => Ok(()),
        (false, false) => print(&text(&report)),
    }
}

fn text(report: &MetricReport) -> String {
    let counts = &report.counts;
    let trajectories = match counts.trajectories {
        Some(trajectories) => format!(
            " of {}",
            counted(trajectories, "trajectory", "trajectories")
        ),
        None => String::new(),
    };
    format!(
        "{}{trajectories}\n\n{}\n{}{}",
        counted(counts.steps, "step", "steps"),
        metrics(report),
        confusion(report),
        notes(report)
    )
}
