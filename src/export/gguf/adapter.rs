//! An adapter as a GGUF file of its own.

use std::collections::HashMap;
use std::path::Path;

use glpft_checkpoints::{
    Adapter, GgufType, GgufValue, GgufWriteError, ModelConfig, gguf_adapter, write_gguf,
};

use crate::error::Error;

/// Writes an adapter to `model`.
///
/// llama.cpp multiplies `B·A` by one number over the rank; where the adapter's scales are others, B takes up the rest.
pub(super) fn write(
    adapter: &Adapter,
    model: &ModelConfig,
    name: &str,
    kind: GgufType,
    to: &Path,
) -> Result<(), Error> {
    let replaced = adapter.replaced(model);
    if let Some(replaced) = replaced.first() {
        return Err(GgufWriteError::Unsupported {
            what: format!("an adapter that holds `{}` anew", replaced.parameter),
            advice: "--merge makes one model of it and its base",
        }
        .into());
    }
    let config = adapter.config();
    let modules = config.modules(model)?;
    let (mut metadata, tensors) = gguf_adapter(model, name, config.alpha, &modules, kind)?;
    // llama.cpp's key for an adapter that acts from these tokens on.
    if !config.invocation.is_empty() {
        metadata.set(
            "adapter.alora.invocation_tokens",
            GgufValue::U32s(config.invocation.clone()),
        );
    }
    let mut shapes = HashMap::new();
    for module in &modules {
        let [a, b] = module.tensors();
        let factor = module.scale * module.rank as f64 / config.alpha;
        shapes.insert(a.name, (a.shape, 1.0));
        shapes.insert(b.name, (b.shape, factor as f32));
    }
    write_gguf(to, &metadata, &tensors, &mut |name| {
        let (shape, factor) = shapes.get(name).cloned().unwrap_or_default();
        let mut values = adapter.read_f32(name, &shape)?;
        if factor != 1.0 {
            values.iter_mut().for_each(|value| *value *= factor);
        }
        Ok::<_, Error>(values)
    })?;
    Ok(())
}
