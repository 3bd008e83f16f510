//! What the arguments of `glpft eval static` mean.

use std::path::{Path, PathBuf};

use glpft::Error;
use glpft::evaluate::{EVAL_FOLDER, run_facts};
use glpft::team::TeamSource;
use glpft_eval::static_evaluation::StaticSettings;
use glpft_recipes::Behaviour;

use crate::cli::{StaticArgs, TeamArgs};

/// Which models answer.
pub(crate) fn team(args: &TeamArgs) -> Result<TeamSource, Error> {
    let TeamArgs {
        run,
        planner,
        caller,
        summarizer,
        single,
    } = args.clone();
    match (run, single, (planner, caller, summarizer)) {
        (Some(run), ..) => Ok(TeamSource::Run(run)),
        (_, Some(single), _) => Ok(TeamSource::Single(single)),
        (_, _, (Some(planner), Some(caller), Some(summarizer))) => Ok(TeamSource::Trio {
            planner,
            caller,
            summarizer,
        }),
        _ => Err(wrong(
            "RUN",
            "give a run, or --planner, --caller and --summarizer, or --single".to_owned(),
        )),
    }
}

/// Where it is kept.
pub(super) fn place(args: &StaticArgs, team: &TeamSource) -> Result<PathBuf, Error> {
    let name = match (&args.name, args.data.file_stem()) {
        (Some(name), _) => name.clone(),
        (None, Some(stem)) => stem.to_string_lossy().into_owned(),
        (None, None) => "static".to_owned(),
    };
    place_of(args.out.as_deref(), &name, team)
}

/// Where an evaluation of this name is kept, unless `out` says where.
pub(super) fn place_of(
    out: Option<&Path>,
    name: &str,
    team: &TeamSource,
) -> Result<PathBuf, Error> {
    if let Some(out) = out {
        return Ok(out.to_owned());
    }
    let TeamSource::Run(run) = team else {
        return Err(wrong(
            "--out",
            "models outside a run leave their results in a directory of your choice: give it"
                .to_owned(),
        ));
    };
    // A name comes from the command line: it must not lead out of the run.
    let plain = Path::new(name).file_name().is_some_and(|file| file == name);
    match plain && !name.starts_with('.') {
        true => Ok(run.join(EVAL_FOLDER).join(name)),
        false => Err(wrong("--name", format!("{name:?} is no plain name"))),
    }
}

/// How it is done.
pub(super) fn settings(args: &StaticArgs, team: &TeamSource) -> Result<StaticSettings, Error> {
    Ok(StaticSettings {
        behaviour: match args.compat {
            true => Behaviour::Compat,
            false => Behaviour::Fixed,
        },
        system_prefix: !args.compat && run_facts(team)?.system_prefix,
        trajectories: args.limit,
        steps: args.steps,
        limits: args.asking.limits(args.max_prompt_tokens),
        sampling: args.asking.sampling()?,
        batch: args.batch,
        seed: 0,
    })
}

fn wrong(argument: &'static str, problem: String) -> Error {
    Error::Argument { argument, problem }
}
