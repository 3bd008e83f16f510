//! Text becomes tokens as a Hugging Face tokenizer makes them, except that content is only ever content.
//!
//! A Hugging Face tokenizer looks for added tokens (`</s>`, `<|im_end|>`, `<tool_call>`, …) in the text it is
//! given, wherever that text came from. Here the text's own [`Piece::Separator`]s become the separator's id, and
//! content is encoded by a second tokenizer of the same model that knows no added tokens. The ids are those of the
//! whole string wherever content spells no added token: Hugging Face cuts the string at (unnormalized) added tokens
//! before anything else and normalizes each segment by itself, and so does this.

mod fit;
mod gguf;
mod growth;
mod load;

pub use fit::{FitError, LeftOut};
pub use gguf::GgufTokenizer;

use crate::example::{Piece, Text};
use glpft_recipes::Separators;
use std::collections::HashMap;
use std::path::PathBuf;
use tokenizers::Tokenizer;

/// Why a tokenizer cannot be used, or a text not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file that could not be read.
    #[error("cannot read {}: {source}{}", path.display(), glpft_checkpoints::advice_on(path, source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A tokenizer in other files than `tokenizer.json`.
    #[error(
        "there is no {}, but {found}: convert it with transformers \
         (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))",
        path.display()
    )]
    OtherForm {
        /// The file that was looked for.
        path: PathBuf,
        /// What is there.
        found: &'static str,
    },
    /// A file that is no tokenizer, or a side file that is no JSON object.
    #[error("{origin} is not usable: {reason}")]
    Parse {
        /// The file, or a word for where the bytes came from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// No file beside `tokenizer.json` names the end-of-sequence token.
    #[error(
        "no end-of-sequence token for {}: none of tokenizer_config.json, special_tokens_map.json and config.json \
         beside it names one",
        path.display()
    )]
    NoEndOfSequence {
        /// The tokenizer's file.
        path: PathBuf,
    },
    /// The end-of-sequence token is not in the vocabulary.
    #[error("the end-of-sequence token {token} is not in the tokenizer's vocabulary")]
    UnknownEndOfSequence {
        /// The token's text or id.
        token: String,
    },
    /// The file gives an added token an id that the tokenizer would not give it.
    #[error(
        "added token {token:?} has id {declared} in the file, but the vocabulary gives it {actual}"
    )]
    AddedTokenId {
        /// The token's text.
        token: String,
        /// The id in the file.
        declared: u32,
        /// The id it would get.
        actual: String,
    },
    /// A token id beyond any real vocabulary.
    #[error("token id {id} is larger than any vocabulary's ({limit})")]
    IdTooLarge {
        /// The id.
        id: u32,
        /// The largest id that is taken.
        limit: u32,
    },
    /// The model itself, without added tokens, makes a special token out of plain text.
    #[error("the tokenizer's model makes the special token {token:?} out of plain text")]
    SpecialFromContent {
        /// The special token.
        token: String,
    },
    /// A text needs a token that the model has no row for.
    #[error(
        "a text becomes the token {token:?} ({id}), which has no row in the model's embedding of {rows}"
    )]
    NoRow {
        /// The token.
        token: String,
        /// Its id.
        id: u32,
        /// How many rows there are.
        rows: usize,
    },
    /// The tokenizer failed on a text.
    #[error("the tokenizer cannot encode a text: {reason}")]
    Encode {
        /// What it says.
        reason: String,
    },
    /// The tokenizer failed on ids.
    #[error("the tokenizer cannot decode: {reason}")]
    Decode {
        /// What it says.
        reason: String,
    },
}

/// A tokenizer for prompts. Encoding takes `&self` and may run on many threads.
pub struct PromptTokenizer {
    full: Tokenizer,
    /// The same without added tokens and post-processor.
    content: Tokenizer,
    /// For content that does not begin the text, where that differs (`prepend_scheme` "first").
    later: Option<Tokenizer>,
    prefix: Vec<u32>,
    eos: SeparatorToken,
    /// What the text `</s>` is as an added token, if it is one.
    literal: Option<SeparatorToken>,
    /// Special ids that content must never become, sorted.
    forbidden: Vec<u32>,
    vocab_size: usize,
    fingerprint: String,
}

/// An added token in the place of a separator.
#[derive(Clone, Copy, Debug)]
struct SeparatorToken {
    id: u32,
    /// It takes the white space before it.
    takes_before: bool,
    /// It takes the white space after it.
    takes_after: bool,
}

/// Segments already encoded, for texts that repeat each other. Exact, since segments are encoded independently.
#[derive(Debug, Default)]
pub struct SegmentCache {
    first: HashMap<String, Vec<u32>>,
    later: HashMap<String, Vec<u32>>,
}

impl PromptTokenizer {
    /// The largest id plus one, added tokens included, or the rows of the embedding that it was [fitted](Self::fit) to:
    /// every id of a text is below.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The id of the end-of-sequence token.
    pub fn eos_id(&self) -> u32 {
        self.eos.id
    }

    /// The end-of-sequence token's text.
    pub fn eos_text(&self) -> String {
        self.full.id_to_token(self.eos.id).unwrap_or_default()
    }

    /// The id that a separator becomes; none where it is plain text to this tokenizer (`</s>`, which it has no token for).
    pub fn separator_id(&self, separators: Separators) -> Option<u32> {
        self.separator(separators).map(|separator| separator.id)
    }

