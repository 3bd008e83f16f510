//! Chats in OpenAI's form, in all their published spellings: what was trained on and what is served is read by the same
//! code.
//!
//! A chat is read in two steps, so that other forms may take the second one alone: [`read_messages`] makes
//! [`ChatMessage`]s of JSON, and [`chat_turns`] makes turns of those. [`read_functions`] reads the tools beside them.

mod content;
mod functions;
mod message;
mod replies;
mod reply;
mod turns;

pub use functions::{ChatFunction, NAME_CHARACTERS, read_functions};
pub use message::{ChatCall, ChatMessage, ChatRole, read_messages};
pub(crate) use message::{read as read_message, weight as read_weight};
pub(crate) use replies::Replies;
pub use reply::OBSERVATION_CHARACTERS;
pub(crate) use reply::observation;
pub use turns::{ChatTurns, chat_turns};

#[cfg(test)]
mod tests;
