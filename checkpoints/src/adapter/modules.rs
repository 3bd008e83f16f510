//! What an adapter changes of a model: modules that it adapts, parameters that it replaces.

use super::matcher::Matcher;
use super::{AdapterConfig, AdapterError, ModuleNames};
use crate::{ModelConfig, Projection, TensorShape};

/// What PEFT puts before the path of an adapter's tensor.
pub(super) const PREFIX: &str = "base_model.model.";
/// The embedding's path.
const EMBEDDING: &str = "model.embed_tokens";
/// The output head's path.
const HEAD: &str = "lm_head";

/// A module with an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptedModule {
    /// Its path, such as `model.layers.0.self_attn.q_proj`.
    pub path: String,
    /// What it is.
    pub kind: AdaptedKind,
    /// The adapter's rank.
    pub rank: usize,
    /// What `B·A` is multiplied with.
    pub scale: f64,
    /// Number of the module's inputs; an embedding's tokens.
    pub inputs: usize,
    /// Number of its outputs.
    pub outputs: usize,
}

/// What an adapted module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdaptedKind {
    /// The linear map of that number among the model's [`projections`](ModelConfig::projections).
    Projection(usize),
    /// The embedding of tokens.
    Embedding,
    /// The output head, which may be tied to the embedding; the adapter is not.
    Head,
}

impl AdaptedModule {
    /// A and B, as PEFT names them: `base_model.model.<path>.lora_A.weight` `[rank, inputs]` and `lora_B.weight`
    /// `[outputs, rank]`, of an embedding `lora_embedding_A` and `lora_embedding_B`.
    pub fn tensors(&self) -> [TensorShape; 2] {
        let Self { path, rank, .. } = self;
        let name = |part: &str| match self.kind {
            AdaptedKind::Embedding => format!("{PREFIX}{path}.lora_embedding_{part}"),
            _ => format!("{PREFIX}{path}.lora_{part}.weight"),
        };
        [
            TensorShape::new(name("A"), [*rank, self.inputs]),
            TensorShape::new(name("B"), [self.outputs, *rank]),
        ]
    }
}

/// A parameter of the base that an adapter's file holds anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacedParameter {
    /// The tensor in the adapter's file.
    pub tensor: TensorShape,
    /// The parameter's name in the model.
    pub parameter: String,
    /// Whether a head that is tied to the embedding changes with it. Else the two are no longer tied.
    pub stays_tied: bool,
}

impl AdapterConfig {
    /// The modules of `model` that are adapted: the embedding, the linear maps in their order, the head.
    ///
    /// # Errors
    /// None is, a regular expression cannot be used, or the settings ask for something that is not implemented.
    pub fn modules(&self, model: &ModelConfig) -> Result<Vec<AdaptedModule>, AdapterError> {
        let matcher = Matcher::new(self)?;
        let (vocabulary, hidden) = (model.vocab_size, model.hidden_size);
        let projections = model.projections();
        let projections = projections.into_iter().enumerate().map(|(number, one)| {
            let Projection {
                path,
                inputs,
                outputs,
                ..
            } = one;
            (AdaptedKind::Projection(number), path, inputs, outputs)
        });
        let embedding = (
            AdaptedKind::Embedding,
            EMBEDDING.to_owned(),
            vocabulary,
            hidden,
        );
        let head = (AdaptedKind::Head, HEAD.to_owned(), hidden, vocabulary);
        let candidates = [embedding].into_iter().chain(projections).chain([head]);
        let mut modules = Vec::new();
        for (kind, path, inputs, outputs) in candidates {
            let projection = matches!(kind, AdaptedKind::Projection(_));
            if !matcher.adapts(&path, projection)? {
                continue;
            }
            let (rank, alpha) = (matcher.rank(&path)?, matcher.alpha(&path)?);
            let divisor = match self.rslora {
                true => (rank as f64).sqrt(),
                false => rank as f64,
            };
            modules.push(AdaptedModule {
                path,
                kind,
                rank,
                scale: alpha / divisor,
                inputs,
                outputs,
            });
        }
        if modules.is_empty() && self.modules_to_save.is_empty() {
            let targets = match &self.target_modules {
                ModuleNames::Names(names) => names.join(", "),
                ModuleNames::Pattern(pattern) => pattern.clone(),
                ModuleNames::AllLinear => ModuleNames::ALL_LINEAR.to_owned(),
            };
            let mut known = model.projection_names();
            known.push("embed_tokens");
            return Err(AdapterError::Targets {
                targets: targets.chars().take(200).collect(),
                known: known.join(", "),
            });
        }
        let outer = |module: &AdaptedModule| !matches!(module.kind, AdaptedKind::Projection(_));
        let outer = modules.iter().any(outer) || self.saved(model).iter().any(is_outer);
        if self.ensure_weight_tying && model.tied && outer {
            return Err(AdapterError::WeightTying);
        }
        Ok(modules)
    }

