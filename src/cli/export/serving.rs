//! `glpft export --for`.

use std::path::Path;

use glpft::Error;
use glpft::export::{Engine, SERVING_FILE};
use serde_json::json;

use super::super::{EngineArg, ExportArgs};
use super::{NOT_OF_GGUF, dtype, gguf, is_to_be_replaced, tell, wrong_target};

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
            return wrong("--dtype", NOT_OF_GGUF);
        }
        EngineArg::Ollama => Engine::Ollama {
            kind: gguf::kind(args.kind),
        },
    };
    check_target(args)?;
    let notes = engine.export(run, &args.to)?;
    let written = json!({
        "directory": args.to.display().to_string(),
        "for": engine.name(),
        "notes": notes,
    });
    tell(args, &written, &notes)
}

/// Nothing at `--to` is replaced but what was laid out so.
fn check_target(args: &ExportArgs) -> Result<(), Error> {
    if !is_to_be_replaced(args)? {
        return Ok(());
    }
    let to = &args.to;
    let is_directory = to.symlink_metadata().is_ok_and(|found| found.is_dir());
    let is_empty = is_directory
        && to
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_none());
    match is_empty || (is_directory && to.join(SERVING_FILE).is_file()) {
        true => Ok(()),
        false => Err(wrong_target(
            args,
            "was not laid out for an engine, so --overwrite does not replace it; choose another",
        )),
    }
}
