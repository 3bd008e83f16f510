//! A Hugging Face tokenizer of what a GGUF file tells about its own.
//!
//! llama.cpp keeps the vocabulary, the merges or scores, and a *name* for how text is cut before merging; that name is
//! put back into the normalizer and pre-tokenizer that Hugging Face's file of those models has. A name that is not
//! known is refused: a guess would give other ids without a word.

mod byte_level;
mod sentencepiece;
mod write;

use std::collections::HashMap;

use glpft_checkpoints::{GgufError, GgufFile, SpecialTokens};
use serde_json::{Map, Value, json};

use super::TokenizerError;

/// Four times the largest vocabularies.
const MOST_TOKENS: usize = 1 << 20;
/// The longest tokens are runs of spaces, some 256 bytes.
const LONGEST_TOKEN: usize = 1 << 12;

const MODEL: &str = "tokenizer.ggml.model";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";

/// A tokenizer out of a GGUF file.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufTokenizer {
    /// The content of `tokenizer.json`.
    pub json: Vec<u8>,
    /// Its special tokens; there is an end of sequence.
    pub special: SpecialTokens,
    /// The file's chat template, if it has one.
    pub chat_template: Option<String>,
}

/// What a token is for (`llama_token_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenType {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// The vocabulary: tokens by id.
struct Vocabulary<'a> {
    tokens: Vec<&'a str>,
    types: Vec<TokenType>,
    ids: HashMap<&'a str, usize>,
}

/// What of a `tokenizer.json` hangs on the kind of tokenizer.
struct Parts {
    normalizer: Value,
    pre_tokenizer: Value,
    decoder: Value,
    /// The model but for its vocabulary.
    model: Map<String, Value>,
    /// Whether a text begins with the beginning of sequence where the file does not say.
    begins: bool,
}

impl GgufTokenizer {
    /// Takes the tokenizer out of a file.
    ///
    /// # Errors
    /// The metadata lack it, contradict themselves, or name a kind that is not known.
    pub fn of(file: &GgufFile) -> Result<Self, TokenizerError> {
        let unusable = |reason: String| TokenizerError::Parse {
            origin: format!("the tokenizer in {}", file.path().display()),
            reason,
        };
        let failed = |error: GgufError| unusable(error.to_string());
        let mut vocabulary = Vocabulary::of(file).map_err(&unusable)?;
        let parts = match file.text(MODEL).map_err(failed)? {
            Some("gpt2") => byte_level::parts(file),
            Some("llama") => sentencepiece::parts(file, &mut vocabulary),
            Some(name) => {
                let name: String = name.chars().take(40).collect();
                Err(format!(
                    "`{MODEL}` = {name:?} is not implemented; gpt2 and llama are"
                ))
            }
            None => Err(format!("`{MODEL}` is missing")),
        };
        let parts = parts.map_err(&unusable)?;
        let token = |name: &str| vocabulary.named(file, name).map_err(&unusable);
        let special = SpecialTokens {
            bos: token("bos")?,
            eos: token("eos")?,
            pad: token("padding")?,
            unk: token("unknown")?,
        };
        if special.eos.is_none() {
            return Err(unusable("it names no end of sequence".to_owned()));
        }
        let adds = |key: &str, otherwise: bool| {
            let key = format!("tokenizer.ggml.{key}");
            let told = file.flag(&key).map_err(failed)?;
            Ok::<_, TokenizerError>(told.unwrap_or(otherwise))
        };
        let bos = special.bos.as_deref();
        let begins = bos.filter(|_| parts.begins);
        let begins = match adds("add_bos_token", begins.is_some())? {
            true => bos,
            false => None,
        };
        let ends = match adds("add_eos_token", false)? {
            true => special.eos.as_deref(),
            false => None,
        };
        let mut model = parts.model;
        let kept = vocabulary.model_size();
        model.insert("vocab".to_owned(), vocabulary.to_json(kept));
        let json = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": vocabulary.added(),
            "normalizer": parts.normalizer,
            "pre_tokenizer": parts.pre_tokenizer,
            "post_processor": vocabulary.template(begins, ends),
            "decoder": parts.decoder,
            "model": model,
        });
        Ok(Self {
            json: serde_json::to_vec(&json).map_err(|error| unusable(error.to_string()))?,
            special,
            chat_template: file
                .text("tokenizer.chat_template")
                .map_err(failed)?
                .map(str::to_owned),
        })
    }
}

