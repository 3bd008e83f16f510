//! The parts of Python's string and JSON behaviour that decide what stands in a prompt.
//!
//! The published data pipeline is a set of Python scripts, and released checkpoints were trained on the text
//! they made. Where a prompt depends on how Python slices, strips or prints, it does so here as well.

pub mod json;
mod literal;
mod number;
mod text;
mod value;

pub use literal::literal;
pub use text::{first_chars, is_space, last_chars, strip};
pub use value::{repr, str};
