//! `glpft status`.

use std::path::{Path, PathBuf};

use glpft::Error;
use glpft::place::RECIPE;
use glpft::status::{RunStatus, StageStatus, State, UnreadableRun, runs_in};
use serde_json::json;

use super::output::{print_json, table};
use super::{StatusArgs, complain, print};

/// The folder that runs are made in by default.
const RUNS: &str = "runs";

/// Runs the command.
pub(crate) fn execute(args: &StatusArgs) -> Result<(), Error> {
    let root = &args.run;
    if root.join(RECIPE).is_file() {
        let status = RunStatus::of(root)?;
        return match args.json {
            true => print_json(&json!(status)),
            false => show(&status),
        };
    }
    // The default is there after the first run.
    let runs = match root.is_dir() || root == Path::new(RUNS) {
        true if !root.exists() => Vec::new(),
        true => runs_in(root)?,
        false => return Err(no_directory(root)),
    };
    if args.json {
        let told: Vec<_> = runs
            .iter()
            .map(|run| match run {
                Ok(status) => json!(status),
                Err(unreadable) => json!(unreadable),
            })
            .collect();
        return print_json(&json!({"runs": told}));
    }
    match runs.is_empty() {
        true => print(&no_run(root)),
        false => show_all(root, &runs),
    }
}

fn show(status: &RunStatus) -> Result<(), Error> {
    let mut text = heading(status);
    let heads = [
        "stage", "state", "steps", "done", "loss", "held-out", "tokens/s", "memory", "left",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(status.stages.iter().map(row));
    text += &table(&rows);
    if let Some(seconds) = status.seconds_left {
        text += &format!("about {} left\n", duration(seconds));
    }
    print(&text)?;
    status.problems.iter().for_each(|problem| complain(problem));
    Ok(())
}

fn heading(status: &RunStatus) -> String {
    let at_work = match &status.held_by {
        Some(process) => format!("{process} works on it"),
        None => "no process works on it".to_owned(),
    };
    let data = match status.prepared {
        true => "",
        false => "; its data are not prepared yet",
    };
    let computed_by = match &status.computed_by {
        Some(computed_by) => {
            format!("last checkpoint: {computed_by}\n")
        }
        None => String::new(),
    };
    format!(
        "{} ({}): {at_work}{data}\n{computed_by}packing {}, sampling {}, micro_batch_tokens {}, recompute {}\n",
        status.run.display(),
        status.recipe,
        status.packing,
        status.sampling,
        of_stages(status, |stage| stage.micro_batch_tokens),
        of_stages(status, |stage| stage.recompute)
    )
}

/// A setting of every stage: once where it is the same.
fn of_stages(status: &RunStatus, setting: fn(&StageStatus) -> usize) -> String {
    let stages = &status.stages;
    let Some(first) = stages.first().map(setting) else {
        return "-".to_owned();
    };
    if stages.iter().all(|stage| setting(stage) == first) {
        return first.to_string();
    }
    let each = stages
        .iter()
        .map(|stage| format!("{} ({})", setting(stage), stage.stage.name()));
    each.collect::<Vec<_>>().join(", ")
}

fn row(stage: &StageStatus) -> Vec<String> {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let gib = stage.memory.map(|bytes| bytes as f64 / (1u64 << 30) as f64);
    vec![
        stage.stage.name().to_owned(),
        stage.state.name().to_owned(),
        stage.steps.to_string(),
        format!("{:.0} %", 100.0 * stage.done),
        number(stage.loss, 4),
        number(stage.validation_loss, 4),
        number(stage.tokens_per_second, 0),
        gib.map_or("-".to_owned(), |gib| format!("{gib:.1} GiB")),
        about(stage.seconds_left),
    ]
}

fn about(seconds: Option<f64>) -> String {
    seconds.map_or("-".to_owned(), |seconds| {
        format!("about {}", duration(seconds))
    })
}

fn show_all(root: &Path, runs: &[Result<RunStatus, UnreadableRun>]) -> Result<(), Error> {
    let heads = ["run", "recipe", "stages finished", "now", "done", "left"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let name = |run: &Path| {
        let below = run.strip_prefix(root).unwrap_or(run);
        below.display().to_string()
    };
    for run in runs {
        let run = match run {
            Ok(run) => run,
            Err(unreadable) => {
                rows.push(vec![name(&unreadable.run)]);
                continue;
            }
        };
        let finished = run.stages.iter();
        let finished = finished.filter(|stage| stage.state == State::Finished);
        let open = run
            .stages
            .iter()
            .find(|stage| !matches!(stage.state, State::Finished | State::Waiting));
        rows.push(vec![
            name(&run.run),
            run.recipe.clone(),
            format!("{} of {}", finished.count(), run.stages.len()),
            open.map_or("-".to_owned(), |stage| {
                format!("{} {}", stage.stage.name(), stage.state.name())
            }),
            format!("{:.0} %", 100.0 * run.done()),
            about(run.seconds_left),
        ]);
    }
    let table = table(&rows);
    let mut lines = table.lines();
    let mut text = format!("{}\n", lines.next().unwrap_or_default());
    for (line, run) in lines.zip(runs) {
        text += line;
        if let Err(unreadable) = run {
            text += &format!("  cannot be read: {}", unreadable.error);
        }
        text += "\n";
    }
    print(&text)?;
    let problems = runs.iter().flatten().flat_map(|run| &run.problems);
    problems.for_each(|problem| complain(problem));
    Ok(())
}

/// A time in the two largest units that people say it in.
fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match minutes {
        0 => format!("{seconds:.0} s"),
        1..60 => format!("{minutes} min"),
        60..2880 => format!("{} h {:02} min", minutes / 60, minutes % 60),
        _ => format!("{} d {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

fn no_run(path: &Path) -> String {
    let near = near(path).map_or(String::new(), |near| {
        format!("; did you mean {}?", near.display())
    });
    format!(
        "no runs in {} yet{near}\n`glpft run RECIPE` begins one; `glpft status RUN` shows a run, a study, or a folder of runs\n",
        path.display()
    )
}

fn no_directory(path: &Path) -> Error {
    Error::Argument {
        argument: "RUN",
        problem: match near(path) {
            Some(near) => format!(
                "there is no directory {}; did you mean {}?",
                path.display(),
                near.display()
            ),
            None => format!(
                "there is no directory {}; give that of a run, of a study, or a folder of runs",
                path.display()
            ),
        },
    }
}

/// A run of that name where runs are by default.
fn near(path: &Path) -> Option<PathBuf> {
    let near = Path::new(RUNS).join(path);
    near.join(RECIPE).is_file().then_some(near)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_told_in_units_people_say() {
        let told = [12.4, 90.0, 3599.0, 7260.0, 200_000.0].map(duration);
        assert_eq!(
            told,
            ["12 s", "2 min", "1 h 00 min", "2 h 01 min", "2 d 7 h"]
        );
    }
}
