//! SentencePiece's BPE: scores out of the merges that Hugging Face made of them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::sentencepiece::{SPACE, merges};
use super::super::{TokenType, Vocabulary};
use super::byte_level::steps;
use super::{Merge, TokenizerJson, Tokens};

/// How spaces are marked.
pub(super) struct Kind {
    /// Whether a space is put before a text.
    pub space_prefix: bool,
    /// What llama.cpp does otherwise.
    pub note: Option<String>,
}

/// What a token that no merge makes scores, as in the converter.
const UNSCORED: f32 = -1000.0;

/// Whether it is such a tokenizer: characters that it lacks become bytes.
pub(super) fn is_one(json: &TokenizerJson) -> bool {
    json.model.byte_fallback
        && (json.normalizer.to_string().contains(SPACE)
            || json.pre_tokenizer.to_string().contains(SPACE))
}

/// How the tokenizer marks spaces, in one of the ways that Hugging Face's files spell it.
pub(super) fn kind(json: &TokenizerJson) -> Result<Kind, String> {
    let normalizes = steps(&json.normalizer, "normalizers");
    let cuts = steps(&json.pre_tokenizer, "pretokenizers");
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE});
    let prepend = json!({"type": "Prepend", "prepend": SPACE});
    let metaspace = |scheme: &str| json!({"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": false});
    // Spaces are marked by then, so that this cuts nothing.
    let no_cut = json!({"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false});
    let uncut = cuts.is_empty() || cuts == [no_cut];
    let plain = |space_prefix| Kind {
        space_prefix,
        note: None,
    };
    if uncut && normalizes == [prepend.clone(), replace.clone()] {
        return Ok(plain(true));
    }
    if uncut && normalizes == [replace] {
        return Ok(plain(false));
    }
    let cuts: Vec<Value> = cuts.into_iter().map(without_old_name).collect();
    if normalizes.is_empty() && cuts == [metaspace("always")] {
        return Ok(plain(true));
    }
    if normalizes.is_empty() && cuts == [metaspace("never")] {
        return Ok(plain(false));
    }
    if normalizes.is_empty() && cuts == [metaspace("first")] {
        return Ok(Kind {
            space_prefix: true,
            note: Some(
                "llama.cpp puts a space after special tokens, too, where this tokenizer puts one only before a text"
                    .to_owned(),
            ),
        });
    }
    Err("it marks spaces in a way that llama.cpp does not".to_owned())
}

/// Files before tokenizers 0.15 have `add_prefix_space` beside the scheme.
fn without_old_name(mut step: Value) -> Value {
    if let Some(fields) = step.as_object_mut() {
        fields.remove("add_prefix_space");
        fields.remove("str_rep");
    }
    step
}

/// Scores that merge as the tokenizer does, and the types of bytes and the unknown token.
///
/// SentencePiece merges the pair whose whole scores best, Hugging Face the pair that stands first in a list. The list
/// comes of scores exactly where the list that the scores give is the same.
pub(super) fn scores(json: &TokenizerJson, tokens: &mut Tokens) -> Result<Vec<f32>, String> {
    for (text, kind) in tokens.texts.iter().zip(&mut tokens.types) {
        if *kind == TokenType::Normal && is_byte(text) {
            *kind = TokenType::Byte;
        }
        if Some(text) == json.model.unk_token.as_ref() {
            *kind = TokenType::Unknown;
        }
    }
    let ids: HashMap<&str, usize> = tokens
        .texts
        .iter()
        .enumerate()
        .map(|(id, text)| (text.as_str(), id))
        .collect();
    let id = |text: &str| {
        let id = ids.get(text).copied();
        id.ok_or_else(|| format!("a merge names {text:?}, which is not a token"))
    };
    let mut listed = Vec::with_capacity(json.model.merges.len());
    for merge in &json.model.merges {
        let (left, right) = match merge {
            Merge::Pair(left, right) => (left.as_str(), right.as_str()),
            Merge::Text(text) => text
                .split_once(' ')
                .ok_or_else(|| format!("the merge {text:?} is not a pair"))?,
        };
        listed.push((id(&format!("{left}{right}"))?, id(left)?, id(right)?));
    }
    let Some(orders) = orders(&listed, &tokens.texts) else {
        return Err(NO_SCORES.to_owned());
    };
    let mut listed: Vec<(usize, usize, usize)> = listed
        .into_iter()
        .map(|(whole, left, right)| (orders[&whole], left, right))
        .collect();
    let mut scores = vec![UNSCORED; tokens.texts.len()];
    for (&whole, &order) in &orders {
        scores[whole] = -(order as f32);
    }
    let vocabulary = Vocabulary {
        tokens: tokens.texts.iter().map(String::as_str).collect(),
        types: tokens.types.clone(),
        ids,
    };
    let wide: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
    let mut given = Vec::new();
    for (left, right) in merges(&vocabulary, &wide)? {
        let whole = format!("{}{}", vocabulary.tokens[left], vocabulary.tokens[right]);
        let whole = vocabulary.ids.get(whole.as_str());
        let order = whole.and_then(|whole| orders.get(whole)).copied();
        given.push((order.unwrap_or(usize::MAX), left, right));
    }
    listed.sort_unstable();
    given.sort_unstable();
    // Whole numbers of more than 24 bits are not exact in single precision.
    if listed != given || orders.len() >= 1 << 24 {
        return Err(NO_SCORES.to_owned());
    }
    Ok(scores)
}

const NO_SCORES: &str = "its merges come of no scores, by which llama.cpp merges this kind";

/// The place of each whole among the merges `(whole, left, right)`: the pairs of one whole stand together, in whatever order,
/// for they never compete but by their places in a text. Runs of spaces or line ends
/// may be mixed: Llama 2's and Gemma's all have one score.
/// None where other wholes are mixed.
fn orders(merges: &[(usize, usize, usize)], texts: &[String]) -> Option<HashMap<usize, usize>> {
    let mut last = HashMap::new();
    for (place, (whole, ..)) in merges.iter().enumerate() {
        last.insert(*whole, place);
    }
    let is_run = |whole: usize| {
        let all = |mark: &str| texts[whole].split(mark).all(str::is_empty);
        all(SPACE) || all("\n")
    };
    let mut orders = HashMap::new();
    let (mut order, mut ends, mut of) = (0, 0, None);
    for (place, &(whole, ..)) in merges.iter().enumerate() {
        if let Some(other) = of {
            let is_mixed = place <= ends && whole != other;
            if is_mixed && !(is_run(whole) && is_run(other)) {
                return None;
            }
            order += usize::from(place > ends);
        }
        of = Some(whole);
        ends = ends.max(last[&whole]);
        orders.insert(whole, order);
    }
    Some(orders)
}

/// `<0x0A>`.
fn is_byte(text: &str) -> bool {
    let digits = text
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| {
        digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
