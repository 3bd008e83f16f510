//! Writing a safetensors file without ever holding more than a part of a tensor.

use std::collections::HashSet;
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{TensorValues, WeightsError};
use crate::atomic::write_file;
use crate::{FileError, FloatType, TensorShape, check_space};

/// Elements converted at a time.
const CHUNK: usize = 1 << 18;
/// Elements asked for at a time: a few system calls' worth, and little beside any model.
const PART: usize = 1 << 21;

/// Writes a safetensors file of `tensors`, in their order, stored as `dtype`.
///
/// The header follows from the shapes; then `read` is asked for each tensor's values
/// (row-major, as many as the shape has) and they are written, part by part, before the next
/// is asked for.
/// Rounding is to nearest, ties to even; a finite value that `dtype` cannot hold is an error.
/// The file appears whole or not at all.
pub fn write_safetensors<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
    path: &Path,
    tensors: &[TensorShape],
    dtype: FloatType,
    read: &mut dyn FnMut(&str) -> Result<V, E>,
) -> Result<(), WeightsError> {
    let header = header(tensors, dtype)?;
    check_room(path.parent().unwrap_or(Path::new("")), tensors, dtype)?;
    write_file(path, |writer| {
        let failed = |source| WeightsError::File(FileError::new("write", path, source));
        writer
            .write_all(&(header.len() as u64).to_le_bytes())
            .and_then(|()| writer.write_all(&header))
            .map_err(failed)?;
        for tensor in tensors {
            let unread = |source: Box<dyn Error + Send + Sync>| WeightsError::Source {
                name: tensor.name.clone(),
                source,
            };
            let values = read(&tensor.name).map_err(|source| unread(source.into()))?;
            let count = values.count();
            if count as u64 != tensor.elements() {
                let message = format!("got {count} values for shape {:?}", tensor.shape);
                return Err(contradiction(tensor, message));
            }
            for begin in (0..count).step_by(PART) {
                let part = begin..count.min(begin + PART);
                let part = values.part(part).map_err(unread)?;
                if let Some(at) = dtype.first_too_large(&part) {
                    return Err(WeightsError::TooLarge {
                        name: tensor.name.clone(),
                        place: place(begin + at, &tensor.shape),
                        value: part[at],
                        dtype,
                    });
                }
                write_values(writer, &part, dtype).map_err(failed)?;
            }
        }
        Ok(())
    })
}

/// The indices of an element by its place in row-major order.
fn place(mut element: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = Vec::with_capacity(shape.len());
    for &size in shape.iter().rev() {
        place.push(element % size.max(1));
        element /= size.max(1);
    }
    place.reverse();
    place
}

/// Checks that all of `tensors` fit on the disk, before a part of them is written.
pub(super) fn check_room(
    folder: &Path,
    tensors: &[TensorShape],
    dtype: FloatType,
) -> Result<(), FileError> {
    let elements = tensors.iter().map(TensorShape::elements);
    let elements = elements.fold(0, u64::saturating_add);
    check_space(folder, elements.saturating_mul(dtype.bytes() as u64))
}

fn write_values(writer: &mut impl Write, values: &[f32], dtype: FloatType) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(CHUNK.min(values.len()) * dtype.bytes());
    for values in values.chunks(CHUNK) {
        bytes.clear();
        dtype.encode(values, &mut bytes);
        writer.write_all(&bytes)?;
    }
    Ok(())
}

fn header(tensors: &[TensorShape], dtype: FloatType) -> Result<Vec<u8>, WeightsError> {
    let mut header = Map::new();
    // transformers refuses a file that does not say which framework it is for.
    header.insert("__metadata__".into(), json!({"format": "pt"}));
    let mut seen = HashSet::new();
    let mut offset = 0_u64;
    for tensor in tensors {
        let end = tensor
            .elements()
            .checked_mul(dtype.bytes() as u64)
            .and_then(|size| offset.checked_add(size))
            .ok_or_else(|| contradiction(tensor, "it is too large for a file".into()))?;
        if !seen.insert(&tensor.name) || tensor.name == "__metadata__" {
            return Err(contradiction(tensor, "the name is taken".into()));
        }
        let entry = json!({
            "dtype": dtype.safetensors_name(),
            "shape": tensor.shape,
            "data_offsets": [offset, end],
        });
        header.insert(tensor.name.clone(), entry);
        offset = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // Spaces after the JSON align the tensors to eight bytes, as the format asks.
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
}

fn contradiction(tensor: &TensorShape, message: String) -> WeightsError {
    WeightsError::Contradiction {
        name: tensor.name.clone(),
        message,
    }
}
