//! The metadata's values: numbers as they are, texts and lists as places in the header's bytes.

use std::ops::Range;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Unsigned(u64),
    Signed(i64),
    Single(f32),
    Double(f64),
    Flag(bool),
    Text(Range<usize>),
    List(List),
}

/// A list, still as bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List {
    pub kind: Kind,
    pub count: usize,
    pub bytes: Range<usize>,
}

/// A type of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Flag,
    Text,
    List,
    U64,
    I64,
    F64,
}

impl Kind {
    /// The type with that number in a file.
    pub fn from_id(id: u32) -> Option<Self> {
        use Kind::*;
        const ALL: [Kind; 13] = [
            U8, I8, U16, I16, U32, I32, F32, Flag, Text, List, U64, I64, F64,
        ];
        ALL.get(usize::try_from(id).ok()?).copied()
    }

    /// Bytes of one value, where all have the same.
    pub fn size(self) -> Option<usize> {
        Some(match self {
            Self::U8 | Self::I8 | Self::Flag => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
            Self::Text | Self::List => return None,
        })
    }

    /// The number in `bytes`, which are [`size`](Self::size) long.
    pub fn number(self, bytes: &[u8]) -> Option<Value> {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        let unsigned = u64::from_le_bytes(eight);
        // Shifted up and back, the sign comes along.
        let unused = 64 - 8 * bytes.len() as u32;
        let signed = (unsigned << unused) as i64 >> unused;
        Some(match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => Value::Unsigned(unsigned),
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => Value::Signed(signed),
            Self::F32 => Value::Single(f32::from_bits(unsigned as u32)),
            Self::F64 => Value::Double(f64::from_bits(unsigned)),
            Self::Flag => Value::Flag(unsigned != 0),
            Self::Text | Self::List => return None,
        })
    }
}

impl Value {
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Signed(number) => Some(*number),
            _ => None,
        }
    }

    /// A float as the decimal that was meant: files hold singles, and 1e-5 is not what the single next to it is in
    /// double precision.
    pub fn float(&self) -> Option<f64> {
        match self {
            Self::Single(number) => number.to_string().parse().ok(),
            Self::Double(number) => Some(*number),
            _ => self.integer().map(|number| number as f64),
        }
    }
}
