//! Writing a GGUF file without ever holding more than a part of a tensor.

use std::collections::HashSet;
use std::error::Error;
use std::io::Write;
use std::path::Path;

use super::metadata::{long, text, word};
use super::{GgufMetadata, GgufTensor, GgufWriteError, Order, Values};
use crate::atomic::write_file;
use crate::{FileError, TensorValues, check_space};

/// Tensors begin at multiples of this many bytes, the format's default.
const ALIGNMENT: usize = 32;
/// Elements asked for at a time; a multiple of every block.
const PART: usize = 1 << 20;
const VERSION: u32 = 3;

/// Writes a GGUF file of `metadata` and `tensors`, in their orders.
///
/// The header follows from the shapes; then `read` is asked for the values of each tensor by its Hugging Face name
/// (row-major, as many as the shape has), and they are written part by part before the next is asked for. The file
/// appears whole or not at all.
///
/// # Errors
/// The disk refuses, a tensor cannot be read, or a value is not held by its type.
pub fn write_gguf<V: TensorValues, E: Into<Box<dyn Error + Send + Sync>>>(
    path: &Path,
    metadata: &GgufMetadata,
    tensors: &[GgufTensor],
    read: &mut dyn FnMut(&str) -> Result<V, E>,
) -> Result<(), GgufWriteError> {
    let header = header(metadata, tensors)?;
    let sizes = tensors
        .iter()
        .map(|tensor| size(tensor).unwrap_or(u64::MAX));
    let size = sizes.fold(header.len() as u64, u64::saturating_add);
    check_space(path.parent().unwrap_or(Path::new("")), size)?;
    write_file(path, |writer| {
        let failed = |source| GgufWriteError::File(FileError::new("write", path, source));
        let mut padded = |bytes: &[u8]| writer.write_all(bytes).map_err(failed);
        padded(&header)?;
        for tensor in tensors {
            let written = match &tensor.values {
                Values::Here(values) => write(tensor, "", values, &mut padded)?,
                Values::Named(name) => {
                    let unread = |source: E| GgufWriteError::Source {
                        name: name.clone(),
                        source: source.into(),
                    };
                    write(tensor, name, &read(name).map_err(unread)?, &mut padded)?
                }
            };
            padded(&vec![0; written.next_multiple_of(ALIGNMENT) - written])?;
        }
        Ok(())
    })
}

/// Writes a tensor's values and returns how many bytes they take.
fn write(
    tensor: &GgufTensor,
    name: &str,
    values: &impl TensorValues,
    out: &mut impl FnMut(&[u8]) -> Result<(), GgufWriteError>,
) -> Result<usize, GgufWriteError> {
    let count = values.count();
    if count as u64 != tensor.elements() {
        let message = format!("got {count} values for the shape {:?}", tensor.shape);
        return Err(contradiction(&tensor.name, message));
    }
    let unread = |source| GgufWriteError::Source {
        name: name.to_owned(),
        source,
    };
    // Rows are put in order within a head, so that a head is read at once.
    let rows = tensor.shape[0];
    let unit = match tensor.order {
        Order::AsTheyAre => PART,
        Order::PairsTogether { heads } => (count / heads).max(1),
    };
    let (mut bytes, mut reordered, mut written) = (Vec::new(), Vec::new(), 0);
    for begin in (0..count).step_by(unit) {
        let part = values.part(begin..count.min(begin + unit));
        let part = part.map_err(unread)?;
        let ordered = match tensor.order {
            Order::AsTheyAre if tensor.plus == 0.0 => &*part,
            Order::AsTheyAre => {
                reordered.clear();
                reordered.extend(part.iter().map(|value| value + tensor.plus));
                reordered.as_slice()
            }
            Order::PairsTogether { heads } => {
                pairs_together(&part, rows / heads, &mut reordered);
                reordered.as_slice()
            }
        };
        bytes.clear();
        tensor
            .kind
            .encode(ordered, &mut bytes)
            .map_err(|place| GgufWriteError::Value {
                name: name.to_owned(),
                value: ordered[place],
                kind: tensor.kind,
            })?;
        out(&bytes)?;
        written += bytes.len();
    }
    Ok(written)
}

/// The rows of a head with those that rotate together, (i, i + half), side by side: `LlamaModel.permute` of
/// llama.cpp's converter.
fn pairs_together(head: &[f32], rows: usize, out: &mut Vec<f32>) {
    let (width, half) = (head.len() / rows, rows / 2);
    out.clear();
    for row in 0..rows {
        let from = row % 2 * half + row / 2;
        out.extend_from_slice(&head[from * width..(from + 1) * width]);
    }
}

fn header(metadata: &GgufMetadata, tensors: &[GgufTensor]) -> Result<Vec<u8>, GgufWriteError> {
    let mut bytes = b"GGUF".to_vec();
    word(VERSION, &mut bytes);
    long(tensors.len() as u64, &mut bytes);
    long(metadata.count() as u64, &mut bytes);
    metadata.encode(&mut bytes);
    let mut seen = HashSet::new();
    let mut offset = 0_u64;
    for tensor in tensors {
        let name = &tensor.name;
        if !seen.insert(name) {
            return Err(contradiction(name, "the name is taken".to_owned()));
        }
        check(tensor)?;
        text(name, &mut bytes);
        word(tensor.shape.len() as u32, &mut bytes);
        for &size in tensor.shape.iter().rev() {
            long(size as u64, &mut bytes);
        }
        word(tensor.kind.id(), &mut bytes);
        long(offset, &mut bytes);
        let end = size(tensor).and_then(|size| offset.checked_add(size));
        offset = end
            .and_then(|end| end.checked_next_multiple_of(ALIGNMENT as u64))
            .ok_or_else(|| contradiction(name, "it is too large for a file".to_owned()))?;
    }
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    Ok(bytes)
}

/// Checks that a tensor's shape, type and order fit each other.
fn check(tensor: &GgufTensor) -> Result<(), GgufWriteError> {
    let wrong = |message: &str| Err(contradiction(&tensor.name, message.to_owned()));
    let [rows, ..] = tensor.shape[..] else {
        return wrong("it has no dimensions");
    };
    if tensor.kind != tensor.kind.for_rows_of(tensor.width()) {
        return wrong("its rows are not whole blocks");
    }
    match tensor.order {
        Order::PairsTogether { heads } if heads == 0 || !rows.is_multiple_of(2 * heads) => {
            wrong("its rows are not heads of an even width")
        }
        _ => Ok(()),
    }
}

fn size(tensor: &GgufTensor) -> Option<u64> {
    tensor.kind.bytes(tensor.elements())
}

fn contradiction(name: &str, message: String) -> GgufWriteError {
    GgufWriteError::Contradiction {
        name: name.to_owned(),
        message,
    }
}
