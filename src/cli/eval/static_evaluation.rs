//! `glpft eval static`.

use std::path::Path;
use std::time::Instant;

use glpft::Error;
use glpft::evaluate::{EvaluateStatic, training_overlap};
use glpft_eval::static_evaluation::{DataCounts, RoleStatistics, StaticReport, Times};
use glpft_recipes::counted;
use serde_json::json;

use super::arguments::{place, settings, team};
use super::progress::StaticProgress;
use super::tables::{confusion, metrics, notes};
use crate::cli::output::table;
use crate::cli::{Flags, StaticArgs, complain, print};

/// Runs the command.
pub(crate) fn evaluate_static(args: &StaticArgs) -> Result<(), Error> {
    let started = Instant::now();
    let team = team(&args.team)?;
    let out = place(args, &team)?;
    let settings = settings(args, &team)?;
    let device = glpft_model::device(&args.asking.device.device)?;
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let evaluation = EvaluateStatic {
        models: args.asking.models(&team, &device),
        data: &args.data,
        settings: &settings,
        out: &out,
        overwrite: args.overwrite,
        stop: &flags.stop,
    };
    let report =
        glpft::evaluate::evaluate_static(&evaluation, &mut StaticProgress::new(&args.output))?;
    if !args.output.quiet
        && let Some(overlap) = training_overlap(&team, &args.data)
    {
        complain(&format!("warning: {overlap}"));
    }
    if args.output.json {
        return print(&format!(
            "{}\n",
            json!({"event": "metrics", "metrics": report})
        ));
    }
    match args.output.quiet {
        true => {
            let calls = &report.times.model_calls;
            if let Some(told) = calls.told().filter(|_| calls.lacks_many()) {
                complain(&format!("warning: {told}"));
            }
            Ok(())
        }
        false => print(&text(&report, &out, started.elapsed().as_secs_f64())),
    }
}

fn text(report: &StaticReport, out: &Path, wall: f64) -> String {
    format!(
        "{}\n{}\n{}\n{}\n{}{}\nresults in {}\n",
        data(&report.data),
        metrics(&report.scores),
        confusion(&report.scores),
        roles(report),
        times(&report.times, wall),
        notes(&report.scores),
        out.display()
    )
}

/// What was asked about, and what was not.
fn data(data: &DataCounts) -> String {
    let mut text = format!(
        "{} of {}",
        counted(data.steps, "step", "steps"),
        counted(data.trajectories_asked, "conversation", "conversations")
    );
    for (count, one, many, why) in [
        (
            data.trajectories_beyond_limit,
            "conversation",
            "conversations",
            "beyond the limit",
        ),
        (
            data.trajectories_without_steps,
            "conversation",
            "conversations",
            "without a step to score",
        ),
        (data.steps_beyond_limit, "step", "steps", "beyond the limit"),
        (
            data.turns_without_tag,
            "turn of the assistant",
            "turns of the assistant",
            "without a tag",
        ),
        (data.bad_records, "record", "records", "that cannot be read"),
    ] {
        if count > 0 {
            text += &format!("; not asked: {} {why}", counted(count, one, many));
        }
    }
    text + "\n"
}

/// Who was asked how often, and what it took.
fn roles(report: &StaticReport) -> String {
    let header = [
        "role", "asked", "prompt", "cached", "new", "no end", "empty", "s", "new/s",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for role in &report.roles {
        let RoleStatistics {
            requests,
            prompt_tokens,
            cached_tokens,
            new_tokens,
            empty,
            endings,
            ..
        } = role;
        let seconds = report.times.of(&role.role);
        rows.push(vec![
            role.role.clone(),
            requests.to_string(),
            prompt_tokens.to_string(),
            cached_tokens.to_string(),
            new_tokens.to_string(),
            endings.length.to_string(),
            empty.to_string(),
            format!("{seconds:.1}"),
            format!("{:.0}", *new_tokens as f64 / seconds.max(1e-9)),
        ]);
    }
    let mut text = table(&rows);
    for role in report.roles.iter().filter(|role| role.prompts_cut > 0) {
        text += &format!(
            "{} of {} prompts of the {} did not fit and lost their beginning\n",
            role.prompts_cut, role.requests, role.role
        );
    }
    for role in report.roles.iter().filter(|role| role.prompts_refused > 0) {
        text += &format!(
            "{} of {} prompts of the {} were refused as too long; these steps count as give-ups\n",
            role.prompts_refused, role.requests, role.role
        );
    }
    for role in report.roles.iter().filter(|role| role.endings.repeats > 0) {
        text += &format!(
            "{} of {} answers of the {} were ended since they repeated themselves\n",
            role.endings.repeats, role.requests, role.role
        );
    }
    let calls = &report.times.model_calls;
    if let Some(told) = calls.told() {
        let kind = if calls.lacks_many() { "warning: " } else { "" };
        text += &format!("{kind}{told}\n");
    }
    if report.plans_without_tag > 0 {
        text += &format!(
            "{} of the planner's turns have no tag; they count as calls\n",
            report.plans_without_tag
        );
    }
    text
}

/// Wall time by part, over all starts of the evaluation; `wall` is this start's.
fn times(times: &Times, wall: f64) -> String {
    let mut rows = vec![vec!["part".to_owned(), "s".to_owned()]];
    for (part, seconds) in [
        ("loading models", times.loading),
        ("planner", times.planner),
        ("caller", times.caller),
        ("summarizer", times.summarizer),
        ("backbone", times.backbone),
        ("agent", times.agent),
        ("prompts, reading answers", times.text),
        ("writing", times.writing),
        ("scoring", times.scoring),
        ("together, all starts", times.total()),
        ("this start, data included", wall),
    ] {
        if seconds > 0.0 {
            rows.push(vec![part.to_owned(), format!("{seconds:.2}")]);
        }
    }
    table(&rows)
}
