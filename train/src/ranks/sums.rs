//! Sums over ranks, slice by slice.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use burn::tensor::{DType, Device, Tensor, TensorData};
use glpft_checkpoints::TensorShape;
use glpft_model::ModelError;

use super::Transport;
use super::slices::{Piece, pieces, slice};
use crate::error::TrainError;
use crate::gradients::Gradients;

/// How many elements a rank's part of one exchange has at most.
const AT_ONCE: usize = 1 << 20;

/// The sums over all ranks of the gradients of `parameters`, of which this rank gets its slices. Takes this rank's own out of
/// `gradients`; those that it lacks are zeros.
pub(crate) fn reduced(
    ranks: &dyn Transport,
    parameters: &[TensorShape],
    gradients: &mut Gradients,
    device: &Device,
) -> Result<Gradients, TrainError> {
    let (size, rank) = (ranks.size(), ranks.rank());
    let elements = elements(parameters);
    let mut whole: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let mut own: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let mut sums = Gradients::default();
    for group in pieces(&elements, size, AT_ONCE) {
        let (mut send, mut send_counts) = (Vec::new(), Vec::new());
        for piece in &group {
            if let Entry::Vacant(place) = whole.entry(piece.parameter) {
                let gradient = gradients.take(&parameters[piece.parameter].name);
                let values = match gradient {
                    Some(gradient) => host(gradient)?,
                    None => vec![0.0; elements[piece.parameter]],
                };
                place.insert(values);
            }
        }
        for to in 0..size {
            let before = send.len();
            for piece in &group {
                send.extend(&whole[&piece.parameter][piece.of(size, to)]);
            }
            send_counts.push(send.len() - before);
        }
        let count = length(&group, size, rank);
        let received = ranks.all_to_all("gradients", &send, &send_counts, &vec![count; size])?;
        let mut parts = received.chunks_exact(count.max(1));
        // Rank 0's first, the others added in their order: the same sum over any transport.
        let mut sum = parts.next().unwrap_or_default().to_vec();
        for part in parts {
            sum.iter_mut().zip(part).for_each(|(sum, add)| *sum += add);
        }
        let mut sum = sum.into_iter();
        for piece in &group {
            let values = own.entry(piece.parameter).or_default();
            values.extend(sum.by_ref().take(piece.of(size, rank).len()));
            if piece.last {
                whole.remove(&piece.parameter);
                let values = own.remove(&piece.parameter).unwrap_or_default();
                if !values.is_empty() {
                    let name = parameters[piece.parameter].name.clone();
                    sums.insert(name, tensor(values, device));
                }
            }
        }
    }
    Ok(sums)
}

/// The sum of the squares of all gradients, of which each rank has its slices; or the parameters whose gradients are not
/// finite. The same on every rank.
pub(crate) fn sums_of_squares(
    ranks: &dyn Transport,
    parameters: &[TensorShape],
    own: &Gradients,
) -> Result<Result<f64, Vec<String>>, TrainError> {
    let squares = own.squares()?;
    let of = |parameter: &TensorShape| squares.get(&parameter.name).copied().unwrap_or(0.0);
    let bytes: Vec<u8> = parameters
        .iter()
        .flat_map(|parameter| of(parameter).to_le_bytes())
        .collect();
    let all = ranks.all_gather_bytes("squares of gradients", &bytes)?;
    let mut named: BTreeMap<&str, f64> = BTreeMap::new();
    for bytes in &all {
        for (parameter, bytes) in parameters.iter().zip(bytes.chunks_exact(8)) {
            let square = bytes.try_into().map_or(0.0, f64::from_le_bytes);
            *named.entry(&parameter.name).or_default() += square;
        }
    }
    let broken: Vec<String> = named
        .iter()
        .filter(|(_, square)| !square.is_finite())
        .map(|(name, _)| (*name).to_owned())
        .collect();
    Ok(match broken.is_empty() {
        true => Ok(named.values().sum()),
        false => Err(broken),
    })
}

