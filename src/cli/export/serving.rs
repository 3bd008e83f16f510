//! `glpft export --for`.

use std::path::Path;

use glpft::Error;
use glpft::export::{Engine, SERVING_FILE};
use serde_json::json;

use super::super::output::{complain, print_json};
use super::super::{EngineArg, ExportArgs, print};
use super::{dtype, gguf};

/// Lays out the team of the run at `run`.
pub(super) fn execute(args: &ExportArgs, engine: EngineArg, run: &Path) -> Result<(), Error> {
    let wrong = |argument, problem: &str| {
        Err(Error::Argument {
            argument,
            problem: problem.to_owned(),
        })
    };
    let engine = match engine {
        EngineArg::Vllm if args.kind.is_some() => {
            return wrong(
                "--type",
                "is for GGUF files; --dtype says how directories store weights",
            );
        }
        EngineArg::Vllm => Engine::Vllm {
            dtype: dtype(args.dtype),
        },
        EngineArg::Ollama if args.dtype.is_some() => {
            return wrong(
                "--dtype",
                "is for directories; --type says how a GGUF file stores matrices",
            );
        }
        EngineArg::Ollama => Engine::Ollama {
            kind: gguf::kind(args.kind),
        },
    };
    check_target(args)?;
    let notes = engine.export(run, &args.to)?;
    if args.output.json {
        return print_json(&json!({
            "directory": args.to.display().to_string(),
            "for": engine.name(),
            "notes": notes,
        }));
    }
    if args.output.quiet {
        return Ok(());
    }
    for note in notes {
        complain(&format!("note: {note}"));
    }
    print(&format!("{}\n", args.to.display()))
}

/// Nothing at `--to` is replaced but what was laid out so.
fn check_target(args: &ExportArgs) -> Result<(), Error> {
    let to = &args.to;
    let wrong = |problem: &str| {
        Err(Error::Argument {
            argument: "--to",
            problem: format!("{} {problem}", to.display()),
        })
    };
    if to.symlink_metadata().is_err() {
        return Ok(());
    }
    if !args.overwrite {
        return wrong("exists; --overwrite replaces it");
    }
    let is_directory = to.symlink_metadata().is_ok_and(|found| found.is_dir());
    let is_empty = is_directory
        && to
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_none());
    match is_empty || (is_directory && to.join(SERVING_FILE).is_file()) {
        true => Ok(()),
        false => wrong(
            "was not laid out for an engine, so --overwrite does not replace it; choose another",
        ),
    }
}
