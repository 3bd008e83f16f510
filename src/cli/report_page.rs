//! `glpft report`.

use std::path::Path;

use glpft::Error;
use glpft::place::RECIPE;
use glpft::report::write_report;
use glpft::tensorboard::write_tensorboard;
use glpft_checkpoints::RunDirectory;
use serde_json::json;

use super::output::print_json;
use super::{ReportArgs, print};

/// Runs the command.
pub(crate) fn execute(args: &ReportArgs) -> Result<(), Error> {
    let run = open_run(&args.run)?;
    let page = write_report(&run)?.display().to_string();
    let mut written = json!({"report": page});
    let mut text = page + "\n";
    if args.tensorboard {
        let folder = write_tensorboard(&run)?.display().to_string();
        text += &format!("{folder}\n");
        written["tensorboard"] = folder.into();
    }
    match (args.json, args.quiet) {
        (true, _) => print_json(&written),
        (false, true) => Ok(()),
        (false, false) => print(&text),
    }
}

/// The run in a directory that the user gave.
pub(super) fn open_run(root: &Path) -> Result<RunDirectory, Error> {
    match root.join(RECIPE).is_file() {
        true => Ok(RunDirectory::open(root)?),
        false => Err(not_a_run(root)),
    }
}

fn not_a_run(path: &Path) -> Error {
    let what = match path.is_dir() {
        true => "holds no recipe.toml, so it is not a run's directory",
        false => "is not a directory",
    };
    let near = Path::new("runs").join(path);
    let hint = match near.join(RECIPE).is_file() {
        true => format!("; did you mean {}?", near.display()),
        false => "; give the one that `glpft run` wrote".to_owned(),
    };
    Error::Argument {
        argument: "RUN",
        problem: format!("{} {what}{hint}", path.display()),
    }
}
