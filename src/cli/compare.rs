//! `glpft compare`.

use glpft::Error;
use glpft::compare::{ComparedRun, Comparison};
use glpft_recipes::Stage;
use serde_json::json;

use super::output::{print_json, table};
use super::report_page::open_run;
use super::{CompareArgs, complain, print};

/// Runs the command.
pub(crate) fn execute(args: &CompareArgs) -> Result<(), Error> {
    let runs = args.runs.iter().map(|root| open_run(root));
    let comparison = Comparison::of(&runs.collect::<Result<Vec<_>, _>>()?)?;
    comparison.write(&args.out)?;
    let page = args.out.display().to_string();
    let runs = comparison.runs();
    match (args.json, args.quiet) {
        (true, _) => print_json(&json!({"page": page, "runs": runs}))?,
        (false, true) => {}
        (false, false) => print(&format!("{}{page}\n", text(&runs)))?,
    }
    comparison
        .problems()
        .for_each(|problem| complain(&format!("warning: {problem}")));
    Ok(())
}

/// A table for each part that some run has.
fn text(runs: &[ComparedRun]) -> String {
    let parts = [losses(runs), metrics(runs), rates(runs)];
    let parts = parts.iter().filter(|rows| rows.len() > 1);
    parts.map(|rows| table(rows) + "\n").collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.4}"))
}

fn percent(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{:.1}", 100.0 * value))
}

fn head(names: &[&str]) -> Vec<Vec<String>> {
    vec![names.iter().map(|name| (*name).to_owned()).collect()]
}

fn losses(runs: &[ComparedRun]) -> Vec<Vec<String>> {
    let mut rows = head(&[
        "run",
        "stage",
        "steps",
        "tokens",
        "time",
        "loss",
        "held-out loss",
    ]);
    for stage in Stage::ALL {
        for run in runs {
            let found = run.stages.iter().find(|found| found.stage == stage);
            let Some(found) = found.filter(|found| found.steps > 0) else {
                continue;
            };
            rows.push(vec![
                run.name.clone(),
                stage.name().to_owned(),
                found.steps.to_string(),
                found.tokens.to_string(),
                format!("{:.0} s", found.seconds),
                number(found.loss),
                number(found.held_out_loss),
            ]);
        }
    }
    rows
}

fn metrics(runs: &[ComparedRun]) -> Vec<Vec<String>> {
    const SHOWN: [&str; 5] = ["plan_em", "action_em", "hallu_rate", "f1", "rouge"];
    let mut rows = head(&[
        "run",
        "evaluation",
        "Plan ACC",
        "Act. EM",
        "Hallu.",
        "Arg. F1",
        "R-L",
        "steps",
    ]);
    for run in runs {
        for found in &run.evaluations {
            let value = |key: &str| percent(found.metrics.get(key).copied().flatten());
            let mut row = vec![run.name.clone(), found.name.clone()];
            row.extend(SHOWN.map(value));
            row.push(found.steps.to_string());
            rows.push(row);
        }
    }
    rows
}

fn rates(runs: &[ComparedRun]) -> Vec<Vec<String>> {
    let mut rows = head(&["run", "live evaluation", "strategy", "rate", "%", "tasks"]);
    for run in runs {
        for found in &run.live {
            for (name, rate) in &found.rates {
                rows.push(vec![
                    run.name.clone(),
                    found.name.clone(),
                    found.strategy.clone(),
                    (*name).to_owned(),
                    percent(Some(*rate)),
                    found.tasks.to_string(),
                ]);
            }
        }
    }
    rows
}
