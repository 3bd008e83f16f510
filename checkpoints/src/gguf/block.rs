//! How GGUF stores floats: plain, or quantized in blocks that share a scale.
//!
//! Each formula is ggml's `dequantize_row_*` (`ggml-quants.c`), every product and sum rounded to single precision in
//! its order, so that the values are those of every other reader.

use half::f16;

use crate::FloatType;

/// A type that a tensor is stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockType {
    Plain(FloatType),
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// The types that are read, for messages.
pub(super) const READ: &str =
    "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K are read";

impl BlockType {
    /// The type with that number in a file.
    pub fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::Plain(FloatType::F32),
            1 => Self::Plain(FloatType::F16),
            30 => Self::Plain(FloatType::Bf16),
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Plain(float) => float.safetensors_name(),
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Elements of a block; a row is whole blocks.
    pub fn elements(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 => 32,
            Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    /// Bytes of a block.
    pub fn bytes(self) -> usize {
        match self {
            Self::Plain(float) => float.bytes(),
            Self::Q4_0 => 2 + 16,
            Self::Q4_1 => 2 + 2 + 16,
            Self::Q5_0 => 2 + 4 + 16,
            Self::Q5_1 => 2 + 2 + 4 + 16,
            Self::Q8_0 => 2 + 32,
            Self::Q4K => 2 + 2 + 12 + 128,
            Self::Q5K => 2 + 2 + 12 + 32 + 128,
            Self::Q6K => 128 + 64 + 16 + 2,
        }
    }

    /// Dequantizes whole blocks: `bytes` is as long as `values` asks for.
    pub fn decode(self, bytes: &[u8], values: &mut [f32]) {
        let each: fn(&[u8], &mut [f32]) = match self {
            Self::Plain(float) => return float.decode(bytes, values),
            Self::Q4_0 => |block, out| nibbles(&block[2..], out, |q| half(block, 0) * (q - 8.0)),
            Self::Q4_1 => |block, out| {
                nibbles(&block[4..], out, |q| half(block, 0) * q + half(block, 2));
            },
            Self::Q5_0 => |block, out| {
                fives(&block[2..], out, |q| half(block, 0) * (q - 16.0));
            },
            Self::Q5_1 => |block, out| {
                fives(&block[4..], out, |q| half(block, 0) * q + half(block, 2));
            },
            Self::Q8_0 => |block, out| {
                let scale = half(block, 0);
                for (value, &q) in out.iter_mut().zip(&block[2..]) {
                    *value = scale * f32::from(q as i8);
                }
            },
            Self::Q4K => |block, out| scaled(block, None, &block[16..], out),
            Self::Q5K => |block, out| scaled(block, Some(&block[16..48]), &block[48..], out),
            Self::Q6K => sixes,
        };
        let blocks = bytes.chunks_exact(self.bytes());
        for (block, out) in blocks.zip(values.chunks_exact_mut(self.elements())) {
            each(block, out);
        }
    }
}

/// The half-precision number at `at`.
fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// 32 elements of four bits: the low ones of 16 bytes, then the high ones.
fn nibbles(packed: &[u8], out: &mut [f32], value: impl Fn(f32) -> f32) {
    let (low, high) = out.split_at_mut(16);
    for ((low, high), &byte) in low.iter_mut().zip(high).zip(packed) {
        *low = value(f32::from(byte & 15));
        *high = value(f32::from(byte >> 4));
    }
}

/// 32 elements of five bits: the fifth ones in a word before the [`nibbles`].
fn fives(packed: &[u8], out: &mut [f32], value: impl Fn(f32) -> f32) {
    let word = u32::from_le_bytes([packed[0], packed[1], packed[2], packed[3]]);
    let fifth = |place: usize| ((word >> place) as u8 & 1) << 4;
    let (low, high) = out.split_at_mut(16);
    for (place, &byte) in packed[4..20].iter().enumerate() {
        low[place] = value(f32::from(byte & 15 | fifth(place)));
        high[place] = value(f32::from(byte >> 4 | fifth(place + 16)));
    }
}

/// Q4_K, and with the fifth bits Q5_K: eight sub-blocks of 32, each with a scale and a minimum of six bits.
fn scaled(block: &[u8], fifth: Option<&[u8]>, packed: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half(block, 0), half(block, 2));
    for (sub, out) in out.chunks_exact_mut(32).enumerate() {
        let (own_scale, own_minimum) = six_bits(&block[4..16], sub);
        let (scale, minimum) = (scale * own_scale, minimum * own_minimum);
        // Two sub-blocks lie in the low and the high bits of the same 32 bytes.
        let packed = &packed[sub / 2 * 32..][..32];
        for (place, value) in out.iter_mut().enumerate() {
            let mut q = packed[place] >> (sub % 2 * 4) & 15;
            if let Some(fifth) = fifth {
                q |= (fifth[place] >> sub & 1) << 4;
            }
            *value = scale * f32::from(q) - minimum;
        }
    }
}

/// Scale and minimum of a sub-block, of the twelve bytes that hold eight of each.
fn six_bits(packed: &[u8], sub: usize) -> (f32, f32) {
    let (scale, minimum) = match sub {
        0..4 => (packed[sub] & 63, packed[sub + 4] & 63),
        _ => (
            packed[sub + 4] & 15 | packed[sub - 4] >> 6 << 4,
            packed[sub + 4] >> 4 | packed[sub] >> 6 << 4,
        ),
    };
    (f32::from(scale), f32::from(minimum))
}

/// Q6_K: sixteen sub-blocks of 16, low four and high two bits apart, scales of eight bits.
fn sixes(block: &[u8], out: &mut [f32]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (scales, scale) = rest.split_at(16);
    let scale = half(scale, 0);
    for (index, value) in out.iter_mut().enumerate() {
        let (part, quarter, place) = (index / 128, index / 32 % 4, index % 32);
        let four = low[part * 64 + quarter % 2 * 32 + place] >> (quarter / 2 * 4) & 15;
        let two = high[part * 32 + place] >> (quarter * 2) & 3;
        let own = f32::from(scales[index / 16] as i8);
        *value = scale * own * (f32::from(four | two << 4) - 32.0);
    }
}
