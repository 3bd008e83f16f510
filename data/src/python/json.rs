//! JSON as Python's `json` module reads and writes it, on top of serde_json.
//!
//! Three things that Python accepts have no place in strict JSON or in a Rust string:
//! - `NaN`, `Infinity` and `-Infinity` are read, and written again under the same names;
//! - a `\ud83d` without its other half (a lone surrogate) is read as U+FFFD, since no UTF-8 text holds it and
//!   no tokenizer accepts it;
//! - of a key that occurs twice the last value counts, at the first one's place.

mod read;
mod write;

pub use read::{load_elements, load_key, loads};
pub use write::{dump_element, dump_nested, dumps, dumps_first, escape};

#[cfg(test)]
mod tests;
