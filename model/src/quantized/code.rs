//! What a code stands for.

use std::sync::OnceLock;

use super::BLOCK;
use super::dynamic::{dynamic_map, unsigned_dynamic_map};

/// A small set of numbers in [-1, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// `n / 127`, `n` whole: a signed byte each.
    Int8,
    /// NormalFloat of 4 bits: two in a byte, the first in its upper half.
    Nf4,
    /// [`dynamic_map`]: the place in it, a byte each.
    Dynamic,
    /// [`unsigned_dynamic_map`]: the place in it, a byte each, for numbers that are not negative.
    UnsignedDynamic,
}

/// The numbers of [`Code::Nf4`]: quantiles of the normal distribution (arXiv 2305.14314, appendix E), the same as in bitsandbytes.
pub const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

impl Code {
    /// Bytes of so many codes.
    pub fn bytes(self, numbers: usize) -> usize {
        match self {
            Code::Int8 | Code::Dynamic | Code::UnsignedDynamic => numbers,
            Code::Nf4 => numbers.div_ceil(2),
        }
    }

    /// Writes the codes of a block, which begins on a whole byte.
    pub(super) fn encode(self, numbers: &[f32], scale: f32, codes: &mut [u8]) {
        // As bitsandbytes: a scale below is taken for this one, so that its inverse is finite.
        let inverse = scale.abs().max(1e-38).copysign(scale).recip();
        match self {
            Code::Int8 => {
                for (code, number) in codes.iter_mut().zip(numbers) {
                    let whole = (number * inverse).clamp(-1.0, 1.0) * 127.0;
                    *code = whole.round_ties_even() as i8 as u8;
                }
            }
            Code::Nf4 => {
                let nearest = |number: f32| nearest(&NF4, (number * inverse).clamp(-1.0, 1.0));
                for (code, pair) in codes.iter_mut().zip(numbers.chunks(2)) {
                    let second = pair.get(1).map_or(0, |&number| nearest(number));
                    *code = (nearest(pair[0]) << 4 | second) as u8;
                }
            }
            Code::Dynamic => {
                for (code, number) in codes.iter_mut().zip(numbers) {
                    *code = self.place(number * inverse);
                }
            }
            Code::UnsignedDynamic => {
                for (code, &number) in codes.iter_mut().zip(numbers) {
                    // What is not zero stays so: an update divides by its root.
                    *code = self.place(number * inverse).max(u8::from(number > 0.0));
                }
            }
        }
    }

    /// The place of 0 in a dynamic map.
    pub(super) fn zero(self) -> u8 {
        self.place(0.0)
    }

    /// The place of the nearest number in a dynamic map.
    #[inline]
    pub(super) fn place(self, number: f32) -> u8 {
        let number = number.clamp(-1.0, 1.0);
        self.between().partition_point(|&middle| middle < number) as u8
    }

    /// The dynamic map that the code names places of.
    fn map(self) -> &'static [f32; 256] {
        match self {
            Code::UnsignedDynamic => unsigned_dynamic_map(),
            Code::Int8 | Code::Nf4 | Code::Dynamic => dynamic_map(),
        }
    }

    /// The middles of the neighbours of a dynamic map.
    fn between(self) -> &'static [f32] {
        static BETWEEN: [OnceLock<Vec<f32>>; 2] = [OnceLock::new(), OnceLock::new()];
        BETWEEN[usize::from(self == Code::UnsignedDynamic)].get_or_init(|| {
            let pairs = self.map().windows(2);
            pairs.map(|pair| (pair[0] + pair[1]) / 2.0).collect()
        })
    }

    /// The numbers from `start` on, of one block.
    #[inline]
    pub(super) fn decode(self, codes: &[u8], start: usize, scale: f32, to: &mut [f32]) {
        match self {
            Code::Int8 => {
                let codes = &codes[start..start + to.len()];
                for (to, &code) in to.iter_mut().zip(codes) {
                    *to = f32::from(code as i8) / 127.0 * scale;
                }
            }
            Code::Dynamic | Code::UnsignedDynamic => {
                let table = self.map();
                let codes = &codes[start..start + to.len()];
                for (to, &code) in to.iter_mut().zip(codes) {
                    *to = table[usize::from(code)] * scale;
                }
            }
            Code::Nf4 => {
                let of = scaled(scale);
                let mut to = to;
                let mut start = start;
                if start % 2 == 1 && !to.is_empty() {
                    to[0] = of[usize::from(codes[start / 2] & 15)];
                    (to, start) = (&mut to[1..], start + 1);
                }
                let mut pairs = to.chunks_exact_mut(2);
                let codes = &codes[start / 2..];
                let mut read = codes.iter();
                for (pair, code) in pairs.by_ref().zip(read.by_ref()) {
                    pair[0] = of[usize::from(code >> 4)];
                    pair[1] = of[usize::from(code & 15)];
                }
                if let ([last], Some(code)) = (pairs.into_remainder(), read.next()) {
                    *last = of[usize::from(code >> 4)];
                }
            }
        }
    }
}

/// What the codes of a block with that scale stand for.
#[inline]
fn scaled(scale: f32) -> [f32; 16] {
    NF4.map(|number| number * scale)
}

/// The place of the nearest of sorted numbers; of the lower one of two that are as near.
#[inline]
fn nearest(sorted: &[f32], number: f32) -> usize {
    sorted
        .windows(2)
        .filter(|pair| number > (pair[0] + pair[1]) / 2.0)
        .count()
}

const _: () = assert!(BLOCK.is_multiple_of(2));
