//! Which models a team is, so that an evaluation is not gone on with by another one, nor taken for another one's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use glpft_agent::Role;
use glpft_checkpoints::{
    ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, Adapter, FileError, GgufFile, ModelConfig,
    ModelFiles, ModelLocation, RunDirectory, TOKENIZER_FILE,
};
use glpft_data::fingerprint;
use glpft_recipes::{Arrangement, Recipe, Stage};

use crate::base::Base;
use crate::error::Error;
use crate::team::{RoleSource, ServedSource, TeamSource};

/// By role, a fingerprint of weights, configuration and tokenizer. Whole models are read for that, once each; of an
/// adapter's base what the adapter says it belongs to counts, which is checked when it is loaded.
pub(super) fn of(team: &TeamSource) -> Result<BTreeMap<String, String>, Error> {
    let mut known = Vec::new();
    let mut all: BTreeMap<String, String> = members(team)?
        .into_iter()
        .map(|member| Ok((member.0.name().to_owned(), of_member(&member, &mut known)?)))
        .collect::<Result<_, Error>>()?;
    for (name, served) in served(team) {
        all.insert(name.to_owned(), of_served(served)?);
    }
    Ok(all)
}

/// The same of a run that may be unfinished: without the roles that have no usable model.
pub(crate) fn of_what_is_there(run: &RunDirectory) -> BTreeMap<String, String> {
    let mut known = Vec::new();
    members(&TeamSource::Run(run.root().to_owned()))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|member| {
            let one = of_member(&member, &mut known).ok()?;
            Some((member.0.name().to_owned(), one))
        })
        .collect()
}

/// The fingerprint of one member's model; `known` remembers whose were read.
fn of_member(
    (_, path, name): &Member,
    known: &mut Vec<(ModelLocation, String)>,
) -> Result<String, Error> {
    let location = ModelLocation::find(path, Some(name))?;
    if let Some((_, one)) = known.iter().find(|(other, _)| *other == location) {
        return Ok(one.clone());
    }
    let one = of_model(&location)?;
    known.push((location, one.clone()));
    Ok(one)
}

/// By role, where the models are.
pub(super) fn about(team: &TeamSource) -> BTreeMap<String, String> {
    match team {
        TeamSource::Run(run) => [("run".to_owned(), run.display().to_string())].into(),
        TeamSource::Single(model) => [("backbone".to_owned(), model.to_string())].into(),
        TeamSource::Agent(agent) => [("agent".to_owned(), agent.address.to_string())].into(),
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => [
            ("planner".to_owned(), planner.to_string()),
            ("caller".to_owned(), caller.to_string()),
            ("summarizer".to_owned(), summarizer.to_string()),
        ]
        .into(),
    }
}

/// The models of a team that are behind servers.
fn served(team: &TeamSource) -> Vec<(&'static str, &ServedSource)> {
    fn of(role: Role, source: &RoleSource) -> Option<(&'static str, &ServedSource)> {
        match source {
            RoleSource::Served(served) => Some((role.name(), served)),
            RoleSource::Local(_) => None,
        }
    }
    match team {
        TeamSource::Run(_) => Vec::new(),
        TeamSource::Agent(agent) => vec![("agent", agent)],
        TeamSource::Single(model) => of(Role::Backbone, model).into_iter().collect(),
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => [
            (Role::Planner, planner),
            (Role::Caller, caller),
            (Role::Summarizer, summarizer),
        ]
        .into_iter()
        .filter_map(|(role, source)| of(role, source))
        .collect(),
    }
}

/// What is known of a served model: its weights are not here. What decides how long prompts are cut and how they are tokenized
/// is a part of it.
fn of_served(served: &ServedSource) -> Result<String, Error> {
    let ServedSource { address, settings } = served;
    let context = settings
        .context
        .map(|context| format!(", {context} tokens"));
    let tokenizer = match &settings.tokenizer {
        Some(path) if path.is_dir() => Some(read(&path.join(TOKENIZER_FILE))?),
        Some(path) => Some(read(path)?),
        None => None,
    };
    let tokenizer = tokenizer.map(|bytes| format!(", tokenizer {}", fingerprint(&[&bytes])));
    Ok(format!(
        "{address}{}{}",
        context.unwrap_or_default(),
        tokenizer.unwrap_or_default()
    ))
}

/// Who is in a team: the role, where its model is looked for, and by which name in a run.
type Member = (Role, PathBuf, &'static str);

fn members(team: &TeamSource) -> Result<Vec<Member>, Error> {
    let global = Stage::Global.name();
    let trio = |name: &dyn Fn(Role) -> &'static str, path: &dyn Fn(Role) -> PathBuf| {
        let roles = [Role::Planner, Role::Caller, Role::Summarizer];
        roles.map(|role| (role, path(role), name(role))).into()
    };
    Ok(match team {
        TeamSource::Agent(_) => Vec::new(),
        TeamSource::Single(model) => {
            let local = model.local().map(Path::to_owned);
            local
                .map(|path| (Role::Backbone, path, global))
                .into_iter()
                .collect()
        }
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => [
            (Role::Planner, planner),
            (Role::Caller, caller),
            (Role::Summarizer, summarizer),
        ]
        .into_iter()
        .filter_map(|(role, source)| Some((role, source.local()?.to_owned(), role.name())))
        .collect(),
        TeamSource::Run(run) => {
            let recipe = Recipe::load(RunDirectory::open(run)?.recipe(), &[])?;
            match recipe.arrangement {
                Arrangement::Single | Arrangement::Mixed => {
                    vec![(Role::Backbone, run.clone(), global)]
                }
                Arrangement::MultiTask => trio(&|_| global, &|_| run.clone()),
                Arrangement::Glpft | Arrangement::OneStage => trio(&Role::name, &|_| run.clone()),
            }
        }
    })
}

fn of_model(location: &ModelLocation) -> Result<String, Error> {
    if let ModelLocation::Full(file) = location
        && GgufFile::is_at(file)
    {
        // Configuration and tokenizer are in the file, too.
        return Base::open(file)?.fingerprint();
    }
    let tokenizer = read(&location.tokenizer_directory().join(TOKENIZER_FILE))?;
    let (weights, settings) = match location {
        ModelLocation::Full(directory) => (of_base(directory)?, Vec::new()),
        ModelLocation::Adapter { directory, base } => {
            let adapter = Adapter::open(directory)?;
            let of_base = match adapter.base_fingerprint() {
                Some(fingerprint) => fingerprint.to_owned(),
                None => of_base(base)?,
            };
            let mut own = read(&directory.join(ADAPTER_CONFIG_FILE))?;
            own.extend(read(&directory.join(ADAPTER_WEIGHTS_FILE))?);
            (of_base, own)
        }
    };
    Ok(fingerprint(&[weights.as_bytes(), &settings, &tokenizer]))
}

fn of_base(directory: &Path) -> Result<String, Error> {
    let config = ModelConfig::read(directory)?;
    let files = ModelFiles::open(directory)?;
    Ok(glpft_checkpoints::fingerprint(&config, &files)?)
}

fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|source| FileError::new("read", path, source))
}
