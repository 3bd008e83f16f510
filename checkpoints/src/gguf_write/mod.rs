//! Models and adapters as GGUF files: what llama.cpp's `convert_hf_to_gguf.py` and `convert_lora_to_gguf.py` make of
//! Hugging Face directories, streamed tensor by tensor.

mod adapter;
mod error;
mod family;
mod file;
mod kind;
mod metadata;
mod model;
mod rope;
mod tensor;

pub use adapter::gguf_adapter;
pub use error::GgufWriteError;
pub use family::gguf_note;
pub use file::write_gguf;
pub use kind::GgufType;
pub use metadata::{GgufMetadata, GgufValue};
pub use model::gguf_model;
pub use tensor::{GgufTensor, Order, Values};
