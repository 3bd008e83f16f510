//! `glpft eval perplexity`.

use glpft::Error;
use glpft::evaluate::{EvaluatePerplexity, Models, PerplexityReport};
use glpft_recipes::counted;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::arguments::team;
use crate::cli::output::{draws, print_json, table};
use crate::cli::{Flags, OnUsr1, OutputArgs, PerplexityArgs, print};

/// Runs the command.
pub(crate) fn evaluate_perplexity(args: &PerplexityArgs) -> Result<(), Error> {
    // A warning does not end it.
    Flags::hear(OnUsr1::Checkpoint)?;
    let team = team(&args.team)?;
    let device = glpft_model::device(&args.device.device)?;
    let evaluation = EvaluatePerplexity {
        models: Models {
            team: &team,
            prompts: args.prompts.as_deref(),
            device: &device,
            precision: args.precision.into(),
            cache_bytes: None,
        },
        data: &args.data,
        conversations: args.limit,
        max_length: args.max_length,
    };
    let bar = bar(&args.output);
    let report = glpft::evaluate::evaluate_perplexity(&evaluation, &mut |role, done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_prefix(role.name());
    });
    bar.finish_and_clear();
    let report = report?;
    match (args.output.json, args.output.quiet) {
        (true, _) => print_json(&json!(report)),
        (false, true) => Ok(()),
        (false, false) => print(&text(&report)),
    }
}

fn bar(output: &OutputArgs) -> ProgressBar {
    if output.quiet || output.json || !draws() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    // The template is constant; were it wrong, the bar would look plainer.
    match ProgressStyle::with_template("{prefix:10} {wide_bar} {pos}/{len} conversations") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn text(report: &PerplexityReport) -> String {
    let header = [
        "role",
        "conversations",
        "examples",
        "targets' tokens",
        "loss",
        "perplexity",
        "95 % interval",
        "s",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    for role in &report.roles {
        rows.push(vec![
            role.role.to_owned(),
            role.trajectories.to_string(),
            role.examples.to_string(),
            role.label_tokens.to_string(),
            number(role.loss),
            number(role.perplexity),
            role.interval.map_or("-".to_owned(), |[low, high]| {
                format!("{low:.4} to {high:.4}")
            }),
            format!("{:.1}", role.seconds),
        ]);
    }
    let mut text = table(&rows);
    for role in &report.roles {
        for (count, one, many) in [
            (
                role.truncated,
                "example lost tokens",
                "examples lost tokens",
            ),
            (
                role.dropped,
                "example is too long and left out",
                "examples are too long and left out",
            ),
        ] {
            if count > 0 {
                text += &format!("{}: {}\n", role.role, counted(count, one, many));
            }
        }
    }
    if report.bad_records > 0 {
        text += &format!(
            "{} cannot be read\n",
            counted(report.bad_records, "record", "records")
        );
    }
    text
}
