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

#[cfg(test)]
mod tests {
    use glpft_data::{Text, sample};
    use glpft_recipes::Separators;

    use super::*;

    fn found(text: &str, stops: &[&str]) -> Option<(usize, FoundStop)> {
        let tokenizer = PromptTokenizer::from_bytes(sample::tokenizer(), "</s>");
        let tokenizer = tokenizer.expect("the tokenizer loads");
        let mut whole = Text::new();
        whole.push(text);
        let ids = tokenizer.encode(&whole, Separators::Eos).expect("ids");
        let stops: Vec<String> = stops.iter().map(|&stop| stop.to_owned()).collect();
        let reader = AnswerText {
            tokenizer: &tokenizer,
            stops: &stops,
        };
        assert_eq!(reader.text(&ids).ok().as_deref(), Some(text));
        (0..=ids.len()).find_map(|count| {
            let found = reader.stop(&ids[..count]).expect("text");
            found.map(|found| (ids.len() - count, found))
        })
    }

    #[test]
    fn stops_are_found_across_tokens_as_soon_as_they_are_there() {
        // A sign of four bytes, which the tokenizer has no token for.
        let text = "Look it up.\n Next: caller. 🦀 and more";
        for (stop, before) in [
            ("ext: call", "Look it up.\n N"),
            ("\n", "Look it up."),
            ("🦀", "Look it up.\n Next: caller. "),
            ("Look", ""),
        ] {
            let (left, found) = found(text, &["never", "", stop]).expect(stop);
            assert_eq!((found.stop, found.text.as_str()), (2, before));
            assert!(left > 0, "{stop}");
        }
        assert_eq!(found(text, &["never", "", "\u{fffd}🦀"]), None);
        assert_eq!(found(text, &[""]), None);
    }

    #[test]
    fn the_stop_that_begins_first_ends_the_answer() {
        let (_, found) = found("abc def", &["c d", "bc d", "bc"]).expect("a stop");
        assert_eq!((found.stop, found.text.as_str()), (2, "a"));
    }
}
