//! Everything that decides a stage's future, saved and restored.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use glpft_checkpoints::{
    CONFIG_FILE, Checkpoint, FIRST_MOMENT, FloatType, SECOND_MOMENT, SafetensorsFile, TensorShape,
    TrainerState, WeightsError, check_space, checkpoint_of, open_optimizer, optimizer_tensors,
    write_checkpoint, write_json, write_optimizer, write_safetensors,
};
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor};
use glpft_recipes::Moments;

use crate::error::TrainError;
use crate::finite::{Which, first_broken};
use crate::optimizer::Optimizer;
use crate::ranks::{Transport, collected};
use crate::trained::{ADAPTER_PREFIX, FULL, named, trained};
use crate::values::DeviceValues;

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

/// Writes `checkpoint-<step>/` of the stage in `directory`: the trained weights (`model.safetensors` with its
/// configuration, or `adapter_model.safetensors`), the optimizer's moments, the state.
///
/// Of several ranks the first one writes, and the others give it their slices of the moments: a checkpoint is whole, however
/// many ranks there are.
pub(crate) fn save(
    directory: &Path,
    state: &TrainerState,
    model: &mut Decoder,
    optimizer: &Optimizer,
    ranks: &dyn Transport,
) -> Result<Checkpoint, TrainError> {
    if let Some(parameter) = first_broken(model, Which::Trained)? {
        return Err(TrainError::BrokenWeights { parameter });
    }
    let parameters = trained(model);
    if !ranks.leads() {
        return give_moments(directory, state, &parameters, optimizer, ranks);
    }
    let values = values(model);
    // Once as weights, twice as moments.
    let elements: u64 = parameters.iter().map(TensorShape::elements).sum();
    check_space(directory, 3 * 4 * elements)?;
    let count = |path: &str| {
        let parameter = parameters.iter().find(|parameter| parameter.name == path);
        parameter.map_or(0, |parameter| parameter.elements() as usize)
    };
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
            let path = name.strip_prefix(ADAPTER_PREFIX).unwrap_or(name);
            match values.get(path) {
                Some(values) => Ok(DeviceValues::of(values.clone())),
                None => Err(ModelError::Read(format!("the model has no {path}"))),
            }
        })?;
        write_optimizer(path, &parameters, &mut |name| {
            let (path, moment) = name.rsplit_once('.').unwrap_or((name, ""));
            let own = optimizer.moment(path, moment == FIRST_MOMENT);
            if !ranks.is_alone() {
                let whole = collected(ranks, name, count(path), own)?;
                let whole = whole.unwrap_or_default();
                let length = [whole.len()];
                let whole = Tensor::from_data(TensorData::new(whole, length), model.device());
                return Ok(DeviceValues::of(whole));
            }
            Ok::<_, TrainError>(match own {
                Some(moment) => DeviceValues::of(moment),
                // Interrupted before the first update.
                None => DeviceValues::zeros(count(path)),
            })
        })?;
        Ok::<_, TrainError>(())
    })
}

/// Gives this rank's slices of the moments to the rank that writes them, in the order in which that one does.
fn give_moments(
    directory: &Path,
    state: &TrainerState,
    parameters: &[TensorShape],
    optimizer: &Optimizer,
    ranks: &dyn Transport,
) -> Result<Checkpoint, TrainError> {
    for tensor in optimizer_tensors(parameters) {
        let (path, moment) = tensor.name.rsplit_once('.').unwrap_or((&tensor.name, ""));
        let own = optimizer.moment(path, moment == FIRST_MOMENT);
        collected(ranks, &tensor.name, tensor.elements() as usize, own)?;
    }
    Ok(checkpoint_of(directory, state.step))
}

/// Puts the checkpoint's weights into `model` and gives its optimizer.
pub(crate) fn restore(
    checkpoint: &Checkpoint,
    state: &TrainerState,
    model: &mut Decoder,
    held_as: Moments,
    ranks: &dyn Transport,
) -> Result<Optimizer, TrainError> {
    let parameters = trained(model);
    let (file, tensors) = named(&parameters);
    let weights = SafetensorsFile::open(&checkpoint.path.join(file))?;
    weights.check(&tensors)?;
    let names: BTreeMap<&str, &TensorShape> = parameters
        .iter()
        .zip(&tensors)
        .map(|(parameter, tensor)| (parameter.name.as_str(), tensor))
        .collect();
    let mut restore = Restore {
        names,
        weights: &weights,
        failed: None,
    };
    model.visit_all(&mut restore);
    if let Some(error) = restore.failed {
        return Err(error.into());
    }
    let moments = open_optimizer(&checkpoint.path, &parameters)?;
    let updates = state.step - state.not_applied.min(state.step);
    Optimizer::restore(model, updates, held_as, &parameters, ranks, |parameter| {
        let read =
            |moment| moments.read_f32(&format!("{}.{moment}", parameter.name), &parameter.shape);
        Ok::<_, TrainError>([read(FIRST_MOMENT)?, read(SECOND_MOMENT)?])
    })
}

/// Reads one parameter after the other, so that there is never a second copy of all.
struct Restore<'a> {
    /// The tensors in the file, by the parameters' paths.
    names: BTreeMap<&'a str, &'a TensorShape>,
    weights: &'a SafetensorsFile,
    failed: Option<WeightsError>,
}

impl ParameterVisitor for Restore<'_> {
    fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
        let Some(tensor) = self.names.get(path).filter(|_| self.failed.is_none()) else {
            return;
        };
        match self.weights.read_f32(&tensor.name, &tensor.shape) {
            Ok(values) => {
                let value = parameter.value().inner();
                let data = TensorData::new(values, value.shape());
                parameter.set(Tensor::from_data(data, (&value.device(), value.dtype())));
            }
            Err(error) => self.failed = Some(error),
        }
    }
}
