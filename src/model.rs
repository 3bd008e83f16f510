//! Models in memory: loaded, initialized, with fresh adapters, and back as values for files.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use glpft_checkpoints::{Adapter, ModelFiles, TensorShape, TensorValues};
use glpft_data::{Purpose, Random};
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor};
use glpft_recipes::{FrozenWeights, LoraRecipe, Recipe, Stage};
use glpft_train::DeviceValues;

use crate::base::{Base, BaseWeights};
use crate::error::Error;

/// The model that `base` describes, frozen.
///
/// # Errors
/// The weights are absent, truncated, or of another shape.
pub fn load(base: &Base, device: &Device, seed: u64) -> Result<Decoder, Error> {
    load_frozen(base, device, seed, FrozenWeights::default())
}

/// The same, with the projections' weights held as `frozen` has it.
///
/// # Errors
/// As [`load`], and where a weight cannot be held so.
pub fn load_frozen(
    base: &Base,
    device: &Device,
    seed: u64,
    frozen: FrozenWeights,
) -> Result<Decoder, Error> {
    let files = base.open_weights()?;
    let mut number = 0;
    let random = Random::new(seed, None, 0, Purpose::Initialization);
    let deviation = match &base.weights {
        BaseWeights::Random(random) => random.initializer_range,
        BaseWeights::Directory(_) | BaseWeights::Gguf(_) => 0.0,
    };
    let config = base.config.clone();
    Decoder::load_frozen(
        config,
        device,
        FloatDType::F32,
        frozen,
        &mut |tensor: &TensorShape| match &files {
            Some(files) => read(files, tensor),
            None => {
                number += 1;
                Ok(initial(tensor, deviation, &random.stream(number)))
            }
        },
    )
}

fn read(files: &ModelFiles, tensor: &TensorShape) -> Result<Vec<f32>, Error> {
    Ok(files.read_f32(&tensor.name, &tensor.shape)?)
}

/// Initial values as Hugging Face's Llama has them: matrices normal, norms one, biases zero.
fn initial(tensor: &TensorShape, deviation: f64, random: &Random) -> Vec<f32> {
    let size = tensor.elements() as usize;
    if tensor.name.ends_with(".bias") {
        return vec![0.0; size];
    }
    if tensor.shape.len() == 1 {
        return vec![1.0; size];
    }
    let mut values = vec![0.0; size];
    random.fill_normal(0, &mut values);
    for value in &mut values {
        *value *= deviation as f32;
    }
    values
}

/// Puts a stage's fresh adapters on the model: A uniform in ±1/√in (as PEFT draws it), B zero.
///
/// # Errors
/// A target module that the model does not have.
pub fn attach_adapters(
    model: &mut Decoder,
    lora: &LoraRecipe,
    recipe: &Recipe,
    stage: Stage,
) -> Result<(), Error> {
    let random = Random::new(recipe.seed, Some(stage), 0, Purpose::Initialization);
    let mut number = 0;
    model.attach(lora, &mut |tensor: &TensorShape| {
        number += 1;
        let mut values = vec![0.0; tensor.elements() as usize];
        if tensor.name.ends_with(".lora_A.weight") {
            random.stream(number).fill_uniform(0, &mut values);
            let bound = (tensor.shape[1] as f64).powf(-0.5) as f32;
            for value in &mut values {
                *value = (2.0 * *value - 1.0) * bound;
            }
        }
        Ok::<_, Error>(values)
    })
}

/// Puts the adapter of an adapter directory on the model.
///
/// # Errors
/// The adapter cannot be read or belongs to another model.
pub fn attach_saved(model: &mut Decoder, adapter: &Adapter) -> Result<(), Error> {
    model.attach_saved(adapter)
}

/// What PEFT calls the adapter tensor at a parameter's path.
fn adapter_name(path: &str) -> String {
    format!("base_model.model.{path}")
}