    fn separator(&self, separators: Separators) -> Option<SeparatorToken> {
        match separators {
            Separators::Eos => Some(self.eos),
            Separators::Literal => self.literal,
        }
    }

    /// The ids that the tokenizer's post-processor puts before a text (Llama's BOS; often none).
    ///
    /// What it would put after a text is left away: a prompt goes on with its target, which ends in a separator.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// A hash (hex) of everything that decides the ids: the tokenizer's file and its end-of-sequence token.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The ids of a text, without [`prefix`](Self::prefix).
    ///
    /// # Errors
    /// Where the tokenizer fails on the content, or makes a special token of it.
    pub fn encode(&self, text: &Text, separators: Separators) -> Result<Vec<u32>, TokenizerError> {
        self.encode_cached(text, separators, &mut SegmentCache::default())
    }

    /// [`encode`](Self::encode) that remembers segments.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_cached(
        &self,
        text: &Text,
        separators: Separators,
        cache: &mut SegmentCache,
    ) -> Result<Vec<u32>, TokenizerError> {
        Ok(self.encode_seamed(text, separators, cache)?.0)
    }

    /// [`encode_cached`](Self::encode_cached), and how many of the ids stand before the text's first [`Piece::Seam`]; 0 where
    /// it has none.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_seamed(
        &self,
        text: &Text,
        separators: Separators,
        cache: &mut SegmentCache,
    ) -> Result<(Vec<u32>, usize), TokenizerError> {
        let separator = self.separator(separators);
        let mut ids = Vec::new();
        let mut seam = 0;
        let parts = text.pieces().split(|piece| *piece == Piece::Seam);
        for (number, pieces) in parts.enumerate() {
            if number == 1 {
                seam = ids.len();
            }
            match separator {
                // `</s>` is plain text to this tokenizer and merges with what surrounds it.
                None => {
                    let content: String = pieces.iter().map(Piece::as_str).collect();
                    self.append_content(&content, number == 0, cache, &mut ids)?;
                }
                Some(separator) => {
                    self.append_pieces(pieces, separator, number == 0, cache, &mut ids)?;
                }
            }
        }
        Ok((ids, seam))
    }

    /// Appends the ids of pieces without seams; `first` where they begin the text.
    fn append_pieces(
        &self,
        pieces: &[Piece],
        separator: SeparatorToken,
        first: bool,
        cache: &mut SegmentCache,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        self.check_rows(&[separator.id])?;
        for (index, piece) in pieces.iter().enumerate() {
            let Piece::Text(content) = piece else {
                ids.push(separator.id);
                continue;
            };
            let mut content = content.as_str();
            if separator.takes_after && index > 0 {
                content = content.trim_start();
            }
            if separator.takes_before && index + 1 < pieces.len() {
                content = content.trim_end();
            }
            self.append_content(content, first && index == 0, cache, ids)?;
        }
        Ok(())
    }

    fn append_content(
        &self,
        content: &str,
        first: bool,
        cache: &mut SegmentCache,
        ids: &mut Vec<u32>,
    ) -> Result<(), TokenizerError> {
        if content.is_empty() {
            return Ok(());
        }
        let (known, tokenizer) = match &self.later {
            Some(later) if !first => (&mut cache.later, later),
            _ => (&mut cache.first, &self.content),
        };
        if let Some(known) = known.get(content) {
            ids.extend_from_slice(known);
            return Ok(());
        }
        let encoding =
            tokenizer
                .encode_fast(content, false)
                .map_err(|error| TokenizerError::Encode {
                    reason: error.to_string(),
                })?;
        if let Some(&id) = encoding
            .get_ids()
            .iter()
            .find(|id| self.forbidden.binary_search(id).is_ok())
        {
            return Err(TokenizerError::SpecialFromContent {
                token: self.full.id_to_token(id).unwrap_or_default(),
            });
        }
        self.check_rows(encoding.get_ids())?;
        ids.extend_from_slice(encoding.get_ids());
        known.insert(content.to_owned(), encoding.get_ids().to_vec());
        Ok(())
    }

    /// Refuses ids that the embedding has no row for.
    fn check_rows(&self, ids: &[u32]) -> Result<(), TokenizerError> {
        let rows = self.vocab_size;
        match ids.iter().find(|&&id| id as usize >= rows) {
            None => Ok(()),
            Some(&id) => Err(TokenizerError::NoRow {
                token: self.full.id_to_token(id).unwrap_or_default(),
                id,
                rows,
            }),
        }
    }

    /// The text of ids; special tokens are left out unless `keep_special`.
    ///
    /// # Errors
    /// Where an id is not in the vocabulary or the tokenizer's decoder fails.
    pub fn decode(&self, ids: &[u32], keep_special: bool) -> Result<String, TokenizerError> {
        if let Some(id) = ids.iter().find(|&&id| self.full.id_to_token(id).is_none()) {
            return Err(TokenizerError::Decode {
                reason: format!("id {id} is not in the vocabulary"),
            });
        }
        self.full
            .decode(ids, !keep_special)
            .map_err(|error| TokenizerError::Decode {
                reason: error.to_string(),
            })
    }

    /// Whether an id is an added token's (special or not).
    pub fn is_added(&self, id: u32) -> bool {
        self.full
            .get_added_vocabulary()
            .get_added_tokens_decoder()
            .contains_key(&id)
    }
}

impl std::fmt::Debug for PromptTokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptTokenizer")
            .field("vocab_size", &self.vocab_size)
            .field("eos", &self.eos)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
