//! A team's models come into memory, each base once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use glpft_agent::Role;
use glpft_checkpoints::{
    Adapter, FileError, LocationError, ModelConfig, ModelFiles, ModelLocation, RunDirectory,
    TOKENIZER_FILE,
};
use glpft_data::PromptTokenizer;
use glpft_model::Decoder;
use glpft_model::generation::{Generator, GeneratorSettings};
use glpft_recipes::{Arrangement, FrozenWeights, Precision, Recipe, Separators, Stage};

use super::member::Member;
use crate::base::{Base, fit_tokenizer};
use crate::error::{Error, StartError};
use crate::model::{attach_saved, load_frozen};

/// Loads models, and remembers which it has.
pub struct Loader<'a> {
    device: &'a Device,
    precision: Precision,
    backbones: Vec<Backbone>,
    members: BTreeMap<Role, Member>,
}

/// A base and what stands on it.
struct Backbone {
    /// Of its directory or file, without symbolic links.
    path: PathBuf,
    /// How its weights are held.
    frozen: FrozenWeights,
    config: ModelConfig,
    tokenizer: Arc<PromptTokenizer>,
    /// The model itself, then its adapted forms.
    models: Vec<Form>,
}

/// A backbone as it is, or with an adapter.
struct Form {
    /// The adapter's directory.
    adapter: Option<PathBuf>,
    /// What wakes it.
    invocation: Vec<u32>,
    model: Decoder,
}

impl<'a> Loader<'a> {
    /// A loader for a device.
    pub fn new(device: &'a Device, precision: Precision) -> Self {
        Self {
            device,
            precision,
            backbones: Vec::new(),
            members: BTreeMap::new(),
        }
    }

    /// Loads the models of a run's roles.
    pub fn run(&mut self, path: &Path) -> Result<(), Error> {
        let run = RunDirectory::open(path)?;
        let recipe = Recipe::load(run.recipe(), &[])?;
        let trio = [Role::Planner, Role::Caller, Role::Summarizer];
        match recipe.arrangement {
            Arrangement::Single | Arrangement::Mixed => self.role(Role::Backbone, path),
            Arrangement::MultiTask => trio.into_iter().try_for_each(|role| {
                self.load(role, path, Stage::Global.name(), recipe.data.separators)
            }),
            Arrangement::Glpft | Arrangement::OneStage => {
                trio.into_iter().try_for_each(|role| self.role(role, path))
            }
        }
    }

    /// Loads a role's model.
    pub fn role(&mut self, role: Role, path: &Path) -> Result<(), Error> {
        let name = match role {
            Role::Backbone => Stage::Global.name(),
            _ => role.name(),
        };
        self.load(role, path, name, separators(path)?)
    }

    fn load(
        &mut self,
        role: Role,
        path: &Path,
        name: &str,
        separators: Separators,
    ) -> Result<(), Error> {
        let (directory, adapter) = match ModelLocation::find(path, Some(name))? {
            ModelLocation::Full(directory) => (directory, None),
            ModelLocation::Adapter { directory, base } => (base, Some(directory)),
        };
        let frozen = match &adapter {
            Some(_) => frozen(path, name)?,
            // A whole model is what its files say.
            None => FrozenWeights::default(),
        };
        let generator = self.backbone(&directory, frozen)?;
        let backbone = &mut self.backbones[generator];
        let adapter = adapter.as_deref().map(canonical).transpose()?;
        let (model, invocation) = backbone.model(adapter.as_deref())?;
        let tokenizer = match &adapter {
            Some(adapter) if adapter.join(TOKENIZER_FILE).is_file() => {
                Arc::new(backbone.tokenizer_in(adapter)?)
            }
            _ => backbone.tokenizer.clone(),
        };
        let member = Member {
            role,
            generator,
            model,
            tokenizer,
            separators,
            invocation,
            ends: backbone.config.eos.clone(),
        };
        self.members.insert(role, member);
        Ok(())
    }

