//! The known name that a misspelt one most likely stands for.

/// What peers call some of our keys, where no spelling leads from one to the other.
const ALIASES: [(&str, &str); 6] = [
    ("learning_rate", "lr"),
    ("r", "rank"),
    ("num_train_epochs", "epochs"),
    ("max_seq_length", "max_length"),
    ("cutoff_len", "max_length"),
    ("max_grad_norm", "clip_norm"),
];

/// Longer words are no typos, and comparing them would cost time.
const LONGEST: usize = 64;

/// The candidate nearest to `word`, unless none is near.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let alias = ALIASES
        .iter()
        .find(|(theirs, _)| *theirs == word)
        .map(|(_, ours)| *ours);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let known = candidate.to_lowercase().replace('-', "_");
        let tolerated = 1 + word.len().max(known.len()) / 4;
        let begins_alike = word.len().min(known.len()) >= 3
            && (word.starts_with(&known) || known.starts_with(&word));
        let mut distance = strsim::damerau_levenshtein(&word, &known);
        if alias == Some(candidate) {
            distance = 0;
        } else if begins_alike {
            distance = distance.min(tolerated);
        }
        if distance <= tolerated && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `` `a`, `b` ``
pub(crate) fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_find_their_key() {
        let keys = [
            "epochs",
            "lr",
            "batch",
            "micro_batch_tokens",
            "warmup_ratio",
            "max_length",
        ];
        assert_eq!(nearest("epoch", keys), Some("epochs"));
        assert_eq!(nearest("Epochs", keys), Some("epochs"));
        assert_eq!(
            nearest("micro-batch-tokens", keys),
            Some("micro_batch_tokens")
        );
        assert_eq!(nearest("batch_size", keys), Some("batch"));
        assert_eq!(nearest("warmup", keys), Some("warmup_ratio"));
        assert_eq!(nearest("learning_rate", keys), Some("lr"));
        assert_eq!(nearest("max_lenght", keys), Some("max_length"));
        assert_eq!(nearest("quantization", keys), None);
        assert_eq!(nearest(&"e".repeat(1_000_000), keys), None);
    }
}
