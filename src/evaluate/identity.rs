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
use crate::team::TeamSource;

/// By role, a fingerprint of weights, configuration and tokenizer. Whole models are read for that, once each; of an
/// adapter's base what the adapter says it belongs to counts, which is checked when it is loaded.
pub(super) fn of(team: &TeamSource) -> Result<BTreeMap<String, String>, Error> {
    let mut known = Vec::new();
    members(team)?
        .into_iter()
        .map(|member| Ok((member.0.name().to_owned(), of_member(&member, &mut known)?)))
        .collect()
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
    let path = |path: &Path| path.display().to_string();
    match team {
        TeamSource::Run(run) => [("run".to_owned(), path(run))].into(),
        TeamSource::Single(model) => [("backbone".to_owned(), path(model))].into(),
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => [
            ("planner".to_owned(), path(planner)),
            ("caller".to_owned(), path(caller)),
            ("summarizer".to_owned(), path(summarizer)),
        ]
        .into(),
    }
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
        TeamSource::Single(model) => vec![(Role::Backbone, model.clone(), global)],
        TeamSource::Trio {
            planner,
            caller,
            summarizer,
        } => trio(&Role::name, &|role| match role {
            Role::Planner => planner.clone(),
            Role::Caller => caller.clone(),
            _ => summarizer.clone(),
        }),
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
