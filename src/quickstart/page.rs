//! The report as a page.

use glpft_eval::page::{Bar, BarChart, BarsPage};

use super::live_result::LiveResult;
use super::report::{ContestantReport, QuickstartReport};

impl QuickstartReport {
    /// Heads and rows of the table, in percent: what is compared, the tokens that trained it, the paper's metrics on held-out
    /// steps, and the tasks that pass by strategy.
    pub fn table(&self) -> Vec<Vec<String>> {
        let mut heads = [
            "held out", "tokens", "Plan ACC", "Act. EM", "Hallu.", "Arg. F1", "R-L",
        ]
        .map(str::to_owned)
        .to_vec();
        let live = self.contestants.first().map_or(&[][..], |one| &one.live);
        heads.extend(live.iter().map(|one| format!("pass, {}", one.strategy)));
        let rows = self.contestants.iter().map(row);
        std::iter::once(heads).chain(rows).collect()
    }

    /// The page: the tasks that pass after each stage as bars, and the table.
    pub fn page(&self) -> BarsPage {
        let strategies = self.contestants.first().map_or(&[][..], |one| &one.live);
        let charts = strategies.iter().map(|live| BarChart {
            title: format!("Held-out tasks passed, {}", live.strategy),
            bars: self.bars(&live.strategy),
        });
        let steps = self.contestants.first().map_or(0, |one| one.steps);
        let tasks = strategies.first().map_or(0, |live| live.report.tasks);
        let impossible = strategies.first().map_or(0, LiveResult::impossible);
        let meanings = self.contestants.iter().map(|one| {
            let contestant = one.contestant;
            (
                contestant.title().to_owned(),
                contestant.meaning().to_owned(),
            )
        });
        let runs = self.contestants.iter().filter_map(|one| {
            let run = one.contestant.run()?;
            (run == one.contestant.name()).then(|| {
                let address = format!("{run}/report.html");
                (one.contestant.title().to_owned(), address)
            })
        });
        BarsPage {
            title: format!("Quick start, world {}", self.seed),
            lead: vec![
                "What each stage of GLPFT adds to the small base model that the program carries, which has learned from other \
                 worlds. All work on held-out tasks with the tools of a simulated world; the world's truth judges."
                    .to_owned(),
                format!(
                    "{steps} held-out steps and {tasks} held-out tasks. Lines through the ends of bars are 95 % intervals over \
                     tasks. {impossible} of these tasks cannot be done: giving up is right there."
                ),
            ],
            charts: charts.collect(),
            table: self.table(),
            meanings: meanings.collect(),
            links: runs.collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The tasks that pass by a strategy, a bar for each contestant.
    pub fn bars(&self, strategy: &str) -> Vec<Bar> {
        let bar = |one: &ContestantReport| {
            let live = one.live.iter().find(|live| live.strategy == strategy)?;
            Some(Bar {
                name: one.contestant.title().to_owned(),
                share: live.pass_rate()?,
                interval: live.interval(),
            })
        };
        self.contestants.iter().filter_map(bar).collect()
    }
}

fn row(one: &ContestantReport) -> Vec<String> {
    let percent =
        |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}", 100.0 * v));
    let metrics = &one.metrics;
    let mut row = vec![one.contestant.title().to_owned(), tokens(one.tokens)];
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
    row.extend(one.live.iter().map(|live| percent(live.pass_rate())));
    row
}

/// A count as people say it.
fn tokens(count: u64) -> String {
    match count {
        0 => "0".to_owned(),
        1..1_000_000 => format!("{:.0} k", count as f64 / 1e3),
        _ => format!("{:.2} M", count as f64 / 1e6),
    }
}
