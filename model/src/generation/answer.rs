//! The text of an answer, and the texts that end it.

use glpft_data::{PromptTokenizer, TokenizerError};

/// Reads an answer's tokens as text.
#[derive(Clone, Copy, Debug)]
pub struct AnswerText<'a> {
    /// The tokenizer that the tokens are of.
    pub tokenizer: &'a PromptTokenizer,
    /// Texts that end an answer; empty ones do not count.
    pub stops: &'a [String],
}

/// A text that ends an answer, found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundStop {
    /// Which of the stops: the one that begins first, of several the first in the list.
    pub stop: usize,
    /// The answer before it.
    pub text: String,
}

impl AnswerText<'_> {
    /// The answer's text, special tokens left out.
    ///
    /// # Errors
    /// A token that is not the tokenizer's.
    pub fn text(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        self.tokenizer.decode(tokens, false)
    }

    /// The stop in the answer, if there is one. It is looked for in the text, wherever tokens begin and end; of a
    /// character that lacks bytes nothing is known yet.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn stop(&self, tokens: &[u32]) -> Result<Option<FoundStop>, TokenizerError> {
        if self.stops.iter().all(String::is_empty) {
            return Ok(None);
        }
        let mut text = self.text(tokens)?;
        let places = self.stops.iter().enumerate();
        let found = places
            .filter(|(_, stop)| !stop.is_empty())
            .filter_map(|(index, stop)| Some((text.find(stop.as_str())?, index)))
            .min();
        Ok(found.map(|(at, stop)| {
            text.truncate(at);
            FoundStop { stop, text }
        }))
    }
}
