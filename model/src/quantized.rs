//! Numbers in few bits: blocks of consecutive numbers, each with a scale (arXiv 2208.07339; 4 bits: QLoRA, arXiv 2305.14314, §3).
//!
//! A weight's numbers lie in row-major order, and each [`BLOCK`] of them shares a scale, their largest magnitude. A number's code
//! is its nearest of a few numbers in [-1, 1], and `number ≈ scale · code's number`. With double quantization the scales less
//! their mean are held likewise, in 8 bits and blocks of [`SCALE_BLOCK`].

mod code;
mod dynamic;

use std::ops::Range;

use rayon::prelude::*;

pub use code::{Code, NF4};
pub use dynamic::{dynamic_map, unsigned_dynamic_map};

/// Numbers that share a scale; as bitsandbytes has them.
pub const BLOCK: usize = 64;
/// Scales that share a scale of theirs; as bitsandbytes has them.
pub const SCALE_BLOCK: usize = 256;
/// Blocks that a task of several threads converts.
const TASK: usize = 512;

/// What codes stand for, and how scales are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantization {
    /// Of the numbers.
    pub code: Code,
    /// Whether scales are held in 8 bits.
    pub double: bool,
}

impl Quantization {
    /// Bytes that so many numbers take.
    pub fn bytes(self, numbers: usize) -> u64 {
        (self.code_bytes(numbers) + 4 * self.scales(numbers)) as u64
    }

    /// Bytes of the codes of so many numbers, those of their scales among them: whole words of 4 bytes.
    pub fn code_bytes(self, numbers: usize) -> usize {
        let of_scales = if self.double { blocks(numbers) } else { 0 };
        self.own_code_bytes(numbers) + of_scales.next_multiple_of(4)
    }

    /// Single-precision numbers beside the codes: the scales, or the scales of scales and the mean.
    pub fn scales(self, numbers: usize) -> usize {
        match self.double {
            true => blocks(numbers).div_ceil(SCALE_BLOCK) + 1,
            false => blocks(numbers),
        }
    }

    /// Words of 4 bytes that the codes of so many numbers take, without those of their scales.
    pub(crate) fn own_code_words(self, numbers: usize) -> usize {
        self.own_code_bytes(numbers) / 4
    }

    fn own_code_bytes(self, numbers: usize) -> usize {
        self.code.bytes(numbers).next_multiple_of(4)
    }
}

/// How many blocks so many numbers fill.
fn blocks(numbers: usize) -> usize {
    numbers.div_ceil(BLOCK)
}

/// Numbers as they are held: codes, then the codes of scales; and scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// [`Quantization::code_bytes`] of them.
    pub codes: Vec<u8>,
    /// [`Quantization::scales`] of them.
    pub scales: Vec<f32>,
}

/// The codes and scales of finite numbers. The result does not depend on the number of threads.
pub fn quantize(quantization: Quantization, numbers: &[f32]) -> Quantized {
    let code = quantization.code;
    let mut codes = vec![0; quantization.code_bytes(numbers.len())];
    let mut scales = vec![0.0; blocks(numbers.len())];
    let own = quantization.own_code_bytes(numbers.len());
    codes[..own]
        .par_chunks_mut(code.bytes(BLOCK) * TASK)
        .zip(numbers.par_chunks(BLOCK * TASK))
        .zip(scales.par_chunks_mut(TASK))
        .for_each(|((codes, numbers), scales)| {
            let codes = codes.chunks_mut(code.bytes(BLOCK));
            for ((codes, numbers), scale) in codes.zip(numbers.chunks(BLOCK)).zip(scales) {
                *scale = match code {
                    Code::Dynamic => farthest(numbers),
                    Code::Int8 | Code::Nf4 | Code::UnsignedDynamic => largest(numbers),
                };
                let is_moment = matches!(code, Code::Dynamic | Code::UnsignedDynamic);
                // So small a scale has no inverse: such a block is zero, and stays so when it is held again.
                if is_moment && scale.abs() < 1e-38 {
                    *scale = 0.0;
                    codes.fill(code.zero());
                    continue;
                }
                code.encode(numbers, *scale, codes);
            }
        });
    if !quantization.double {
        return Quantized { codes, scales };
    }
    let (of_scales, scales) = quantize_scales(&scales);
    codes[own..][..of_scales.len()].copy_from_slice(&of_scales);
    Quantized { codes, scales }
}

/// The number of the largest magnitude, with its sign: 1 is in the signed map, and -1 is not. So what was held is held the same
/// when it is held again.
fn farthest(numbers: &[f32]) -> f32 {
    let farther = |farthest: f32, &number: &f32| match number.abs() > farthest.abs() {
        true => number,
        false => farthest,
    };
    numbers.iter().fold(0.0, farther)
}

fn largest(numbers: &[f32]) -> f32 {
    numbers
        .iter()
        .fold(0.0, |largest, number| number.abs().max(largest))
}

/// The codes of scales; their own scales, and the mean behind these.
fn quantize_scales(scales: &[f32]) -> (Vec<u8>, Vec<f32>) {
    let sum: f64 = scales.iter().copied().map(f64::from).sum();
    let mean = (sum / scales.len().max(1) as f64) as f32;
    let (mut codes, mut own) = (Vec::with_capacity(scales.len()), Vec::new());
    for block in scales.chunks(SCALE_BLOCK) {
        let numbers: Vec<f32> = block.iter().map(|scale| scale - mean).collect();
        let scale = largest(&numbers);
        let inverse = scale.max(f32::MIN_POSITIVE).recip();
        let places = numbers
            .iter()
            .map(|number| Code::Dynamic.place(number * inverse));
        codes.extend(places);
        own.push(scale);
    }
    own.push(mean);
    (codes, own)
}

/// Numbers as they lie in memory.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// What the codes mean.
    pub quantization: Quantization,
    /// How many numbers there are.
    pub numbers: usize,
    /// See [`Quantized::codes`].
    pub codes: &'a [u8],
    /// See [`Quantized::scales`].
    pub scales: &'a [f32],
}

impl Held<'_> {
    /// The numbers of `range`, in `to`, which is as long.
    pub fn read(&self, range: Range<usize>, to: &mut [f32]) {
        debug_assert_eq!(range.len(), to.len());
        let (mut at, mut to) = (range.start, to);
        while at < range.end {
            let block = at / BLOCK;
            let end = range.end.min((block + 1) * BLOCK);
            let (part, rest) = to.split_at_mut(end - at);
            let code = self.quantization.code;
            code.decode(self.codes, at, self.scale(block), part);
            (at, to) = (end, rest);
        }
    }

    /// All numbers.
    pub fn whole(&self) -> Vec<f32> {
        let part = BLOCK * TASK;
        let mut whole = vec![0.0; self.numbers];
        let parts = whole.par_chunks_mut(part).enumerate();
        parts.for_each(|(task, to)| self.read(task * part..task * part + to.len(), to));
        whole
    }

    fn scale(&self, block: usize) -> f32 {
        if !self.quantization.double {
            return self.scales[block];
        }
        let code = self.codes[self.quantization.own_code_bytes(self.numbers) + block];
        let mean = self.scales[self.scales.len() - 1];
        dynamic_map()[usize::from(code)] * self.scales[block / SCALE_BLOCK] + mean
    }
}

#[cfg(test)]
mod tests;
