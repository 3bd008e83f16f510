//! Counts in sentences.

use std::fmt::Display;

/// A whole number and what it counts.
///
/// ```
/// use glpft_recipes::counted;
///
/// assert_eq!(counted(1, "step", "steps"), "1 step");
/// assert_eq!(counted(0_u64, "query", "queries"), "0 queries");
/// ```
pub fn counted(count: impl Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    let noun = if count == "1" { one } else { many };
    format!("{count} {noun}")
}
