//! [`Example`](crate::Example)s become tokens.

/// One training example as tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenExample {
    /// Prompt, target and the separator that ends it.
    pub tokens: Vec<u32>,
    /// Index of the first target token in `tokens`; the tokens from here on are labels.
    pub label_start: usize,
    /// Index of the trajectory in its source.
    pub trajectory: u32,
    /// Index of the target's turn in the trajectory's conversation.
    pub turn: u32,
}

impl TokenExample {
    /// The positions in `tokens` that are learned: the target's, but never position 0, which nothing predicts.
    pub fn label_positions(&self) -> std::ops::Range<usize> {
        let end = self.tokens.len();
        self.label_start.clamp(1, end.max(1))..end.max(1)
    }

    /// How many tokens are learned.
    pub fn label_tokens(&self) -> usize {
        self.label_positions().len()
    }
}
