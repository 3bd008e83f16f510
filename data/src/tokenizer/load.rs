//! A tokenizer from its files, which may be anyone's.

use super::{PromptTokenizer, SeparatorToken, TokenizerError, growth};
use crate::bounded;
use crate::fingerprint::fingerprint;
use glpft_checkpoints::{foreign_content, parse_json, without_mark};
use serde::Deserialize;
use serde_json::Value;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;
use tokenizers::Tokenizer;
use tokenizers::models::ModelWrapper;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::metaspace::PrependScheme;

/// Far above any vocabulary, far below what would exhaust memory as an embedding.
const LARGEST_ID: u32 = (1 << 24) - 1;
/// The largest real `tokenizer.json` files have some 30 MB.
const LARGEST_FILE: u64 = 1 << 29;

impl PromptTokenizer {
    /// Loads a `tokenizer.json`, or the one in a directory, and finds the end-of-sequence token in
    /// `tokenizer_config.json`, `special_tokens_map.json` or `config.json` beside it, in that order.
    ///
    /// # Errors
    /// Where a file cannot be read or used, or names no end-of-sequence token of the vocabulary.
    pub fn from_path(path: &Path) -> Result<Self, TokenizerError> {
        let path = if path.is_dir() {
            path.join("tokenizer.json")
        } else {
            path.to_owned()
        };
        let json = read(&path).map_err(|error| other_form(&path).unwrap_or(error))?;
        let full = parse(&json, &path.display().to_string())?;
        let directory = path.parent().unwrap_or(Path::new("."));
        let eos = end_of_sequence(directory, &full)?;
        let eos = eos.ok_or_else(|| TokenizerError::NoEndOfSequence { path: path.clone() })?;
        build(full, &eos, &json, &path.display().to_string())
    }

