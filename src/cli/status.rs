//! `glpft status`.

use std::path::Path;

use glpft::Error;
use glpft::place::RECIPE;
use glpft::status::{RunStatus, StageStatus, State, runs_in};
use serde_json::json;

use super::output::{print_json, table};
use super::{StatusArgs, complain, print};

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
    let runs = match root.is_dir() {
        true => runs_in(root)?,
        false => Vec::new(),
    };
    if runs.is_empty() {
        return Err(nothing(root));
    }
    match args.json {
        true => print_json(&json!({"runs": runs})),
        false => show_all(&runs),
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
    print(&text)?;
    status.problems.iter().for_each(|problem| complain(problem));
    Ok(())
}

fn heading(status: &RunStatus) -> String {
    let at_work = match &status.held_by {
        Some(process) => format!("{process} is at work in it"),
        None => "no process is at work in it".to_owned(),
    };
    let data = match status.prepared {
        true => "",
        false => "; its data are not prepared",
    };
    format!(
        "{} ({}): {at_work}{data}\n",
        status.run.display(),
        status.recipe
    )
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
        stage.seconds_left.map_or("-".to_owned(), duration),
    ]
}

fn show_all(runs: &[RunStatus]) -> Result<(), Error> {
    let heads = ["run", "recipe", "stages finished", "now", "done", "left"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for run in runs {
        let finished = run.stages.iter();
        let finished = finished.filter(|stage| stage.state == State::Finished);
        let open = run
            .stages
            .iter()
            .find(|stage| matches!(stage.state, State::Running | State::Stopped));
        let name = run.run.file_name().map_or_else(
            || run.run.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        rows.push(vec![
            name,
            run.recipe.clone(),
            format!("{} of {}", finished.count(), run.stages.len()),
            open.map_or("-".to_owned(), |stage| {
                format!("{} {}", stage.stage.name(), stage.state.name())
            }),
            format!("{:.0} %", 100.0 * run.done()),
            open.and_then(|stage| stage.seconds_left)
                .map_or("-".to_owned(), duration),
        ]);
    }
    print(&table(&rows))
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

fn nothing(path: &Path) -> Error {
    let near = Path::new("runs").join(path);
    let problem = match (path.is_dir(), near.join(RECIPE).is_file()) {
        (_, true) => format!("holds no run; did you mean {}?", near.display()),
        (true, false) => {
            "holds no run; give a run's directory, a study's, or a folder of runs".to_owned()
        }
        (false, false) => "is not a directory".to_owned(),
    };
    Error::Argument {
        argument: "RUN",
        problem: format!("{} {problem}", path.display()),
    }
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
