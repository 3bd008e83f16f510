//! What a server refuses a question with.

/// A status that is none of success, and what was said with it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub said: String,
}

impl Refusal {
    /// Whether its text holds one of these words.
    pub fn is_about(&self, words: &[&str]) -> bool {
        let said = self.said.to_lowercase();
        words.iter().any(|word| said.contains(word))
    }

    /// Whether the prompt is longer than the model can read.
    pub fn is_of_the_length(&self) -> bool {
        // OpenAI's words for names and descriptions that are.
        let of_a_part = self.is_about(&["string too long"]);
        self.status == 413
            || !of_a_part
                && self.is_about(&[
                    "context length",
                    "context_length",
                    "context size",
                    "context window",
                    "too long",
                    "max_model_len",
                    "max_total_tokens",
                    "inputs tokens",
                    "exceeds the available",
                ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_no_long_prompt() {
        let said = |said: &str| Refusal {
            status: 400,
            said: said.to_owned(),
        };
        assert!(said("The prompt is too long: 5000 tokens").is_of_the_length());
        let part =
            "Invalid 'tools[0].function.description': string too long. Expected at most 1024";
        assert!(!said(part).is_of_the_length());
    }
}
