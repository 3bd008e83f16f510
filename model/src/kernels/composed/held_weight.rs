//! Weights in full, of what is held of them.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{DType, FloatDType, TensorData};

use crate::kernels::HeldAs;
use crate::quantized::{
    BLOCK, Code, NF4, Quantization, SCALE_BLOCK, dynamic_map, unsigned_dynamic_map,
};

/// What the codes are computed in, whatever the type of the result: the same numbers everywhere.
const SINGLE: FloatDType = FloatDType::F32;

/// See [`crate::kernels::DecoderOps::whole_weight`].
pub fn whole_weight<B: Backend>(
    weight: FloatTensor<B>,
    codes: IntTensor<B>,
    held_as: HeldAs,
    dtype: FloatDType,
) -> FloatTensor<B> {
    let HeldAs::Blocks {
        quantization,
        outputs,
        inputs,
    } = held_as
    else {
        return match weight.dtype() == DType::from(dtype) {
            true => weight,
            false => B::float_cast(weight, dtype),
        };
    };
    let numbers = outputs * inputs;
    let blocks = numbers.div_ceil(BLOCK);
    let own = quantization.own_code_words(numbers);
    let words = codes.shape().num_elements();
    let of = match quantization.code {
        Code::Int8 => {
            let bytes = bytes::<B>(part::<B>(codes.clone(), 0, own), numbers);
            // A byte as a signed number.
            let signed =
                B::int_sub_scalar(B::bitwise_xor_scalar(bytes, 128_i32.into()), 128_i32.into());
            B::float_div_scalar(B::int_into_float(signed, SINGLE), 127.0.into())
        }
        Code::Nf4 => {
            let halves = [4, 0, 12, 8, 20, 16, 28, 24];
            let own = part::<B>(codes.clone(), 0, own);
            named::<B>(&NF4, fields::<B>(own, &halves, 15, numbers))
        }
        Code::Dynamic => named::<B>(dynamic_map(), places::<B>(&codes, own, numbers)),
        Code::UnsignedDynamic => {
            named::<B>(unsigned_dynamic_map(), places::<B>(&codes, own, numbers))
        }
    };
    let scales = match quantization.double {
        false => B::float_cast(weight, SINGLE),
        true => {
            let bytes = bytes::<B>(part::<B>(codes, own, words), blocks);
            scales::<B>(
                named::<B>(dynamic_map(), bytes),
                weight,
                quantization,
                blocks,
            )
        }
    };
    let whole = B::float_mul(of, repeated::<B>(scales, blocks, BLOCK, numbers));
    B::float_cast(B::float_reshape(whole, [outputs, inputs].into()), dtype)
}

/// Scales of what is held of them: their codes' numbers by their own scales, and the mean, which is the last of `held`.
fn scales<B: Backend>(
    numbers: FloatTensor<B>,
    held: FloatTensor<B>,
    quantization: Quantization,
    blocks: usize,
) -> FloatTensor<B> {
    let count = quantization.scales(blocks * BLOCK);
    let held = B::float_reshape(B::float_cast(held, SINGLE), [count].into());
    let own = B::float_slice(held.clone(), &[(0..count - 1).into()]);
    let mean = B::float_slice(held, &[(count - 1..count).into()]);
    let own = repeated::<B>(own, count - 1, SCALE_BLOCK, blocks);
    B::float_add(
        B::float_mul(numbers, own),
        B::float_expand(mean, [blocks].into()),
    )
}

/// Each of `count` numbers so many `times`, of all that the first `length`.
fn repeated<B: Backend>(
    numbers: FloatTensor<B>,
    count: usize,
    times: usize,
    length: usize,
) -> FloatTensor<B> {
    let column = B::float_reshape(numbers, [count, 1].into());
    let rows = B::float_expand(column, [count, times].into());
    let flat = B::float_reshape(rows, [count * times].into());
    B::float_slice(flat, &[(0..length).into()])
}

fn part<B: Backend>(codes: IntTensor<B>, from: usize, to: usize) -> IntTensor<B> {
    B::int_slice(codes, &[(from..to).into()])
}

/// The first `count` bytes of the first `own` words.
fn places<B: Backend>(codes: &IntTensor<B>, own: usize, count: usize) -> IntTensor<B> {
    bytes::<B>(part::<B>(codes.clone(), 0, own), count)
}

/// The first `count` bytes of words.
fn bytes<B: Backend>(words: IntTensor<B>, count: usize) -> IntTensor<B> {
    fields::<B>(words, &[0, 8, 16, 24], 255, count)
}

/// The first `count` fields of words: at each of `shifts` the bits of `mask`.
fn fields<B: Backend>(
    words: IntTensor<B>,
    shifts: &[i32],
    mask: i32,
    count: usize,
) -> IntTensor<B> {
    let length = words.shape().num_elements();
    let words = B::int_reshape(words, [length, 1].into());
    let field = |&shift: &i32| {
        let shifted = B::bitwise_right_shift_scalar(words.clone(), shift.into());
        B::bitwise_and_scalar(shifted, mask.into())
    };
    let all = B::int_cat(shifts.iter().map(field).collect(), 1);
    let all = B::int_reshape(all, [length * shifts.len()].into());
    B::int_slice(all, &[(0..count).into()])
}

/// The numbers of a table at `places`.
fn named<B: Backend>(table: &[f32], places: IntTensor<B>) -> FloatTensor<B> {
    let data = TensorData::new(table.to_vec(), vec![table.len()]);
    let table = B::float_from_data(data, &places.device());
    B::float_select(table, 0, places)
}
