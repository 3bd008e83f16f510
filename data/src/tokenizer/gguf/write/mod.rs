//! A tokenizer as the metadata of a GGUF file, as llama.cpp's converter writes it.
//!
//! What llama.cpp would do otherwise than the tokenizer is refused where it changes plain text, and told in a note where
//! it only concerns the neighbourhood of special tokens.

mod byte_level;
mod files;
mod sentencepiece;

use std::collections::{HashMap, HashSet};

use glpft_checkpoints::{GgufMetadata, GgufValue};
use serde::Deserialize;
use serde_json::Value;

use super::{GgufTokenizer, MODEL, TOKENS, TYPES, TokenType};
use crate::PromptTokenizer;
use crate::tokenizer::TokenizerError;

/// What of a `tokenizer.json` decides.
#[derive(Deserialize)]
struct TokenizerJson {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    model: Model,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    /// Absent in old files.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    vocab: Value,
    #[serde(default)]
    merges: Vec<Merge>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

/// `"a b"` in old files, `["a", "b"]` in new ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Text(String),
}

/// Tokens by id, as many as the embedding has rows.
struct Tokens {
    texts: Vec<String>,
    types: Vec<TokenType>,
}

impl GgufTokenizer {
    /// Sets the tokenizer's entries of a file whose embedding has so many rows. `tokenizer` is the same one. Returns
    /// notes on what llama.cpp will do otherwise.
    ///
    /// # Errors
    /// llama.cpp has no name for this kind of tokenizer.
    pub fn write(
        &self,
        tokenizer: &PromptTokenizer,
        rows: usize,
        out: &mut GgufMetadata,
    ) -> Result<Vec<String>, TokenizerError> {
        let unusable = |reason: String| TokenizerError::Parse {
            origin: "the tokenizer, for a GGUF file,".to_owned(),
            reason,
        };
        let json: TokenizerJson =
            serde_json::from_slice(&self.json).map_err(|error| unusable(error.to_string()))?;
        let mut notes = Vec::new();
        self.entries(&json, tokenizer, rows, out, &mut notes)
            .map_err(unusable)?;
        Ok(notes)
    }

    fn entries(
        &self,
        json: &TokenizerJson,
        tokenizer: &PromptTokenizer,
        rows: usize,
        out: &mut GgufMetadata,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        let model = &json.model;
        if model.kind.as_deref().is_some_and(|kind| kind != "BPE") || !model.vocab.is_object() {
            let kind = model.kind.as_deref().unwrap_or("(absent)");
            let kind: String = kind.chars().take(40).collect();
            return Err(format!("its model is {kind}; BPE is implemented"));
        }
        let affix =
            |affix: &Option<String>| affix.as_deref().is_some_and(|affix| !affix.is_empty());
        if affix(&model.continuing_subword_prefix) || affix(&model.end_of_word_suffix) {
            return Err("its words have marks at their ends, which llama.cpp does not know".into());
        }
        let mut tokens = Tokens::of(json, rows)?;
        match sentencepiece::is_one(json) {
            false => {
                let name = byte_level::name(json)?;
                if name == "qwen2" {
                    notes.push(
                        "llama.cpp does not compose characters (NFC) as this tokenizer does"
                            .to_owned(),
                    );
                }
                out.text(MODEL, "gpt2");
                out.text(super::byte_level::PRE, name);
                tokens.set(out);
                out.set(super::byte_level::MERGES, byte_level::merges(json)?);
            }
            true => {
                let kind = sentencepiece::kind(json)?;
                notes.extend(kind.note);
                let scores = sentencepiece::scores(json, &mut tokens)?;
                out.text(MODEL, "llama");
                out.text(super::byte_level::PRE, "default");
                tokens.set(out);
                out.set(super::sentencepiece::SCORES, GgufValue::F32s(scores));
                let key = "tokenizer.ggml.add_space_prefix";
                out.set(key, GgufValue::Flag(kind.space_prefix));
            }
        }
        notes.extend(added_notes(json));
        self.special(&tokens, tokenizer, out)?;
        if let Some(template) = &self.chat_template {
            out.text("tokenizer.chat_template", template);
        }
        Ok(())
    }

