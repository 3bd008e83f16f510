//! A low-rank adapter's metadata and tensors.

use super::model::{QUANTIZATION_VERSION, form, order, size_label, unnamed};
use super::{GgufMetadata, GgufTensor, GgufType, GgufValue, GgufWriteError, Order, Values};
use crate::gguf::names;
use crate::{AdaptedKind, AdaptedModule, ModelConfig, TensorShape};

/// The metadata and the tensors of an adapter to `model`. llama.cpp multiplies each `B·A` by `alpha` over the rank of
/// the module, and has that number in single precision; B must take up the rest of the modules' scales.
///
/// # Errors
/// A module that is no projection of a layer.
pub fn gguf_adapter(
    model: &ModelConfig,
    name: &str,
    alpha: f64,
    modules: &[AdaptedModule],
    kind: GgufType,
) -> Result<(GgufMetadata, Vec<GgufTensor>), GgufWriteError> {
    let form = form(model)?;
    let mut tensors = Vec::new();
    for module in modules {
        let base = format!("{}.weight", module.path);
        // llama.cpp reads the embedding's adapter the other way around, and a tied head has no tensor of its own.
        let base = match module.kind {
            AdaptedKind::Projection(_) => names::ggml(form, &base),
            AdaptedKind::Embedding | AdaptedKind::Head => None,
        }
        .ok_or_else(|| unnamed(&base))?;
        let matrix = |part: &str, tensor: TensorShape, order| GgufTensor {
            name: format!("{base}.{part}"),
            kind: kind.for_rows_of(tensor.shape.last().copied().unwrap_or(0)),
            shape: tensor.shape,
            values: Values::Named(tensor.name),
            order,
            plus: 0.0,
        };
        let [a, b] = module.tensors();
        tensors.push(matrix("lora_a", a, Order::AsTheyAre));
        // The outputs are the base's rows.
        tensors.push(matrix("lora_b", b, order(model, form, &module.path)));
    }
    let mut metadata = GgufMetadata::default();
    metadata.text("general.architecture", form.name);
    metadata.text("general.type", "adapter");
    metadata.text("adapter.type", "lora");
    metadata.text("general.name", name);
    let parameters = tensors.iter().map(GgufTensor::elements).sum();
    metadata.text("general.size_label", size_label(parameters));
    metadata.set("adapter.lora.alpha", GgufValue::F32(alpha as f32));
    metadata.set("general.file_type", GgufValue::U32(kind.file_type()));
    metadata.set(
        "general.quantization_version",
        GgufValue::U32(QUANTIZATION_VERSION),
    );
    Ok((metadata, tensors))
}
