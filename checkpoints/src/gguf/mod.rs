//! GGUF files, the form that llama.cpp keeps models in: weights, mostly quantized, with configuration and tokenizer in
//! one file.
//!
//! The reader is our own. Of the kept ones, candle's brings its tensor library along and has sized its buffers by what
//! a file claims (candle #3533, #3588); the small ones read no weights, or index by what the file says. Here nothing is
//! allocated that the file has not paid for with bytes of its own, and dequantization follows ggml's formulas to the
//! bit (held to the `gguf` Python package).
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little endian.

mod block;
mod config;
mod error;
pub(crate) mod family;
mod file;
pub(crate) mod header;
mod keys;
pub(crate) mod names;
pub(crate) mod rope;
mod split;
mod value;

pub use error::GgufError;
pub use file::GgufFile;
