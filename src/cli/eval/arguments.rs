//! What the arguments of `glpft eval static` mean.

use std::path::{Path, PathBuf};

use glpft::Error;
use glpft::evaluate::{EVAL_FOLDER, run_facts};
use glpft::team::{RoleSource, ServedSource, TeamSource};
use glpft_agent::{Key, ModelAddress, ModelServerSettings};
use glpft_eval::static_evaluation::StaticSettings;
use glpft_recipes::Behaviour;

use crate::cli::{ModelServerArgs, StaticArgs, TeamArgs};

/// Which models answer.
pub(crate) fn team(args: &TeamArgs) -> Result<TeamSource, Error> {
    let TeamArgs {
        run,
        planner,
        caller,
        summarizer,
        single,
        agent,
        servers,
    } = args.clone();
    let of = |path: PathBuf| role(path, &servers);
    match (run, single, (planner, caller, summarizer)) {
        _ if agent.is_some() => Ok(TeamSource::Agent(Box::new(served(
            &agent.unwrap_or_default(),
            &servers,
        )?))),
        (Some(run), ..) => Ok(TeamSource::Run(run)),
        (_, Some(single), _) => Ok(TeamSource::Single(of(single)?)),
        (_, _, (Some(planner), Some(caller), Some(summarizer))) => Ok(TeamSource::Trio {
            planner: of(planner)?,
            caller: of(caller)?,
            summarizer: of(summarizer)?,
        }),
        _ => Err(wrong(
            "RUN",
            "give a run, or --planner, --caller and --summarizer, or --single, or --agent"
                .to_owned(),
        )),
    }
}

/// Where a role's model is: a directory, or an address.
fn role(path: PathBuf, servers: &ModelServerArgs) -> Result<RoleSource, Error> {
    match path.to_str().filter(|text| ModelAddress::is_meant(text)) {
        Some(address) => Ok(RoleSource::Served(Box::new(served(address, servers)?))),
        None => Ok(RoleSource::Local(path)),
    }
}

/// A model behind a server.
fn served(address: &str, servers: &ModelServerArgs) -> Result<ServedSource, Error> {
    let key = match &servers.model_key {
        None => None,
        Some(variable) => {
            let key = Key::from_environment(variable)
                .map_err(|error| wrong("--model-key", error.to_string()))?;
            let none = || format!("the environment variable {variable} holds no key");
            Some(key.ok_or_else(|| wrong("--model-key", none()))?)
        }
    };
    Ok(ServedSource {
        address: address.parse::<ModelAddress>()?,
        settings: ModelServerSettings {
            key,
            timeout: servers.model_timeout,
            parallel: servers.model_parallel,
            context: servers.model_context,
            tokenizer: servers.model_tokenizer.clone(),
            ..ModelServerSettings::default()
        },
    })
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
        false => Err(wrong(
            "--name",
            format!("{name:?} is not a plain file name"),
        )),
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