    /// The first of the patterns of ranks or alphas, with its key, that no adapted module of `model` has.
    ///
    /// # Errors
    /// As [`modules`](Self::modules).
    pub fn unmatched_pattern(
        &self,
        model: &ModelConfig,
    ) -> Result<Option<(&'static str, String)>, AdapterError> {
        let modules = self.modules(model)?;
        let paths: Vec<&str> = modules.iter().map(|module| &*module.path).collect();
        let matcher = Matcher::new(self)?;
        let unmatched = matcher.unmatched(&paths)?;
        Ok(unmatched.map(|(key, pattern)| (key, pattern.to_owned())))
    }

    /// The adapter's tensors on `model`: those of its [`modules`](Self::modules), then those of modules that are stored
    /// whole, under `base_model.model.<name>`.
    pub fn tensors(&self, model: &ModelConfig) -> Result<Vec<TensorShape>, AdapterError> {
        let modules = self.modules(model)?;
        let mut tensors: Vec<_> = modules.iter().flat_map(AdaptedModule::tensors).collect();
        tensors.extend(self.saved(model).into_iter().map(|saved| saved.tensor));
        Ok(tensors)
    }

    /// The parameters of modules that are stored whole. As in PEFT, the end of a module's path names it, wherever that
    /// begins, and all that is in it.
    pub(super) fn saved(&self, model: &ModelConfig) -> Vec<ReplacedParameter> {
        if self.modules_to_save.is_empty() {
            return Vec::new();
        }
        let mut parameters = model.tensors();
        if model.tied {
            let shape = [model.vocab_size, model.hidden_size];
            parameters.push(TensorShape::new(format!("{HEAD}.weight"), shape));
        }
        let is_saved = |path: &str| {
            let mut names = self.modules_to_save.iter();
            names.any(|name| !name.is_empty() && path.ends_with(&**name))
        };
        let dots = |name: &str| -> Vec<usize> { name.match_indices('.').map(|at| at.0).collect() };
        parameters.retain(|parameter| {
            let name = &parameter.name;
            dots(name).into_iter().any(|dot| is_saved(&name[..dot]))
        });
        let saved = parameters.into_iter().map(|TensorShape { name, shape }| {
            let tensor = TensorShape::new(format!("{PREFIX}{name}"), shape);
            ReplacedParameter {
                tensor,
                parameter: name,
                stays_tied: false,
            }
        });
        saved.collect()
    }

    /// The tensors under which PEFT stores the embedding and the head of the base beside an adapter that targets them, or
    /// whose vocabulary has grown.
    pub(super) fn beside(&self, model: &ModelConfig) -> Vec<ReplacedParameter> {
        let shape = [model.vocab_size, model.hidden_size];
        let saved = self.saved(model);
        let mut beside = Vec::new();
        for path in [EMBEDDING, HEAD] {
            let parameter = match model.tied {
                true => format!("{EMBEDDING}.weight"),
                false => format!("{path}.weight"),
            };
            for part in ["base_layer.weight", "weight"] {
                let tensor = TensorShape::new(format!("{PREFIX}{path}.{part}"), shape);
                if saved.iter().all(|saved| saved.tensor != tensor) {
                    beside.push(ReplacedParameter {
                        tensor,
                        parameter: parameter.clone(),
                        stays_tied: true,
                    });
                }
            }
        }
        beside
    }
}

fn is_outer(replaced: &ReplacedParameter) -> bool {
    [EMBEDDING, HEAD]
        .iter()
        .any(|path| replaced.parameter.strip_suffix(".weight") == Some(path))
}
