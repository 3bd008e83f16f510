//! The float types that weights are stored in.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// A type that weights are stored in. In memory they are always `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FloatType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision, which ends at 65504.
    F16,
    /// The upper half of a single.
    Bf16,
}

impl FloatType {
    /// Size of one element in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The name in a safetensors header: `F32`, `F16` or `BF16`.
    pub fn safetensors_name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
        }
    }

    /// The name in `config.json`: `float32`, `float16` or `bfloat16`.
    pub fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// The type with that name in a safetensors header.
    pub fn from_safetensors_name(name: &str) -> Option<Self> {
        let all = [Self::F32, Self::F16, Self::Bf16];
        all.into_iter()
            .find(|float| float.safetensors_name() == name)
    }

    /// The largest finite number.
    pub fn largest(self) -> f32 {
        match self {
            Self::F32 => f32::MAX,
            Self::F16 => f16::MAX.to_f32(),
            Self::Bf16 => bf16::MAX.to_f32(),
        }
    }

    /// Where the first finite value is that would round to infinity.
    pub(crate) fn first_too_large(self, values: &[f32]) -> Option<usize> {
        // Halfway from the largest number to the next power of two; there a tie goes up.
        let limit = match self {
            Self::F32 => return None,
            Self::F16 => 65520.0,
            Self::Bf16 => f32::from_bits(0x7f7f_8000),
        };
        let too_large = |value: &f32| value.abs() >= limit && value.is_finite();
        values.iter().position(too_large)
    }

    /// Widens little-endian elements; exact. `bytes` is `values.len()` elements long.
    pub(crate) fn decode(self, bytes: &[u8], values: &mut [f32]) {
        match self {
            Self::F32 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
            }
            Self::F16 => {
                let halves = halves(bytes).map(f16::from_bits).collect::<Vec<_>>();
                halves.convert_to_f32_slice(values);
            }
            Self::Bf16 => {
                for (value, bits) in values.iter_mut().zip(halves(bytes)) {
                    *value = bf16::from_bits(bits).to_f32();
                }
            }
        }
    }

    /// Appends elements in little-endian order, rounded to nearest, ties to even; what is
    /// [too large](Self::first_too_large) becomes infinite.
    pub(crate) fn encode(self, values: &[f32], bytes: &mut Vec<u8>) {
        match self {
            Self::F32 => {
                for value in values {
                    bytes.extend_from_slice(&value.to_le_bytes());
                }
            }
            Self::F16 => {
                let mut halves = vec![f16::ZERO; values.len()];
                halves.convert_from_f32_slice(values);
                for half in halves {
                    bytes.extend_from_slice(&half.to_le_bytes());
                }
            }
            Self::Bf16 => {
                for value in values {
                    bytes.extend_from_slice(&bf16::from_f32(*value).to_le_bytes());
                }
            }
        }
    }
}

fn halves(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
}
