//! Models in memory: loaded, initialized, with fresh adapters, and back as values for files.

use std::collections::BTreeMap;

use burn::tensor::{Device, FloatDType, Tensor};
use glpft_checkpoints::{Adapter, ModelFiles, TensorShape};
use glpft_data::{Purpose, Random};
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor};
use glpft_recipes::{LoraRecipe, Recipe, Stage};
use glpft_train::DeviceValues;

use crate::base::{Base, BaseWeights};
use crate::error::Error;

/// The model that `base` describes, frozen.
///
/// # Errors
/// The weights are absent, truncated, or of another shape.
pub fn load(base: &Base, device: &Device, seed: u64) -> Result<Decoder, Error> {
    let files = base.open_weights()?;
    let mut number = 0;
    let random = Random::new(seed, None, 0, Purpose::Initialization);
    let deviation = match &base.weights {
        BaseWeights::Random(random) => random.initializer_range,
        BaseWeights::Directory(_) | BaseWeights::Gguf(_) => 0.0,
    };
    let config = base.config.clone();
    Decoder::load(
        config,
        device,
        FloatDType::F32,
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

/// The largest magnitude of a model's weights.
///
/// # Errors
/// The device cannot be read.
pub fn largest(model: &mut Decoder) -> Result<f64, ModelError> {
    struct Largest(Vec<Tensor<1>>);
    impl ParameterVisitor for Largest {
        fn visit<const D: usize>(&mut self, _path: &str, parameter: &mut Parameter<D>) {
            self.0.push(parameter.value().inner().abs().max());
        }
    }
    let mut largest = Largest(Vec::new());
    model.visit_all(&mut largest);
    let mut all = 0.0_f64;
    for one in largest.0 {
        let data = one.try_into_data();
        let data = data.map_err(|error| ModelError::Read(format!("{error:?}")))?;
        all = data.iter::<f64>().fold(all, f64::max);
    }
    Ok(all)
}

/// What PEFT calls the adapter tensor at a parameter's path.
fn adapter_name(path: &str) -> String {
    format!("base_model.model.{path}")
}

/// The values of a model's parameters, by their names in files; read from the device when asked for.
pub struct Values {
    of: BTreeMap<String, Tensor<1>>,
}

impl Values {
    /// Those of a model as it is now; adapters under PEFT's names.
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
        Self { of: collect.0 }
    }

    /// The values of a tensor.
    ///
    /// # Errors
    /// There is no such tensor.
    pub fn read(&self, name: &str) -> Result<DeviceValues, ModelError> {
        let absent = || ModelError::Read(format!("the model has no parameter `{name}`"));
        let tensor = self.of.get(name).ok_or_else(absent)?;
        Ok(DeviceValues::of(tensor.clone()))
    }
}
