//! The types that tensors are written in.

use half::f16;

use crate::FloatType;

/// A type that a GGUF file's matrices are written in; what has one dimension is always in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GgufType {
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of a single.
    Bf16,
    /// Blocks of 32 whole numbers of eight bits that share a scale.
    Q8_0,
}

/// Elements of a block of [`GgufType::Q8_0`].
const BLOCK: usize = 32;

impl GgufType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Bf16, Self::Q8_0];

    /// The name on the command line of llama.cpp's converter: `f32`, `f16`, `bf16` or `q8_0`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Q8_0 => "q8_0",
        }
    }

    /// The number of a tensor's type (`ggml_type`).
    pub(super) fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Bf16 => 30,
            Self::Q8_0 => 8,
        }
    }

    /// The number of a file whose matrices are mostly of this type (`llama_ftype`).
    pub(super) fn file_type(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Bf16 => 32,
            Self::Q8_0 => 7,
        }
    }

    /// The type that rows of this width are written in: half precision, as the converter has it, where they are no
    /// whole blocks.
    pub(super) fn for_rows_of(self, width: usize) -> Self {
        match self {
            Self::Q8_0 if !width.is_multiple_of(BLOCK) => Self::F16,
            kind => kind,
        }
    }

    /// Bytes of so many elements, which are whole blocks; `None` beyond any file.
    pub(super) fn bytes(self, elements: u64) -> Option<u64> {
        match self {
            Self::F32 => elements.checked_mul(4),
            Self::F16 | Self::Bf16 => elements.checked_mul(2),
            Self::Q8_0 => (elements / BLOCK as u64).checked_mul(2 + BLOCK as u64),
        }
    }

    /// Appends values, which are whole blocks, as they are in a file.
    ///
    /// # Errors
    /// The place of a value that this type does not hold: one that is not finite, or becomes infinite.
    pub(super) fn encode(self, values: &[f32], bytes: &mut Vec<u8>) -> Result<(), usize> {
        let fits = |value: &f32| match self {
            Self::F32 => value.is_finite(),
            Self::F16 => f16::from_f32(*value).is_finite(),
            Self::Bf16 => half::bf16::from_f32(*value).is_finite(),
            Self::Q8_0 => f16::from_f32(value.abs() / 127.0).is_finite(),
        };
        if let Some(place) = values.iter().position(|value| !fits(value)) {
            return Err(place);
        }
        match self {
            Self::F32 => FloatType::F32.encode(values, bytes),
            Self::F16 => FloatType::F16.encode(values, bytes),
            Self::Bf16 => FloatType::Bf16.encode(values, bytes),
            Self::Q8_0 => {
                for block in values.chunks_exact(BLOCK) {
                    eight_bits(block, bytes);
                }
            }
        }
        Ok(())
    }
}

/// ggml's `quantize_row_q8_0_ref`, every step rounded to single precision in its order.
fn eight_bits(block: &[f32], bytes: &mut Vec<u8>) {
    let largest = block
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    bytes.extend_from_slice(&f16::from_f32(scale).to_le_bytes());
    for value in block {
        // Half away from zero; the largest is 127 but for rounding, which stays below 127.5.
        bytes.push((value * inverse).round() as i8 as u8);
    }
}
