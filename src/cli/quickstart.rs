//! `glpft quickstart`.

mod progress;

use glpft::Error;
use glpft::quickstart::{ContestantReport, Quickstart, QuickstartReport};
use serde_json::json;

use super::output::table;
use super::{Flags, QuickstartArgs, print};
use progress::QuickstartProgress;

/// Runs the command.
pub(crate) fn execute(args: &QuickstartArgs) -> Result<(), Error> {
    let device = glpft_model::device(&args.device.device)?;
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let quickstart = Quickstart {
        seed: args.seed,
        size: args.size.into(),
        tasks_per_group: args.tasks,
        single: !args.team_only,
        out: &args.out,
        overwrite: args.overwrite,
        device: &device,
        device_name: &args.device.device,
        stop: &flags.stop,
        save: &flags.save,
    };
    let report = quickstart.run(&mut QuickstartProgress::new(&args.output))?;
    if args.output.json {
        return print(&format!(
            "{}\n",
            json!({"event": "report", "report": report})
        ));
    }
    match args.output.quiet {
        true => Ok(()),
        false => print(&told(&report, args)),
    }
}

/// A row a contestant, in percent, and what to do next.
fn told(report: &QuickstartReport, args: &QuickstartArgs) -> String {
    let first = report.contestants.first();
    let mut heads = [
        "held out", "Plan ACC", "Act. EM", "Hallu.", "Arg. F1", "R-L",
    ]
    .map(str::to_owned)
    .to_vec();
    let live = first.map_or(&[][..], |one| &one.live);
    heads.extend(live.iter().map(|one| format!("pass, {}", one.strategy)));
    let mut rows = vec![heads];
    rows.extend(report.contestants.iter().map(row));
    let steps = first.map_or(0, |one| one.steps);
    let tasks = live.first().map_or(0, |one| one.report.tasks);
    let out = args.out.display();
    format!(
        "\n{}{steps} held-out steps, {tasks} held-out tasks (judged offline, by the world's truth); this start took {:.0} s\n\
         the team's page: {out}/team/report.html\n\
         ask it:          glpft serve {out}/team\n\
         \x20                curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' -d @{out}/question.json\n\
         see it at work:  glpft agent run {out}/team --world {} --size {} --limit 1\n",
        table(&rows),
        report.seconds,
        args.seed,
        args.size.name()
    )
}

fn row(contestant: &ContestantReport) -> Vec<String> {
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}", 100.0 * v));
    let metrics = &contestant.metrics;
    let mut row = vec![contestant.contestant.title().to_owned()];
    row.extend(
        [
            metrics.plan_em,
            metrics.action_em,
            metrics.hallu_rate,
            metrics.f1,
            metrics.rouge,
        ]
        .map(percent),
    );
    row.extend(contestant.live.iter().map(|live| percent(live.pass_rate())));
    row
}