    /// Takes the bytes of a `tokenizer.json` and the text of its end-of-sequence token.
    ///
    /// # Errors
    /// Where the bytes are no tokenizer or the token is not in its vocabulary.
    pub fn from_bytes(json: &[u8], eos_token: &str) -> Result<Self, TokenizerError> {
        let origin = "the tokenizer";
        build(parse(json, origin)?, eos_token, json, origin)
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TokenizerError> {
    let failed = |source| TokenizerError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = bounded::read(path, LARGEST_FILE).map_err(failed)?;
    Ok(match without_mark(&bytes).len() == bytes.len() {
        true => bytes,
        false => without_mark(&bytes).to_vec(),
    })
}

/// What to say of an absent `tokenizer.json` where the tokenizer is there in another form.
fn other_form(path: &Path) -> Option<TokenizerError> {
    if path.symlink_metadata().is_ok() {
        return None;
    }
    let forms: [(&[&str], &str); 4] = [
        (
            &["tokenizer.model"],
            "tokenizer.model (SentencePiece's form)",
        ),
        (
            &["vocab.json", "merges.txt"],
            "vocab.json with merges.txt (GPT-2's form)",
        ),
        (&["tekken.json"], "tekken.json (Mistral's form)"),
        (&["qwen.tiktoken"], "qwen.tiktoken (tiktoken's form)"),
    ];
    let (_, found) = forms
        .into_iter()
        .find(|(names, _)| names.iter().all(|name| path.with_file_name(name).is_file()))?;
    Some(TokenizerError::OtherForm {
        path: path.to_owned(),
        found,
    })
}

thread_local! {
    /// Whether this thread is inside of [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The library indexes by what the file says here and there and panics on some files; that too is a bad file, told as
/// one and not also as a panic.
fn guarded<T>(
    origin: &str,
    work: impl FnOnce() -> Result<T, TokenizerError>,
) -> Result<T, TokenizerError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                previous(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    outcome.unwrap_or_else(|_| {
        Err(TokenizerError::Parse {
            origin: origin.to_owned(),
            reason: "the tokenizer contradicts itself".to_owned(),
        })
    })
}

fn parse(json: &[u8], origin: &str) -> Result<Tokenizer, TokenizerError> {
    let unusable = |reason: String| TokenizerError::Parse {
        origin: origin.to_owned(),
        reason,
    };
    growth::check(json).map_err(|reason| {
        let foreign = foreign_content(json);
        unusable(foreign.map_or(reason, |what| format!("it is {what}")))
    })?;
    guarded(origin, || {
        let mut full = Tokenizer::from_bytes(json).map_err(|error| unusable(error.to_string()))?;
        // What the file's author once did to batches; ids of a text must not hang on it.
        full.with_padding(None);
        full.with_truncation(None)
            .map_err(|error| unusable(error.to_string()))?;
        if let ModelWrapper::BPE(model) = full.get_model()
            && model.dropout.is_some_and(|dropout| dropout > 0.0)
        {
            return Err(unusable(
                "its model has dropout: the same text gives other tokens each time".to_owned(),
            ));
        }
        Ok(full)
    })
}

/// The `added_tokens` of a tokenizer.json, the rest ignored.
#[derive(Deserialize)]
struct AddedTokens {
    #[serde(default)]
    added_tokens: Vec<DeclaredToken>,
}

#[derive(Deserialize)]
struct DeclaredToken {
    id: u32,
    content: String,
}

fn build(
    full: Tokenizer,
    eos_token: &str,
    json: &[u8],
    origin: &str,
) -> Result<PromptTokenizer, TokenizerError> {
    guarded(origin, || build_unguarded(full, eos_token, json, origin))
}

fn build_unguarded(
    full: Tokenizer,
    eos_token: &str,
    json: &[u8],
    origin: &str,
) -> Result<PromptTokenizer, TokenizerError> {
    let unusable = |reason: String| TokenizerError::Parse {
        origin: origin.to_owned(),
        reason,
    };
    let declared: AddedTokens =
        serde_json::from_slice(json).map_err(|error| unusable(error.to_string()))?;
    for token in &declared.added_tokens {
        let actual = full.token_to_id(&token.content);
        if actual != Some(token.id) {
            return Err(TokenizerError::AddedTokenId {
                token: token.content.clone(),
                declared: token.id,
                actual: actual.map_or("none".to_owned(), |id| id.to_string()),
            });
        }
    }
    let largest = full
        .get_vocab(true)
        .into_values()
        .max()
        .ok_or_else(|| unusable("its vocabulary is empty".to_owned()))?;
    if largest > LARGEST_ID {
        return Err(TokenizerError::IdTooLarge {
            id: largest,
            limit: LARGEST_ID,
        });
    }
    let eos = separator(&full, eos_token).ok_or_else(|| TokenizerError::UnknownEndOfSequence {
        token: eos_token.to_owned(),
    })?;
    let literal = separator(&full, "</s>").filter(|token| is_added(&full, token.id));
    let content =
        without_added_tokens(&full, full.get_pre_tokenizer().cloned()).map_err(&unusable)?;
    let later = full
        .get_pre_tokenizer()
        .and_then(never_first)
        .map(|pre_tokenizer| without_added_tokens(&full, Some(pre_tokenizer)))
        .transpose()
        .map_err(&unusable)?;
    let tokenizer = PromptTokenizer {
        prefix: learn_prefix(&full).map_err(&unusable)?,
        forbidden: forbidden(&full, eos.id),
        vocab_size: largest as usize + 1,
        fingerprint: fingerprint(&[json, eos_token.as_bytes()]),
        full,
        content,
        later,
        eos,
        literal,
    };
    probe(&tokenizer)?;
    Ok(tokenizer)
}

fn is_added(full: &Tokenizer, id: u32) -> bool {
    full.get_added_vocabulary()
        .get_added_tokens_decoder()
        .contains_key(&id)
}

fn separator(full: &Tokenizer, text: &str) -> Option<SeparatorToken> {
    let id = full.token_to_id(text)?;
    let added = full
        .get_added_vocabulary()
        .get_added_tokens_decoder()
        .get(&id);
    Some(SeparatorToken {
        id,
        takes_before: added.is_some_and(|token| token.lstrip),
        takes_after: added.is_some_and(|token| token.rstrip),
    })
}

fn without_added_tokens(
    full: &Tokenizer,
    pre_tokenizer: Option<PreTokenizerWrapper>,
) -> Result<Tokenizer, String> {
    let mut content = Tokenizer::new(full.get_model().clone());
    content
        .with_normalizer(full.get_normalizer().cloned())
        .map_err(|error| error.to_string())?;
    content.with_pre_tokenizer(pre_tokenizer);
    Ok(content)
}

/// The pre-tokenizer for content that does not begin the text, where that is another one.
fn never_first(pre_tokenizer: &PreTokenizerWrapper) -> Option<PreTokenizerWrapper> {
    match pre_tokenizer {
        PreTokenizerWrapper::Metaspace(metaspace)
            if metaspace.prepend_scheme == PrependScheme::First =>
        {
            let mut metaspace = metaspace.clone();
            metaspace.set_prepend_scheme(PrependScheme::Never);
            Some(PreTokenizerWrapper::Metaspace(metaspace))
        }
        PreTokenizerWrapper::Sequence(sequence) => {
            let mut sequence = sequence.clone();
            let mut differs = false;
            for part in sequence.as_mut() {
                if let Some(never) = never_first(part) {
                    *part = never;
                    differs = true;
                }
            }
            differs.then_some(PreTokenizerWrapper::Sequence(sequence))
        }
        _ => None,
    }
}

/// What the post-processor puts before a text, learned from one.
fn learn_prefix(full: &Tokenizer) -> Result<Vec<u32>, String> {
    let encoding = full.encode("a", true).map_err(|error| error.to_string())?;
    let special = encoding
        .get_special_tokens_mask()
        .iter()
        .take_while(|&&mark| mark == 1)
        .count();
    Ok(encoding.get_ids()[..special].to_vec())
}

/// The ids of special tokens, but for the unknown token, which is what content without tokens becomes.
fn forbidden(full: &Tokenizer, eos: u32) -> Vec<u32> {
    let unknown = match full.get_model() {
        ModelWrapper::BPE(model) => model.unk_token.clone(),
        ModelWrapper::WordPiece(model) => Some(model.unk_token.clone()),
        ModelWrapper::WordLevel(model) => Some(model.unk_token.clone()),
        ModelWrapper::Unigram(_) => Some("<unk>".to_owned()),
    };
    let unknown = unknown.and_then(|token| full.token_to_id(&token));
    let added = full.get_added_vocabulary().get_added_tokens_decoder();
    let special = added
        .iter()
        .filter(|(_, token)| token.special)
        .map(|(&id, _)| id);
    let mut forbidden: Vec<u32> = special
        .chain([eos])
        .filter(|&id| Some(id) != unknown)
        .collect();
    forbidden.sort_unstable();
    forbidden.dedup();
    forbidden
}

/// Encodes each special token's text as content, so that a tokenizer that cannot keep its word is refused now
/// rather than in the middle of a data set.
fn probe(tokenizer: &PromptTokenizer) -> Result<(), TokenizerError> {
    let mut cache = super::SegmentCache::default();
    for id in &tokenizer.forbidden {
        let Some(token) = tokenizer.full.id_to_token(*id) else {
            continue;
        };
        for content in [token.clone(), format!("a {token} b")] {
            for first in [true, false] {
                tokenizer.append_content(&content, first, &mut cache, &mut Vec::new())?;
            }
        }
    }
    Ok(())
}

fn end_of_sequence(directory: &Path, full: &Tokenizer) -> Result<Option<String>, TokenizerError> {
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        if let Some(config) = side_file(&directory.join(name))?
            && let Some(token) = config.get("eos_token")
            && let Some(token) = token
                .as_str()
                .or_else(|| token.get("content").and_then(Value::as_str))
        {
            return Ok(Some(token.to_owned()));
        }
    }
    let Some(config) = side_file(&directory.join("config.json"))? else {
        return Ok(None);
    };
    let id = match config.get("eos_token_id") {
        Some(Value::Array(ids)) => ids.first(),
        id => id,
    };
    let Some(id) = id.filter(|id| !id.is_null()) else {
        return Ok(None);
    };
    let token = id
        .as_u64()
        .and_then(|id| u32::try_from(id).ok())
        .and_then(|id| full.id_to_token(id));
    token
        .map(Some)
        .ok_or_else(|| TokenizerError::UnknownEndOfSequence {
            token: id.to_string(),
        })
}

pub(super) fn side_file(path: &Path) -> Result<Option<Value>, TokenizerError> {
    let bytes = match read(path) {
        Err(TokenizerError::Read { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            return Ok(None);
        }
        bytes => bytes?,
    };
    let unusable = |reason: String| TokenizerError::Parse {
        origin: path.display().to_string(),
        reason,
    };
    let value: Value = parse_json(&bytes).map_err(&unusable)?;
    if !value.is_object() {
        return Err(unusable("it is not a JSON object".to_owned()));
    }
    Ok(Some(value))
}
