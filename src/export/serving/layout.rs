//! Which models a team needs, each once, and what stands on them.

use std::path::{Path, PathBuf};

use glpft_checkpoints::{AdaptedKind, Adapter, FileError, ModelLocation};
use glpft_recipes::{Arrangement, Stage};

use crate::base::Base;
use crate::error::Error;

/// What a backbone is called.
const BACKBONE: &str = "backbone";

/// A team's models.
#[derive(Debug)]
pub(super) struct Layout {
    pub models: Vec<Model>,
}

/// A whole model.
#[derive(Debug)]
pub(super) struct Model {
    /// What its directory or file is called.
    pub name: String,
    /// Where it is now; an adapter that no engine loads as one is merged with its base.
    pub source: ModelLocation,
    /// The roles that it plays itself.
    pub roles: Vec<String>,
    /// The roles that adapters to it play, and where these are now.
    pub adapters: Vec<(String, PathBuf)>,
}

impl Layout {
    /// That of a run.
    pub fn of(run: &Path, arrangement: Arrangement) -> Result<Self, Error> {
        let trio = [Stage::Planner, Stage::Caller, Stage::Summarizer];
        let roles: Vec<(&str, Stage)> = match arrangement {
            Arrangement::Single | Arrangement::Mixed => vec![(BACKBONE, Stage::Global)],
            Arrangement::MultiTask => trio.map(|role| (role.name(), Stage::Global)).to_vec(),
            Arrangement::Glpft | Arrangement::OneStage => {
                trio.map(|role| (role.name(), role)).to_vec()
            }
        };
        let mut layout = Self { models: Vec::new() };
        for (role, stage) in roles {
            let location = ModelLocation::find(run, Some(stage.name()))?;
            layout.add(role, stage, location)?;
        }
        Ok(layout)
    }

    fn add(&mut self, role: &str, stage: Stage, location: ModelLocation) -> Result<(), Error> {
        match location {
            ModelLocation::Adapter { directory, base } if fits(&directory, &base)? => {
                // Each adapter names it from its own folder.
                let base = base
                    .canonicalize()
                    .map_err(|source| FileError::new("find", &base, source))?;
                let model = self.model(BACKBONE, ModelLocation::Full(base));
                model.adapters.push((role.to_owned(), directory));
            }
            whole => {
                let name = match stage {
                    Stage::Global => BACKBONE,
                    _ => role,
                };
                self.model(name, whole).roles.push(role.to_owned());
            }
        }
        Ok(())
    }

    /// The model from `source`, which is called `name`, or like it, if it is new.
    fn model(&mut self, name: &str, source: ModelLocation) -> &mut Model {
        let known = self.models.iter().position(|model| model.source == source);
        let place = known.unwrap_or_else(|| {
            let taken = |name: &String| self.models.iter().any(|model| model.name == *name);
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut names = std::iter::once(name.to_owned()).chain(numbered);
            self.models.push(Model {
                name: names.find(|name| !taken(name)).unwrap_or_default(),
                source,
                roles: Vec::new(),
                adapters: Vec::new(),
            });
            self.models.len() - 1
        });
        &mut self.models[place]
    }

    /// The names that can be asked for.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.models.iter().flat_map(|model| {
            let adapters = model.adapters.iter().map(|(role, _)| role);
            model.roles.iter().chain(adapters).map(String::as_str)
        })
    }
}

/// Whether engines load it as an adapter: it only adds to projections, and reads the base's tokens.
fn fits(directory: &Path, base: &Path) -> Result<bool, Error> {
    let base = Base::open(base)?;
    let of_base = base.tokenizer.fingerprint().to_owned();
    let base = base.with_tokenizer_in(directory)?;
    let adapter = Adapter::open(directory)?;
    adapter.check_acts_everywhere("an adapter that these engines load")?;
    let modules = adapter.config().modules(&base.config)?;
    let projection = |module: &glpft_checkpoints::AdaptedModule| {
        matches!(module.kind, AdaptedKind::Projection(_))
    };
    Ok(base.tokenizer.fingerprint() == of_base
        && adapter.replaced(&base.config).is_empty()
        && modules.iter().all(projection))
}
