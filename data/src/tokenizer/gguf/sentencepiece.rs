//! SentencePiece's BPE: Llama 2, TinyLlama, Mistral, Gemma 3.

use glpft_checkpoints::{GgufError, GgufFile};
use serde_json::{Value, json};

use super::{Parts, TokenType, Vocabulary, bpe};

pub(super) const SCORES: &str = "tokenizer.ggml.scores";
/// A piece has 16 characters; every cut of one is looked at.
const LONGEST_PIECE: usize = 256;
/// What stands for a space.
pub(super) const SPACE: &str = "▁";

/// The longest run of spaces that is a token of its own.
const SPACES: &str = "▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁";

pub(super) fn parts(file: &GgufFile, vocabulary: &mut Vocabulary<'_>) -> Result<Parts, String> {
    let told = |error: GgufError| error.to_string();
    let scores = file.numbers(SCORES).map_err(told)?;
    let mut scores = scores.ok_or_else(|| format!("`{SCORES}` is missing"))?;
    if scores.len() != vocabulary.tokens.len() {
        let (scores, tokens) = (scores.len(), vocabulary.tokens.len());
        return Err(format!("it has {tokens} tokens and scores of {scores}"));
    }
    for key in ["remove_extra_whitespaces", "precompiled_charsmap"] {
        let key = format!("tokenizer.ggml.{key}");
        if file.contains(&key) && file.flag(&key).ok().flatten() != Some(false) {
            return Err(format!("`{key}` is not implemented"));
        }
    }
    for run in take_white_space(vocabulary) {
        scores[run] = f64::MAX;
    }
    let vocabulary = &*vocabulary;
    let merges = merges(vocabulary, &scores)?;
    let pair = |&(left, right): &(usize, usize)| {
        json!([vocabulary.tokens[left], vocabulary.tokens[right]])
    };
    let mut model = bpe(merges.iter().map(pair).collect());
    let bytes = vocabulary.types.contains(&TokenType::Byte);
    model.insert("byte_fallback".to_owned(), bytes.into());
    model.insert("fuse_unk".to_owned(), true.into());
    let unknown = vocabulary.named(file, "unknown")?;
    let unknown = unknown.or_else(|| vocabulary.tokens.first().map(|&token| token.to_owned()));
    model.insert("unk_token".to_owned(), unknown.into());
    let prefix = file.flag("tokenizer.ggml.add_space_prefix").map_err(told)?;
    let prefix = prefix.unwrap_or(true);
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE});
    let mut normalizers = vec![replace];
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": SPACE}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if prefix {
        normalizers.insert(0, json!({"type": "Prepend", "prepend": SPACE}));
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    Ok(Parts {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        pre_tokenizer: Value::Null,
        decoder: json!({"type": "Sequence", "decoders": decoders}),
        model,
        begins: true,
    })
}

/// Makes runs of spaces and of line ends the model's own that are tokens which the user defined (Gemma), and returns them.
/// SentencePiece finds these before it merges; text never becomes a token that was added, so they are to be merged before
/// all others.
fn take_white_space(vocabulary: &mut Vocabulary<'_>) -> Vec<usize> {
    let mut runs = Vec::new();
    for id in 0..vocabulary.tokens.len() {
        let token = vocabulary.tokens[id];
        if vocabulary.types[id] != TokenType::UserDefined || token.is_empty() {
            continue;
        }
        if token.bytes().all(|byte| byte == b' ') {
            let marked = SPACES.get(..token.len() * SPACE.len());
            let Some(marked) = marked.filter(|marked| !vocabulary.ids.contains_key(*marked)) else {
                continue;
            };
            vocabulary.ids.remove(token);
            vocabulary.ids.insert(marked, id);
            vocabulary.tokens[id] = marked;
        } else if token.bytes().any(|byte| byte != b'\n') {
            continue;
        }
        vocabulary.types[id] = TokenType::Normal;
        runs.push(id);
    }
    runs
}

/// SentencePiece merges the pair whose whole scores best. Every pair of pieces that is a piece, best first, then by
/// the pair's ids: as the `tokenizer.json` of Llama 2 was made of its scores.
pub(super) fn merges(
    vocabulary: &Vocabulary<'_>,
    scores: &[f64],
) -> Result<Vec<(usize, usize)>, String> {
    let mut merges = Vec::new();
    let piece = |text: &str| {
        let id = *vocabulary.ids.get(text)?;
        (vocabulary.types[id] == TokenType::Normal).then_some(id)
    };
    for (id, token) in vocabulary.tokens.iter().enumerate() {
        if vocabulary.types[id] != TokenType::Normal {
            continue;
        }
        if token.len() > LONGEST_PIECE || scores[id].is_nan() {
            return Err(format!("piece {id} is too long, or its score no number"));
        }
        for (at, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(at);
            if let (Some(left), Some(right)) = (piece(left), piece(right)) {
                merges.push((scores[id], left, right));
            }
        }
    }
    merges.sort_by(|(score, left, right), (other, other_left, other_right)| {
        let better = other.total_cmp(score);
        better.then((left, right).cmp(&(other_left, other_right)))
    });
    let pair = |(_, left, right)| (left, right);
    Ok(merges.into_iter().map(pair).collect())
}
