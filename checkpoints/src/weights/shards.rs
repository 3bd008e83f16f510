//! Spreading a model's weights over files of bounded size.

use std::error::Error;
use std::path::Path;

use serde_json::{Map, json};

use super::write::check_room;
use super::{TensorValues, WEIGHTS_FILE, WEIGHTS_INDEX_FILE, WeightsError, write_safetensors};
use crate::{FloatType, TensorShape, write_json};

/// The size above which weights are sharded: 5 GB, as Hugging Face does.
pub const DEFAULT_SHARD_BYTES: u64 = 5_000_000_000;

/// Writes a model's weights into the folder `directory`: `model.safetensors`, or where that
/// would be larger than `shard_bytes`, `model-00001-of-0000N.safetensors` and so on with
/// `model.safetensors.index.json`. A tensor is never split, so one that is larger than
/// `shard_bytes` has a file of its own. `read` is as in [`write_safetensors`].
pub fn write_weights<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
    directory: &Path,
    tensors: &[TensorShape],
    dtype: FloatType,
    shard_bytes: u64,
    read: &mut dyn FnMut(&str) -> Result<V, E>,
) -> Result<(), WeightsError> {
    check_room(directory, tensors, dtype)?;
    let shards = shards(tensors, dtype, shard_bytes);
    if shards.len() <= 1 {
        return write_safetensors(&directory.join(WEIGHTS_FILE), tensors, dtype, read);
    }
    let mut places = Map::new();
    for (index, shard) in shards.iter().enumerate() {
        let (number, count) = (index + 1, shards.len());
        let name = format!("model-{number:05}-of-{count:05}.safetensors");
        write_safetensors(&directory.join(&name), shard, dtype, read)?;
        for tensor in *shard {
            places.insert(tensor.name.clone(), name.as_str().into());
        }
    }
    let elements: u64 = tensors.iter().map(TensorShape::elements).sum();
    let index = json!({
        "metadata": {"total_size": elements * dtype.bytes() as u64},
        "weight_map": places,
    });
    Ok(write_json(&directory.join(WEIGHTS_INDEX_FILE), &index)?)
}

fn shards(tensors: &[TensorShape], dtype: FloatType, shard_bytes: u64) -> Vec<&[TensorShape]> {
    let mut shards = Vec::new();
    let (mut begin, mut filled) = (0, 0_u64);
    for (place, tensor) in tensors.iter().enumerate() {
        let size = tensor.elements().saturating_mul(dtype.bytes() as u64);
        if place > begin && filled.saturating_add(size) > shard_bytes {
            shards.push(&tensors[begin..place]);
            (begin, filled) = (place, 0);
        }
        filled = filled.saturating_add(size);
    }
    if begin < tensors.len() {
        shards.push(&tensors[begin..]);
    }
    shards
}
