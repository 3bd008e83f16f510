//! `glpft export`.

mod gguf;
mod serving;

use std::path::{Path, PathBuf};

use glpft::Error;
use glpft::export::Export;
use glpft::home::expand_home;
use glpft_checkpoints::{FloatType, GgufFile, ModelLocation};
use serde_json::{Value, json};

use super::open::{is_hub_name, load_partial, run_path};
use super::output::print_json;
use super::{DtypeArg, ExportArgs, FormatArg, RoleArg, complain, model_directory, print};

/// Runs the command.
pub(crate) fn execute(args: ExportArgs) -> Result<(), Error> {
    let role = args.role.map(|role| match role {
        RoleArg::Global => "global",
        RoleArg::Planner => "planner",
        RoleArg::Caller => "caller",
        RoleArg::Summarizer => "summarizer",
    });
    // A path is a model, an adapter or a run, as is a hub's name; anything else is a recipe, whose run is looked for.
    let given = &expand_home(Path::new(&args.recipe.recipe));
    let is_place = given.is_dir() || GgufFile::is_at(given) || is_hub_name(given);
    let place = match (&args.out, is_place) {
        (Some(out), _) => out.clone(),
        (None, true) => given.to_owned(),
        (None, false) => run_path(&args.recipe, None, &load_partial(&args.recipe)?),
    };
    if let Some(engine) = args.engine {
        return serving::execute(&args, engine, &place);
    }
    let location = ModelLocation::find_on(&place, role, args.base.as_deref())?;
    check_base(&args, &location)?;
    if args.format == FormatArg::Gguf {
        return gguf::execute(&args, role, &location);
    }
    if args.kind.is_some() {
        return Err(Error::Argument {
            argument: "--type",
            problem: "says how a GGUF file stores matrices; give --format gguf with it".to_owned(),
        });
    }
    check_target(&args, &location)?;
    let export = Export {
        merge: args.merge,
        dtype: dtype(args.dtype),
        base_name: args.base_name.clone(),
    };
    export.write(&location, &args.to)?;
    let written = json!({
        "directory": args.to.display().to_string(),
        "role": role,
        "adapter": leaves_adapter(&args, &location),
    });
    tell(&args, &written, &[])
}

/// Says what was written, and what ought to be known of it.
fn tell(args: &ExportArgs, written: &Value, notes: &[String]) -> Result<(), Error> {
    if args.output.json {
        return print_json(written);
    }
    if args.output.quiet {
        return Ok(());
    }
    for note in notes {
        complain(&format!("note: {note}"));
    }
    print(&format!("{}\n", args.to.display()))
}

fn leaves_adapter(args: &ExportArgs, location: &ModelLocation) -> bool {
    !args.merge && matches!(location, ModelLocation::Adapter { .. })
}

/// Why `--dtype` says nothing of a GGUF file.
const NOT_OF_GGUF: &str = "is for directories; --type says how a GGUF file stores matrices";

/// The type that was chosen.
fn dtype(chosen: Option<DtypeArg>) -> Option<FloatType> {
    chosen.map(|dtype| match dtype {
        DtypeArg::F32 => FloatType::F32,
        DtypeArg::F16 => FloatType::F16,
        DtypeArg::Bf16 => FloatType::Bf16,
    })
}

/// What is said of an adapter's base is said of an adapter.
fn check_base(args: &ExportArgs, location: &ModelLocation) -> Result<(), Error> {
    let argument = match (&args.base, &args.base_name) {
        (Some(_), _) => "--base",
        (None, Some(_)) => "--base-name",
        (None, None) => return Ok(()),
    };
    match location {
        ModelLocation::Adapter { .. } => Ok(()),
        ModelLocation::Full(directory) => Err(Error::Argument {
            argument,
            problem: format!(
                "{} is a whole model, which needs no base; leave it out",
                directory.display()
            ),
        }),
    }
}

/// That something about `--to` is wrong.
fn wrong_target(args: &ExportArgs, problem: &str) -> Error {
    Error::Argument {
        argument: "--to",
        problem: format!("{} {problem}", args.to.display()),
    }
}

/// Whether something is at `--to`.
///
/// # Errors
/// Something is, and nobody asked to replace it.
fn is_to_be_replaced(args: &ExportArgs) -> Result<bool, Error> {
    match args.to.symlink_metadata() {
        Err(_) => Ok(false),
        Ok(_) if args.overwrite => Ok(true),
        Ok(_) => Err(wrong_target(args, "exists; --overwrite replaces it")),
    }
}

/// Nothing at `--to` is replaced but a model that this or a like program wrote, and not the one that is read.
fn check_target(args: &ExportArgs, location: &ModelLocation) -> Result<(), Error> {
    if !is_to_be_replaced(args)? {
        return Ok(());
    }
    check_is_not_read(args, location)?;
    model_directory::check(&args.to).map_err(|reason| {
        let problem = format!(
            "is not a model's directory ({reason}), so --overwrite does not replace it; choose another"
        );
        wrong_target(args, &problem)
    })
}

/// What is read is not written over.
fn check_is_not_read(args: &ExportArgs, location: &ModelLocation) -> Result<(), Error> {
    match is_read(&args.to, location) {
        true => Err(wrong_target(args, "is what would be read; choose another")),
        false => Ok(()),
    }
}

/// Whether the model at `location` is read from `to`.
fn is_read(to: &Path, location: &ModelLocation) -> bool {
    let mut read = match location {
        ModelLocation::Full(directory) => vec![directory.clone()],
        ModelLocation::Adapter { directory, base } => vec![directory.clone(), base.clone()],
    };
    // A file that cannot be opened says so when it is read.
    let files = read.iter().filter(|path| GgufFile::is_at(path));
    let files: Vec<GgufFile> = files.filter_map(|path| GgufFile::open(path).ok()).collect();
    read.extend(files.iter().flat_map(GgufFile::paths).map(Path::to_owned));
    let same = |other: &PathBuf| match (to.canonicalize(), other.canonicalize()) {
        (Ok(to), Ok(other)) => to == other,
        _ => false,
    };
    read.iter().any(same)
}