impl<'a> Vocabulary<'a> {
    fn of(file: &'a GgufFile) -> Result<Self, String> {
        let told = |error: GgufError| error.to_string();
        let tokens = file.texts(TOKENS).map_err(told)?;
        let tokens = tokens.ok_or_else(|| format!("`{TOKENS}` is missing"))?;
        if tokens.len() > MOST_TOKENS {
            return Err(format!("it has {} tokens", tokens.len()));
        }
        let types = match file.numbers(TYPES).map_err(told)? {
            None => vec![TokenType::Normal; tokens.len()],
            Some(types) => types
                .into_iter()
                .map(TokenType::from_number)
                .collect::<Option<_>>()
                .ok_or_else(|| format!("`{TYPES}` has a type that is none"))?,
        };
        if types.len() != tokens.len() {
            let (types, tokens) = (types.len(), tokens.len());
            return Err(format!("it has {tokens} tokens and types of {types}"));
        }
        let mut ids = HashMap::new();
        for (id, token) in tokens.iter().enumerate() {
            if token.len() > LONGEST_TOKEN {
                return Err(format!("token {id} is {} bytes long", token.len()));
            }
            if let Some(other) = ids.insert(*token, id) {
                return Err(format!("tokens {other} and {id} are the same, {token:?}"));
            }
        }
        Ok(Self { tokens, types, ids })
    }

    /// The token that `tokenizer.ggml.<name>_token_id` names.
    fn named(&self, file: &GgufFile, name: &str) -> Result<Option<String>, String> {
        let key = format!("tokenizer.ggml.{name}_token_id");
        let id = file.integer(&key).map_err(|error| error.to_string())?;
        let token = |id: i64| {
            let token = usize::try_from(id).ok().and_then(|id| self.tokens.get(id));
            let outside = || format!("`{key}` is {id}, outside its {} tokens", self.tokens.len());
            token.map(|token| (*token).to_owned()).ok_or_else(outside)
        };
        id.map(token).transpose()
    }

    /// How many tokens are the model's own. Those behind its last one were added to it, as Hugging Face's files have
    /// them, or only fill up the embedding.
    fn model_size(&self) -> usize {
        let own = |kind: &TokenType| matches!(kind, TokenType::Normal | TokenType::Byte);
        self.types.iter().rposition(own).map_or(0, |last| last + 1)
    }

    fn to_json(&self, size: usize) -> Value {
        let entry = |(id, token): (usize, &&str)| ((*token).to_owned(), Value::from(id));
        Value::Object(
            self.tokens
                .iter()
                .take(size)
                .enumerate()
                .map(entry)
                .collect(),
        )
    }

    fn added(&self) -> Vec<Value> {
        let entry = |(id, (token, kind)): (usize, (&&str, &TokenType))| {
            let special = match kind {
                TokenType::Control | TokenType::Unknown => true,
                TokenType::UserDefined => false,
                TokenType::Normal | TokenType::Unused | TokenType::Byte => return None,
            };
            Some(json!({
                "id": id,
                "content": token,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": special,
            }))
        };
        let tokens = self.tokens.iter().zip(&self.types).enumerate();
        tokens.filter_map(entry).collect()
    }

    /// What puts tokens before and after a text.
    fn template(&self, begins: Option<&str>, ends: Option<&str>) -> Value {
        if begins.is_none() && ends.is_none() {
            return Value::Null;
        }
        let part = |sequence: &str, kind: u8| {
            let special = |token: &str| json!({"SpecialToken": {"id": token, "type_id": kind}});
            let text = json!({"Sequence": {"id": sequence, "type_id": kind}});
            let (begin, end) = (begins.map(special), ends.map(special));
            begin
                .into_iter()
                .chain([text])
                .chain(end)
                .collect::<Vec<_>>()
        };
        let mut special = Map::new();
        for token in begins.into_iter().chain(ends) {
            let entry = json!({"id": token, "ids": [self.ids.get(token)], "tokens": [token]});
            special.insert(token.to_owned(), entry);
        }
        let pair = [part("A", 0), part("B", 1)].concat();
        json!({
            "type": "TemplateProcessing",
            "single": part("A", 0),
            "pair": pair,
            "special_tokens": special,
        })
    }
}

impl TokenType {
    fn number(self) -> i32 {
        match self {
            Self::Normal => 1,
            Self::Unknown => 2,
            Self::Control => 3,
            Self::UserDefined => 4,
            Self::Unused => 5,
            Self::Byte => 6,
        }
    }

    fn from_number(number: f64) -> Option<Self> {
        if number.fract() != 0.0 {
            return None;
        }
        Some(match number as i64 {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

/// The settings of a BPE model but for its vocabulary.
fn bpe(merges: Vec<Value>) -> Map<String, Value> {
    let settings = [
        ("type", "BPE".into()),
        ("dropout", Value::Null),
        ("unk_token", Value::Null),
        ("continuing_subword_prefix", Value::Null),
        ("end_of_word_suffix", Value::Null),
        ("fuse_unk", false.into()),
        ("byte_fallback", false.into()),
        ("ignore_merges", false.into()),
        ("merges", merges.into()),
    ];
    let owned = settings.map(|(key, value)| (key.to_owned(), value));
    owned.into_iter().collect()
}
