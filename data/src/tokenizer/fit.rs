//! A tokenizer with more tokens than a model has rows.
//!
//! Fine-tunes are often saved with a token added to the tokenizer (`[PAD]`) and none to the embedding. Content never
//! becomes an added token, so such a one is left out and nothing is lost; what texts are made of must have its rows.

use std::fmt;

use super::PromptTokenizer;

/// An added token that no text can become, because the model has no row for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its text.
    pub token: String,
    /// Its id.
    pub id: u32,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short: String = self.token.chars().take(40).collect();
        write!(formatter, "{short:?} ({})", self.id)
    }
}

/// Why a tokenizer does not go with a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// The tokens that texts are made of are more than the rows.
    #[error("it makes {tokens} tokens of texts, and the model has {rows} rows for them")]
    Vocabulary {
        /// How many tokens there are without the added ones.
        tokens: usize,
        /// How many rows the model has.
        rows: usize,
    },
    /// A token of every text has no row.
    #[error("its {role} token {token} has no row in the model, which has {rows}")]
    Needed {
        /// What it is for.
        role: &'static str,
        /// The token.
        token: LeftOut,
        /// How many rows the model has.
        rows: usize,
    },
}

impl PromptTokenizer {
    /// Fits it to an embedding of so many rows, and returns the added tokens that are left out, by id.
    ///
    /// # Errors
    /// The vocabulary without added tokens is larger, or what begins or ends every text has no row.
    pub fn fit(&mut self, rows: usize) -> Result<Vec<LeftOut>, FitError> {
        if self.vocab_size <= rows {
            return Ok(Vec::new());
        }
        let own = self.full.get_vocab(false).into_values();
        let own = own.filter(|&id| !self.is_added(id)).max();
        let tokens = own.map_or(0, |id| id as usize + 1);
        if tokens > rows {
            return Err(FitError::Vocabulary { tokens, rows });
        }
        let left_out = |id: u32| LeftOut {
            token: self.full.id_to_token(id).unwrap_or_default(),
            id,
        };
        let needed = [("end-of-sequence", self.eos.id)];
        let begins = self.prefix.iter().map(|&id| ("beginning", id));
        for (role, id) in needed.into_iter().chain(begins) {
            if id as usize >= rows {
                let token = left_out(id);
                return Err(FitError::Needed { role, token, rows });
            }
        }
        let added = self.full.get_added_vocabulary().get_added_tokens_decoder();
        let mut outside: Vec<u32> = added.keys().copied().collect();
        outside.retain(|&id| id as usize >= rows);
        outside.sort_unstable();
        let outside = outside.into_iter().map(left_out).collect();
        self.vocab_size = rows;
        Ok(outside)
    }
}