    /// The place of the backbone at `path`, loaded if it is not yet.
    fn backbone(&mut self, path: &Path, frozen: FrozenWeights) -> Result<usize, Error> {
        let path = canonical(path)?;
        let known = |backbone: &Backbone| backbone.path == path && backbone.frozen == frozen;
        if let Some(place) = self.backbones.iter().position(known) {
            return Ok(place);
        }
        let base = Base::open(&path)?;
        let mut model = load_frozen(&base, self.device, 0, frozen)?;
        model.set_precision(self.precision)?;
        self.backbones.push(Backbone {
            path,
            frozen,
            config: base.config,
            tokenizer: Arc::new(base.tokenizer),
            models: vec![Form {
                adapter: None,
                invocation: Vec::new(),
                model,
            }],
        });
        Ok(self.backbones.len() - 1)
    }

    /// The members, and the generators that they name.
    pub fn finish(self) -> (BTreeMap<Role, Member>, Vec<Generator>) {
        let generators = self.backbones.into_iter().map(|backbone| {
            let models = backbone.models.into_iter().map(|form| form.model);
            Generator::new(models.collect(), GeneratorSettings::default())
        });
        (self.members, generators.collect())
    }
}

impl Backbone {
    /// The place of the model with an adapter, or without one; and what wakes the adapter, if it does.
    fn model(&mut self, adapter: Option<&Path>) -> Result<(usize, Vec<u32>), Error> {
        let known = |one: &Form| one.adapter.as_deref() == adapter;
        if let Some(place) = self.models.iter().position(known) {
            return Ok((place, self.models[place].invocation.clone()));
        }
        // The plain model is always there.
        let mut model = self.models[0].model.clone();
        let mut invocation = Vec::new();
        if let Some(directory) = adapter {
            let adapter = Adapter::open(directory)?;
            adapter.check(&self.config, &ModelFiles::open(&self.path)?)?;
            attach_saved(&mut model, &adapter)?;
            invocation.clone_from(&adapter.config().invocation);
        }
        self.models.push(Form {
            adapter: adapter.map(Path::to_owned),
            invocation: invocation.clone(),
            model,
        });
        Ok((self.models.len() - 1, invocation))
    }

    /// The tokenizer in an adapter's directory, which must fit the base.
    fn tokenizer_in(&self, directory: &Path) -> Result<PromptTokenizer, Error> {
        let path = directory.join(TOKENIZER_FILE);
        let mut tokenizer = PromptTokenizer::from_path(&path).map_err(|source| {
            Error::Start(StartError::TokenizerAt {
                path: path.clone(),
                source,
            })
        })?;
        fit_tokenizer(
            &mut tokenizer,
            &path.display().to_string(),
            &self.path.display().to_string(),
            self.config.vocab_size,
            "its tokenizer.json is another model's: put its own there",
        )?;
        Ok(tokenizer)
    }
}

/// The run that `path` is, or is a model of, however the path is spelled.
pub(crate) fn run_around(path: &Path) -> Option<RunDirectory> {
    let path = path.canonicalize().ok()?;
    let around = path.parent().and_then(Path::parent);
    [Some(&*path), around]
        .into_iter()
        .flatten()
        .find_map(|root| RunDirectory::open(root).ok())
}

/// What separators are in the run that `path` is, or is a model of; the end of sequence where there is none.
fn separators(path: &Path) -> Result<Separators, Error> {
    Ok(match run_around(path) {
        Some(run) => Recipe::load(run.recipe(), &[])?.data.separators,
        None => Separators::Eos,
    })
}

/// How the weights under an adapter are held at work: as in the stage that trained it, of the run that `path` is a model of, or the
/// stage `name` of the run that it is.
fn frozen(path: &Path, name: &str) -> Result<FrozenWeights, Error> {
    let own = match RunDirectory::open(path) {
        Ok(_) => None,
        Err(_) => path.file_name().and_then(OsStr::to_str),
    };
    let name = own.unwrap_or(name);
    let stage = Stage::ALL.into_iter().find(|stage| stage.name() == name);
    Ok(match (run_around(path), stage) {
        (Some(run), Some(stage)) => Recipe::load(run.recipe(), &[])?.stage(stage).frozen,
        _ => FrozenWeights::default(),
    })
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize()
        .map_err(|source| LocationError::File(FileError::new("find", path, source)).into())
}
