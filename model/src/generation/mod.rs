//! Answers to prompts, token by token.
//!
//! A [`Generator`] has one backbone's models (the backbone with one adapter or another) and the keys and values of what
//! they have read so far. Each prompt is looked up in a tree of earlier ones, and only what follows the longest
//! beginning they share is computed; several prompts at once are such a tree too. Then all sequences take a step
//! together, each reading its own path in the tree.

mod answer;
mod choose;
mod error;
mod generator;
mod kept;
mod pass;
mod prefixes;
mod request;
mod sequence;
mod slots;

pub use answer::{AnswerText, FoundStop};
pub use choose::{Choice, Sampling};
pub use error::GenerationError;
pub use generator::{Generator, GeneratorSettings};
pub use request::{TokenAnswer, TokenFinish, TokenRequest};
