//! `glpft export`.

use std::path::Path;

use glpft::Error;
use glpft_checkpoints::{FloatType, ModelLocation};

use super::open::{load_partial, run_path};
use super::{DtypeArg, ExportArgs, RoleArg, print};

/// Runs the command.
pub(crate) fn execute(args: ExportArgs) -> Result<(), Error> {
    if args.to.exists() && !args.overwrite {
        return Err(Error::Argument {
            argument: "--to",
            problem: format!("{} exists; --overwrite replaces it", args.to.display()),
        });
    }
    let role = args.role.map(|role| match role {
        RoleArg::Global => "global",
        RoleArg::Planner => "planner",
        RoleArg::Caller => "caller",
        RoleArg::Summarizer => "summarizer",
    });
    // A path is a model, an adapter or a run; anything else is a recipe, whose run is looked for.
    let given = Path::new(&args.recipe.recipe);
    let place = match (&args.out, given.is_dir()) {
        (Some(out), _) => out.clone(),
        (None, true) => given.to_owned(),
        (None, false) => run_path(&args.recipe, None, &load_partial(&args.recipe)?),
    };
    let location = ModelLocation::find(&place, role)?;
    let dtype = args.dtype.map(|dtype| match dtype {
        DtypeArg::F32 => FloatType::F32,
        DtypeArg::F16 => FloatType::F16,
        DtypeArg::Bf16 => FloatType::Bf16,
    });
    glpft::export::export(&location, &args.to, args.merge, dtype)?;
    match args.output.quiet {
        true => Ok(()),
        false => print(&format!("{}\n", args.to.display())),
    }
}