/// The whole values of `parameters`, of which each rank has its slices in `own`: one parameter after the other, given to
/// `each`.
pub(crate) fn spread(
    ranks: &dyn Transport,
    parameters: &[TensorShape],
    own: &BTreeMap<String, Vec<f32>>,
    each: &mut dyn FnMut(&str, Vec<f32>),
) -> Result<(), TrainError> {
    let (size, rank) = (ranks.size(), ranks.rank());
    let elements = elements(parameters);
    let mut whole: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    let nothing = Vec::new();
    for group in pieces(&elements, size, AT_ONCE) {
        let mut send = Vec::new();
        for piece in &group {
            let values = own
                .get(&parameters[piece.parameter].name)
                .unwrap_or(&nothing);
            let start = slice(elements[piece.parameter], size, rank).start;
            let range = piece.of(size, rank);
            send.extend(&values[range.start - start..range.end - start]);
        }
        let counts: Vec<usize> = (0..size).map(|from| length(&group, size, from)).collect();
        let received = ranks.all_gather("weights", &send, &counts)?;
        let mut received = received.as_slice();
        for from in 0..size {
            for piece in &group {
                let values = whole
                    .entry(piece.parameter)
                    .or_insert_with(|| vec![0.0; elements[piece.parameter]]);
                let range = piece.of(size, from);
                let (part, rest) = received.split_at(range.len());
                values[range].copy_from_slice(part);
                received = rest;
            }
        }
        for piece in group.iter().filter(|piece| piece.last) {
            if let Some(values) = whole.remove(&piece.parameter) {
                each(&parameters[piece.parameter].name, values);
            }
        }
    }
    Ok(())
}

/// The whole of something of which each rank has a slice, on rank 0; nothing on the others.
pub(crate) fn collected(
    ranks: &dyn Transport,
    what: &str,
    elements: usize,
    own: Option<Tensor<1>>,
) -> Result<Option<Vec<f32>>, TrainError> {
    let (size, rank) = (ranks.size(), ranks.rank());
    let own_slice = slice(elements, size, rank);
    let values = match own {
        Some(tensor) => host(tensor)?,
        None => vec![0.0; own_slice.len()],
    };
    let mut whole = ranks.leads().then(|| vec![0.0; elements]);
    for group in pieces(&[elements], size, AT_ONCE) {
        for piece in &group {
            let range = piece.of(size, rank);
            let send = &values[range.start - own_slice.start..range.end - own_slice.start];
            let mut send_counts = vec![0; size];
            send_counts[0] = send.len();
            let receive_counts: Vec<usize> = (0..size)
                .map(|from| match ranks.leads() {
                    true => piece.of(size, from).len(),
                    false => 0,
                })
                .collect();
            let received = ranks.all_to_all(what, send, &send_counts, &receive_counts)?;
            if let Some(whole) = &mut whole {
                let mut received = received.as_slice();
                for from in 0..size {
                    let range = piece.of(size, from);
                    let (part, rest) = received.split_at(range.len());
                    whole[range].copy_from_slice(part);
                    received = rest;
                }
            }
        }
    }
    Ok(whole)
}

fn elements(parameters: &[TensorShape]) -> Vec<usize> {
    parameters
        .iter()
        .map(|parameter| parameter.elements() as usize)
        .collect()
}

/// How many elements of a group are in a rank's slices.
fn length(group: &[Piece], ranks: usize, rank: usize) -> usize {
    group.iter().map(|piece| piece.of(ranks, rank).len()).sum()
}

/// A tensor's elements on the host.
pub(crate) fn host(tensor: Tensor<1>) -> Result<Vec<f32>, ModelError> {
    let read = |error: &dyn std::fmt::Display| ModelError::Read(error.to_string());
    let data = tensor.try_into_data().map_err(|error| read(&error))?;
    let values = data.convert::<f32>().try_into_vec::<f32>();
    values.map_err(|error| read(&error))
}

fn tensor(values: Vec<f32>, device: &Device) -> Tensor<1> {
    let length = [values.len()];
    Tensor::from_data(TensorData::new(values, length), (device, DType::F32))
}