/// The values of a model's parameters, by their names in files; read from the device when asked for.
pub struct Values {
    of: BTreeMap<String, Tensor<1>>,
    merged: Option<Merged>,
}

/// Weights that a model holds in fewer bits than its files: read from these, with what adapters add to them.
struct Merged {
    files: ModelFiles,
    /// Of each such weight, where it has one.
    adapters: BTreeMap<String, Option<glpft_model::Adapter>>,
    device: Device,
}

impl Values {
    /// Those of a model as it is now; adapters under PEFT's names. Not those of weights that are held in fewer bits.
    pub fn of(model: &mut Decoder) -> Self {
        struct Collect(BTreeMap<String, Tensor<1>>);
        impl ParameterVisitor for Collect {
            fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
                let value = parameter.value().inner();
                let size = value.shape().num_elements();
                let name = match glpft_model::is_adapter(path) {
                    true => adapter_name(path),
                    false => path.to_owned(),
                };
                self.0.insert(name, value.reshape([size]));
            }
        }
        let mut collect = Collect(BTreeMap::new());
        model.visit_all(&mut collect);
        Self {
            of: collect.0,
            merged: None,
        }
    }

    /// Those of the whole model that came from `base`, with its adapters added in. Where weights are held in fewer bits, the
    /// adapters are added to those of the files, one weight at a time.
    ///
    /// # Errors
    /// The base's files cannot be read.
    pub fn merged(model: &mut Decoder, base: &Base) -> Result<Self, Error> {
        model.merge();
        let mut values = Self::of(model);
        let frozen = model.frozen_weights();
        if frozen.is_empty() {
            return Ok(values);
        }
        values.of.retain(|name, _| !glpft_model::is_adapter(name));
        if let Some(files) = base.open_weights()? {
            values.merged = Some(Merged {
                files,
                adapters: frozen.into_iter().collect(),
                device: model.device().clone(),
            });
        }
        Ok(values)
    }

    /// The values of a tensor.
    ///
    /// # Errors
    /// There is no such tensor, or the files cannot be read.
    pub fn read(&self, name: &str) -> Result<DeviceValues, Error> {
        if let Some(tensor) = self.of.get(name) {
            return Ok(DeviceValues::of(tensor.clone()));
        }
        let merged = self.merged.as_ref();
        let merged = merged.and_then(|merged| merged.read(name).transpose());
        merged.unwrap_or_else(|| {
            let absent = format!("the model has no parameter `{name}`");
            Err(ModelError::Read(absent).into())
        })
    }

    /// The largest magnitude of them all.
    ///
    /// # Errors
    /// As [`read`](Self::read), and where the device cannot be read.
    pub fn largest(&self) -> Result<f64, Error> {
        let merged = self.merged.iter().flat_map(|merged| merged.adapters.keys());
        let mut largest = 0.0_f64;
        for name in self.of.keys().chain(merged) {
            let values = self.read(name)?;
            let whole = values.part(0..values.count());
            let whole = whole.map_err(|error| ModelError::Read(error.to_string()))?;
            let of_this = whole
                .iter()
                .fold(0.0_f32, |most, value| most.max(value.abs()));
            largest = largest.max(of_this.into());
        }
        Ok(largest)
    }
}

impl Merged {
    fn read(&self, name: &str) -> Result<Option<DeviceValues>, Error> {
        let Some(adapter) = self.adapters.get(name) else {
            return Ok(None);
        };
        let shape = self.files.shape(name).unwrap_or_default().to_vec();
        let values = self.files.read_f32(name, &shape)?;
        let count = values.len();
        let data = TensorData::new(values, shape);
        let weight = Tensor::<2>::from_data(data, (&self.device, DType::F32));
        let weight = match adapter {
            Some(adapter) => weight + adapter.delta().inner(),
            None => weight,
        };
        Ok(Some(DeviceValues::of(weight.reshape([count]))))
    }
}
