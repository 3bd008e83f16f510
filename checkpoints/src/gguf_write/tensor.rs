//! What a tensor of a file to be written is.

use super::GgufType;

/// A tensor of a GGUF file.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufTensor {
    /// Its name in the file.
    pub name: String,
    /// Outermost first.
    pub shape: Vec<usize>,
    /// What it is written in.
    pub kind: GgufType,
    /// Where its values come from.
    pub values: Values,
    /// The order of its rows.
    pub order: Order,
    /// What is added to each of its values.
    pub plus: f32,
}

/// Where a tensor's values come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// From the tensor that has this name in Hugging Face's files.
    Named(String),
    /// From here.
    Here(Vec<f32>),
}

/// The order of a tensor's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Hugging Face's.
    AsTheyAre,
    /// In each of so many heads, the rows that rotate together are side by side.
    PairsTogether {
        /// How many heads the rows are of.
        heads: usize,
    },
}

impl GgufTensor {
    pub(super) fn elements(&self) -> u64 {
        let sizes = self.shape.iter().map(|&size| size as u64);
        sizes.fold(1, u64::saturating_mul)
    }

    /// The width of a row.
    pub(super) fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(0)
    }
}