    /// The special tokens' ids, and which a text begins with.
    fn special(
        &self,
        tokens: &Tokens,
        tokenizer: &PromptTokenizer,
        out: &mut GgufMetadata,
    ) -> Result<(), String> {
        let begins = match tokenizer.prefix() {
            [] => None,
            [id] => Some(*id),
            several => {
                let several = several.len();
                return Err(format!(
                    "a text begins with {several} special tokens; with llama.cpp it is one"
                ));
            }
        };
        let id = |token: &Option<String>| {
            let token = token.as_ref()?;
            let place = tokens.texts.iter().position(|text| text == token)?;
            u32::try_from(place).ok()
        };
        for (name, id) in [
            ("bos", begins.or_else(|| id(&self.special.bos))),
            ("eos", Some(tokenizer.eos_id())),
            ("unknown", id(&self.special.unk)),
            ("padding", id(&self.special.pad)),
        ] {
            if let Some(id) = id {
                let key = format!("tokenizer.ggml.{name}_token_id");
                out.set(key, GgufValue::U32(id));
            }
        }
        let flag = |flag: bool| GgufValue::Flag(flag);
        out.set("tokenizer.ggml.add_bos_token", flag(begins.is_some()));
        // A prompt goes on with its answer.
        out.set("tokenizer.ggml.add_eos_token", flag(false));
        Ok(())
    }
}

impl Tokens {
    fn of(json: &TokenizerJson, rows: usize) -> Result<Self, String> {
        let mut texts = vec![None; rows];
        let mut types = vec![TokenType::Unused; rows];
        let mut put = |id: u64, text: &str, kind: TokenType| {
            let place = usize::try_from(id).ok().filter(|&place| place < rows);
            let place = place.ok_or_else(|| format!("token {id} is outside the {rows} rows"))?;
            texts[place] = Some(text.to_owned());
            types[place] = kind;
            Ok::<_, String>(())
        };
        let vocabulary = json.model.vocab.as_object();
        for (text, id) in vocabulary.into_iter().flatten() {
            let id = id.as_u64().ok_or_else(|| format!("{text:?} has no id"))?;
            put(id, text, TokenType::Normal)?;
        }
        let has_row = |id: u32| usize::try_from(id).is_ok_and(|id| id < rows);
        // What has no row in the model is left out, as it is everywhere.
        for token in json.added_tokens.iter().filter(|token| has_row(token.id)) {
            // Some files do not call special what is.
            let kind = match token.special || looks_special(&token.content) {
                true => TokenType::Control,
                false => TokenType::UserDefined,
            };
            put(u64::from(token.id), &token.content, kind)?;
        }
        let taken: HashSet<String> = texts.iter().flatten().cloned().collect();
        let fill = |(place, text): (usize, Option<String>)| {
            // Rows without a token have a name of their own.
            let mut name = format!("[PAD{place}]");
            while text.is_none() && taken.contains(&name) {
                name.insert(1, '_');
            }
            text.unwrap_or(name)
        };
        let texts: Vec<String> = texts.into_iter().enumerate().map(fill).collect();
        let mut ids = HashMap::new();
        for (id, text) in texts.iter().enumerate() {
            if let Some(other) = ids.insert(text, id) {
                return Err(format!("tokens {other} and {id} are the same, {text:?}"));
            }
        }
        Ok(Self { texts, types })
    }

    fn set(&self, out: &mut GgufMetadata) {
        let types = self.types.iter().map(|kind| kind.number()).collect();
        out.set(TOKENS, GgufValue::Texts(self.texts.clone()));
        out.set(TYPES, GgufValue::I32s(types));
    }
}

/// `does_token_look_special` of llama.cpp's converter.
fn looks_special(text: &str) -> bool {
    let between = |begin: &str, end: &str| text.starts_with(begin) && text.ends_with(end);
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(&text)
        || between("<|", "|>")
        || between("<｜", "｜>")
        || between("<unused", ">")
}

/// What llama.cpp does not do around added tokens.
fn added_notes(json: &TokenizerJson) -> Option<String> {
    let mut tokens = json.added_tokens.iter();
    let token = tokens.find(|token| token.lstrip || token.rstrip || token.single_word)?;
    let text: String = token.content.chars().take(40).collect();
    Some(format!(
        "llama.cpp may leave spaces and words beside special tokens where this tokenizer does not ({text:?})"
    ))
}
