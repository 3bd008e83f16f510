//! Everything that decides a stage's future, saved and restored.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use glpft_checkpoints::{
    CONFIG_FILE, Checkpoint, FIRST_MOMENT, FloatType, SECOND_MOMENT, SafetensorsFile, TensorShape,
    TrainerState, WeightsError, open_optimizer, write_checkpoint, write_json, write_optimizer,
    write_safetensors,
};
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor, is_adapter};

use crate::error::TrainError;
use crate::optimizer::Optimizer;

/// What PEFT puts before the path of an adapter's tensor.
pub(crate) const ADAPTER_PREFIX: &str = "base_model.model.";

/// The trained parameters' paths and shapes, in the model's order.
pub(crate) fn trained(model: &mut Decoder) -> Vec<TensorShape> {
    struct Shapes(Vec<TensorShape>);
    impl ParameterVisitor for Shapes {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if parameter.is_trained() {
                let shape = parameter.value().shape().to_vec();
                self.0.push(TensorShape::new(path, shape));
            }
        }
    }
    let mut shapes = Shapes(Vec::new());
    model.visit_all(&mut shapes);
    shapes.0
}

/// The values of every parameter, shared with the model, flat.
fn values(model: &mut Decoder) -> BTreeMap<String, Tensor<1>> {
    struct Values(BTreeMap<String, Tensor<1>>);
    impl ParameterVisitor for Values {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            let value = parameter.value().inner();
            let size = value.shape().num_elements();
            self.0.insert(path.to_owned(), value.reshape([size]));
        }
    }
    let mut values = Values(BTreeMap::new());
    model.visit_all(&mut values);
    values.0
}

/// The tensor's elements as files hold them.
pub(crate) fn elements(tensor: Option<&Tensor<1>>) -> Result<Vec<f32>, ModelError> {
    let tensor = tensor.ok_or_else(|| ModelError::Read("there is no such tensor".to_owned()))?;
    let failed = |error: &dyn std::fmt::Display| ModelError::Read(error.to_string());
    let data = tensor
        .clone()
        .try_into_data()
        .map_err(|error| failed(&error))?;
    data.convert::<f32>()
        .try_into_vec::<f32>()
        .map_err(|error| failed(&error))
}

/// Writes `checkpoint-<step>/` of the stage in `directory`: the trained weights (`model.safetensors` with its
/// configuration, or `adapter_model.safetensors`), the optimizer's moments, the state.
pub(crate) fn save(
    directory: &Path,
    state: &TrainerState,
    model: &mut Decoder,
    optimizer: &Optimizer,
) -> Result<Checkpoint, TrainError> {
    let parameters = trained(model);
    let values = values(model);
    write_checkpoint(directory, state, |path| {
        let (file, tensors) = named(&parameters);
        if file == FULL {
            write_json(
                &path.join(CONFIG_FILE),
                &model.config().to_json(FloatType::F32),
            )
            .map_err(WeightsError::from)?;
        }
        write_safetensors(&path.join(file), &tensors, FloatType::F32, &mut |name| {
            elements(values.get(name.strip_prefix(ADAPTER_PREFIX).unwrap_or(name)))
        })?;
        write_optimizer(path, &parameters, &mut |name| {
            let (path, moment) = name.rsplit_once('.').unwrap_or((name, ""));
            match optimizer.moment(path, moment == FIRST_MOMENT) {
                Some(moment) => elements(Some(moment)),
                // Interrupted before the first update.
                None => {
                    let parameter = parameters.iter().find(|parameter| parameter.name == path);
                    Ok(vec![
                        0.0;
                        parameter.map_or(0, |parameter| parameter.elements()
                            as usize)
                    ])
                }
            }
        })?;
        Ok::<_, TrainError>(())
    })
}

/// Puts the checkpoint's weights into `model` and gives its optimizer.
pub(crate) fn restore(
    checkpoint: &Checkpoint,
    state: &TrainerState,
    model: &mut Decoder,
) -> Result<Optimizer, TrainError> {
    let parameters = trained(model);
    let (file, tensors) = named(&parameters);
    let weights = SafetensorsFile::open(&checkpoint.path.join(file))?;
    weights.check(&tensors)?;
    let mut read = BTreeMap::new();
    for (parameter, tensor) in parameters.iter().zip(&tensors) {
        read.insert(
            parameter.name.clone(),
            weights.read_f32(&tensor.name, &tensor.shape)?,
        );
    }
    model.visit_all(&mut Restore(read));
    let moments = open_optimizer(&checkpoint.path, &parameters)?;
    Optimizer::restore(model, state.step, &parameters, |parameter| {
        let read =
            |moment| moments.read_f32(&format!("{}.{moment}", parameter.name), &parameter.shape);
        Ok::<_, TrainError>([read(FIRST_MOMENT)?, read(SECOND_MOMENT)?])
    })
}

const FULL: &str = "model.safetensors";

/// The file of the trained weights, and their names in it.
pub(crate) fn named(parameters: &[TensorShape]) -> (&'static str, Vec<TensorShape>) {
    match parameters
        .iter()
        .any(|parameter| is_adapter(&parameter.name))
    {
        true => {
            let renamed = parameters.iter().map(|parameter| {
                TensorShape::new(
                    format!("{ADAPTER_PREFIX}{}", parameter.name),
                    parameter.shape.clone(),
                )
            });
            ("adapter_model.safetensors", renamed.collect())
        }
        false => (FULL, parameters.to_vec()),
    }
}

struct Restore(BTreeMap<String, Vec<f32>>);

impl ParameterVisitor for Restore {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        if let Some(values) = self.0.remove(path) {
            let value = parameter.value().inner();
            let data = TensorData::new(values, value.shape());
            parameter.set(Tensor::from_data(data, (&value.device(), value.dtype())));
        }
    }
}
