//! `glpft export --format gguf`.

use glpft::Error;
use glpft_checkpoints::{GgufFile, GgufType, ModelLocation};
use serde_json::json;

use super::super::{ExportArgs, TypeArg};
use super::{
    NOT_OF_GGUF, check_is_not_read, is_to_be_replaced, leaves_adapter, tell, wrong_target,
};

/// Writes the model at `location`.
pub(super) fn execute(
    args: &ExportArgs,
    role: Option<&str>,
    location: &ModelLocation,
) -> Result<(), Error> {
    check(args, location)?;
    let kind = kind(args.kind);
    let notes = glpft::export::export_gguf(location, &args.to, args.merge, kind)?;
    let written = json!({
        "file": args.to.display().to_string(),
        "role": role,
        "adapter": leaves_adapter(args, location),
        "type": kind.name(),
        "notes": notes,
    });
    tell(args, &written, &notes)
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
    let wrong = |argument, problem: &str| Error::Argument {
        argument,
        problem: problem.to_owned(),
    };
    if args.dtype.is_some() {
        return Err(wrong("--dtype", NOT_OF_GGUF));
    }
    if args.base_name.is_some() {
        let problem = "an adapter's GGUF file does not name its base; leave it out";
        return Err(wrong("--base-name", problem));
    }
    let extension = to.extension();
    if extension.is_none_or(|extension| !extension.eq_ignore_ascii_case("gguf")) {
        return Err(wrong_target(args, "does not end in .gguf"));
    }
    if !is_to_be_replaced(args)? {
        return Ok(());
    }
    check_is_not_read(args, location)?;
    match GgufFile::is_at(to) && GgufFile::open(to).is_ok() {
        true => Ok(()),
        false => Err(wrong_target(
            args,
            "is not a GGUF file, so --overwrite does not replace it; choose another",
        )),
    }
}
