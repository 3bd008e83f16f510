//! The lines of a TOKENS file.

use std::path::Path;

use glpft_data::TokenExample;
use serde::Deserialize;

use crate::Result;

#[derive(Deserialize)]
struct Line {
    input_ids: Vec<u32>,
    labels: Vec<i64>,
    trajectory: Option<u32>,
}

/// The examples of a TOKENS file, in its order.
pub(crate) fn read_examples(path: &Path) -> Result<Vec<TokenExample>> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut examples = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{}:{}", path.display(), index + 1);
        let line: Line =
            serde_json::from_str(line).map_err(|error| format!("{}: {error}", place()))?;
        // Labels are the target's tokens, and a target ends its example: anything else we do not train on.
        let label_start = line
            .labels
            .iter()
            .position(|&label| label >= 0)
            .unwrap_or(line.labels.len());
        let learned = line.labels.iter().map(|&label| u32::try_from(label).ok());
        let wanted = line.input_ids.iter().enumerate();
        let wanted = wanted.map(|(at, &token)| (at >= label_start).then_some(token));
        if line.input_ids.is_empty() || !learned.eq(wanted) {
            return Err(format!(
                "{}: the labels must be -100 up to the target and the tokens themselves from there on",
                place()
            )
            .into());
        }
        examples.push(TokenExample {
            tokens: line.input_ids,
            label_start,
            role_start: 0,
            trajectory: line.trajectory.unwrap_or(index as u32),
            turn: index as u32,
        });
    }
    if examples.is_empty() {
        return Err(format!("{}: no lines", path.display()).into());
    }
    Ok(examples)
}
