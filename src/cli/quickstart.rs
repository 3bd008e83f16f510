//! `glpft quickstart`.

mod progress;

use glpft::Error;
use glpft::quickstart::{Contestant, Quickstart, QuickstartReport};
use glpft_eval::page::Bar;
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
        comparison: args.compare.into(),
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

/// Cells of the longest bar.
const BAR: usize = 40;

/// The table, the picture, and what to do next.
fn told(report: &QuickstartReport, args: &QuickstartArgs) -> String {
    let first = report.contestants.first();
    let live = first.map_or(&[][..], |one| &one.live);
    let steps = first.map_or(0, |one| one.steps);
    let tasks = live.first().map_or(0, |one| one.report.tasks);
    let out = args.out.display();
    let mut told = format!("\n{}", table(&report.table()));
    told += &losses(report);
    if let Some(live) = live.first() {
        told += &format!(
            "\nheld-out tasks passed, {}\n{}",
            live.strategy,
            bars(report, &live.strategy)
        );
    }
    told + &format!(
        "\n{steps} held-out steps, {tasks} held-out tasks (judged offline, by the world's truth); this start took {:.0} s\n\
         the comparison:  {out}/report.html\n\
         the team's page: {out}/team/report.html\n\
         ask it:          glpft serve {out}/team\n\
         \x20                curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' -d @{out}/question.json\n\
         see it at work:  glpft agent run {out}/team --world {} --size {} --limit 1\n",
        report.seconds,
        args.seed,
        args.size.name()
    )
}

/// The team's held-out losses, stage by stage.
fn losses(report: &QuickstartReport) -> String {
    let team = report
        .contestants
        .iter()
        .find(|one| one.contestant == Contestant::Team);
    let stages = team.map_or(&[][..], |team| &team.losses).iter();
    let told: Vec<String> = stages
        .map(|one| format!("{} {:.3} → {:.3}", one.stage.name(), one.before, one.after))
        .collect();
    match told.is_empty() {
        true => String::new(),
        false => format!("held-out loss:   {}\n", told.join(", ")),
    }
}

fn bars(report: &QuickstartReport, strategy: &str) -> String {
    let bars = report.bars(strategy);
    let width = bars.iter().map(|bar| bar.name.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |bar: &Bar| {
        let cells = (bar.share * BAR as f64).round() as usize;
        format!(
            "{:width$}  {}{} {:.1} %\n",
            bar.name,
            "█".repeat(cells),
            "░".repeat(BAR.saturating_sub(cells)),
            100.0 * bar.share
        )
    };
    bars.iter().map(line).collect()
}
