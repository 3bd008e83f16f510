//! The metadata of a file to be written: keys and values in an order.

use super::GgufWriteError;

/// A value of a GGUF file's metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum GgufValue {
    /// A whole number of 32 bits.
    U32(u32),
    /// A single.
    F32(f32),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of whole numbers of 32 bits.
    U32s(Vec<u32>),
    /// A list of signed whole numbers of 32 bits.
    I32s(Vec<i32>),
    /// A list of singles.
    F32s(Vec<f32>),
}

/// Keys and values, in the order that they are written in. A key has one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GgufMetadata {
    entries: Vec<(String, GgufValue)>,
}

/// The format's numbers of the types.
mod kind {
    pub const U32: u32 = 4;
    pub const I32: u32 = 5;
    pub const F32: u32 = 6;
    pub const FLAG: u32 = 7;
    pub const TEXT: u32 = 8;
    pub const LIST: u32 = 9;
}

impl GgufMetadata {
    /// Sets a key, after all others if it is new.
    pub fn set(&mut self, key: impl Into<String>, value: GgufValue) {
        let key = key.into();
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Sets a text.
    pub fn text(&mut self, key: impl Into<String>, text: impl Into<String>) {
        self.set(key, GgufValue::Text(text.into()));
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&GgufValue> {
        let found = self.entries.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value)
    }

    /// The keys and values, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &GgufValue)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// How many keys there are.
    pub(super) fn count(&self) -> usize {
        self.entries.len()
    }

    /// Appends all keys and values as they are in a file.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for (key, value) in &self.entries {
            text(key, bytes);
            value.encode(bytes);
        }
    }
}

impl GgufValue {
    fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::U32(number) => {
                word(kind::U32, bytes);
                word(*number, bytes);
            }
            Self::F32(number) => {
                word(kind::F32, bytes);
                word(number.to_bits(), bytes);
            }
            Self::Flag(flag) => {
                word(kind::FLAG, bytes);
                bytes.push(u8::from(*flag));
            }
            Self::Text(value) => {
                word(kind::TEXT, bytes);
                text(value, bytes);
            }
            Self::Texts(texts) => {
                list(kind::TEXT, texts.len(), bytes);
                for value in texts {
                    text(value, bytes);
                }
            }
            Self::U32s(numbers) => {
                list(kind::U32, numbers.len(), bytes);
                for number in numbers {
                    word(*number, bytes);
                }
            }
            Self::I32s(numbers) => {
                list(kind::I32, numbers.len(), bytes);
                for number in numbers {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
            }
            Self::F32s(numbers) => {
                list(kind::F32, numbers.len(), bytes);
                for number in numbers {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
    }
}

pub(super) fn word(number: u32, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn long(number: u64, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn text(value: &str, bytes: &mut Vec<u8>) {
    long(value.len() as u64, bytes);
    bytes.extend_from_slice(value.as_bytes());
}

fn list(kind: u32, count: usize, bytes: &mut Vec<u8>) {
    word(kind::LIST, bytes);
    word(kind, bytes);
    long(count as u64, bytes);
}

/// `count` as GGUF holds it; `name` is the key in the message.
pub(super) fn in_32_bits(name: &str, count: usize) -> Result<u32, GgufWriteError> {
    u32::try_from(count).map_err(|_| GgufWriteError::Contradiction {
        name: name.to_owned(),
        message: format!("is {count}, more than 32 bits hold"),
    })
}
