//! `glpft export --format gguf`.

use glpft::Error;
use glpft_checkpoints::{GgufFile, GgufType, ModelLocation};
use serde_json::json;

use super::super::output::{complain, print_json};
use super::super::{ExportArgs, TypeArg, print};
use super::is_read;

/// Writes the model at `location`.
pub(super) fn execute(
    args: &ExportArgs,
    role: Option<&str>,
    location: &ModelLocation,
) -> Result<(), Error> {
    check(args, location)?;
    let kind = kind(args.kind);
    let notes = glpft::export::export_gguf(location, &args.to, args.merge, kind)?;
    let adapter = !args.merge && matches!(location, ModelLocation::Adapter { .. });
    if args.output.json {
        return print_json(&json!({
            "file": args.to.display().to_string(),
            "role": role,
            "adapter": adapter,
            "type": kind.name(),
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

/// The type that was chosen, or the one that is taken where none was.
pub(super) fn kind(kind: Option<TypeArg>) -> GgufType {
    match kind {
        Some(TypeArg::F32) => GgufType::F32,
        Some(TypeArg::F16) | None => GgufType::F16,
        Some(TypeArg::Bf16) => GgufType::Bf16,
        Some(TypeArg::Q8_0) => GgufType::Q8_0,
    }
}

/// Nothing at `--to` is replaced but a GGUF file, and not the one that is read.
fn check(args: &ExportArgs, location: &ModelLocation) -> Result<(), Error> {
    let to = &args.to;
    let wrong = |argument, problem: String| Err(Error::Argument { argument, problem });
    if args.dtype.is_some() {
        let problem = "is for directories; --type says how a GGUF file stores matrices".to_owned();
        return wrong("--dtype", problem);
    }
    let to_wrong = |problem: &str| wrong("--to", format!("{} {problem}", to.display()));
    if args.base_name.is_some() {
        let problem = "an adapter's GGUF file does not name its base; leave it out".to_owned();
        return wrong("--base-name", problem);
    }
    let extension = to.extension();
    if extension.is_none_or(|extension| !extension.eq_ignore_ascii_case("gguf")) {
        return to_wrong("does not end in .gguf");
    }
    if to.symlink_metadata().is_err() {
        return Ok(());
    }
    if !args.overwrite {
        return to_wrong("exists; --overwrite replaces it");
    }
    if is_read(to, location) {
        return to_wrong("is what would be read; choose another");
    }
    match GgufFile::is_at(to) && GgufFile::open(to).is_ok() {
        true => Ok(()),
        false => to_wrong("is no GGUF file, so --overwrite does not replace it; choose another"),
    }
}
