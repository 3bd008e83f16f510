//! Makes GGUF files.
#![allow(dead_code, reason = "each test file uses a part")]

/// A GGUF file under construction.
#[derive(Clone, Default)]
pub struct Gguf {
    entries: Vec<u8>,
    entry_count: u64,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

fn text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text);
}

impl Gguf {
    pub fn entry(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
        text(&mut self.entries, key.as_bytes());
        self.entries.extend(kind.to_le_bytes());
        self.entries.extend(value);
        self.entry_count += 1;
        self
    }

    pub fn count(self, key: &str, value: u32) -> Self {
        self.entry(key, 4, &value.to_le_bytes())
    }

    pub fn single(self, key: &str, value: f32) -> Self {
        self.entry(key, 6, &value.to_le_bytes())
    }

    pub fn flag(self, key: &str, value: bool) -> Self {
        self.entry(key, 7, &[u8::from(value)])
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        let mut bytes = Vec::new();
        text(&mut bytes, value.as_bytes());
        self.entry(key, 8, &bytes)
    }

    fn list<T>(self, key: &str, kind: u32, values: &[T], put: impl Fn(&mut Vec<u8>, &T)) -> Self {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((values.len() as u64).to_le_bytes());
        for value in values {
            put(&mut bytes, value);
        }
        self.entry(key, 9, &bytes)
    }

    pub fn texts<T: AsRef<str>>(self, key: &str, values: &[T]) -> Self {
        self.list(key, 8, values, |bytes, value| {
            text(bytes, value.as_ref().as_bytes());
        })
    }

    pub fn singles(self, key: &str, values: &[f32]) -> Self {
        self.list(key, 6, values, |bytes, value| {
            bytes.extend(value.to_le_bytes())
        })
    }

    pub fn integers(self, key: &str, values: &[i32]) -> Self {
        self.list(key, 5, values, |bytes, value| {
            bytes.extend(value.to_le_bytes())
        })
    }

    /// `sizes` are innermost first, as in the file.
    pub fn tensor(mut self, name: &str, sizes: &[u64], kind: u32, data: Vec<u8>) -> Self {
        self.tensors
            .push((name.to_owned(), sizes.to_vec(), kind, data));
        self
    }

    /// A tensor of single precision; `shape` is outermost first.
    pub fn singles_tensor(self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let sizes: Vec<u64> = shape.iter().rev().map(|&size| size as u64).collect();
        let data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.tensor(name, &sizes, 0, data)
    }

    /// A Llama of the sizes of `tiny()`, without a tokenizer; `value` gives each element of each tensor.
    pub fn tiny_llama(value: impl Fn(&str, usize) -> f32) -> Self {
        let mut gguf = Self::default()
            .text("general.architecture", "llama")
            .count("llama.context_length", 64)
            .count("llama.embedding_length", 8)
            .count("llama.feed_forward_length", 12)
            .count("llama.block_count", 2)
            .count("llama.attention.head_count", 2)
            .count("llama.attention.head_count_kv", 1)
            .single("llama.attention.layer_norm_rms_epsilon", 1e-5);
        let mut tensors = vec![
            ("token_embd.weight".to_owned(), vec![32, 8]),
            ("output_norm.weight".to_owned(), vec![8]),
        ];
        for layer in 0..2 {
            for (part, shape) in [
                ("attn_norm", vec![8]),
                ("ffn_norm", vec![8]),
                ("attn_q", vec![8, 8]),
                ("attn_k", vec![4, 8]),
                ("attn_v", vec![4, 8]),
                ("attn_output", vec![8, 8]),
                ("ffn_gate", vec![12, 8]),
                ("ffn_up", vec![12, 8]),
                ("ffn_down", vec![8, 12]),
            ] {
                tensors.push((format!("blk.{layer}.{part}.weight"), shape));
            }
        }
        for (name, shape) in tensors {
            let size: usize = shape.iter().product();
            let values: Vec<f32> = (0..size).map(|index| value(&name, index)).collect();
            gguf = gguf.singles_tensor(&name, &shape, &values);
        }
        gguf
    }

    pub fn tensor_count(&self) -> usize {
        self.tensors.len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend(self.entry_count.to_le_bytes());
        bytes.extend(&self.entries);
        let mut offset = 0_u64;
        for (name, sizes, kind, data) in &self.tensors {
            text(&mut bytes, name.as_bytes());
            bytes.extend((sizes.len() as u32).to_le_bytes());
            for size in sizes {
                bytes.extend(size.to_le_bytes());
            }
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            offset += (data.len() as u64).next_multiple_of(32);
        }
        for (_, _, _, data) in &self.tensors {
            bytes.resize(bytes.len().next_multiple_of(32), 0);
            bytes.extend(data);
        }
        bytes
    }
}
