//! `glpft data inspect --role`: one example, as text and as tokens.

use glpft::prepare::PreparedExample;
use glpft_data::{Dataset, Split};
use glpft_recipes::{Recipe, Truncate};
use serde_json::{Value, json};

pub(super) fn text(
    dataset: Dataset,
    index: usize,
    shown: &PreparedExample,
    recipe: &Recipe,
) -> String {
    let tokens = &shown.tokens;
    let (all, start) = (tokens.tokens.len(), tokens.label_start);
    let learned = tokens.label_positions();
    let mut text = format!(
        "{} example {index}: trajectory {}, turn {}, {}\n",
        dataset.name(),
        tokens.trajectory,
        tokens.turn,
        split(shown.split),
    );
    text += &format!(
        "{all} tokens: prompt 0..{start}, target {start}..{all}; learned {}..{}\n",
        learned.start, learned.end
    );
    let gone = shown.whole_tokens.saturating_sub(all);
    if gone > 0 {
        let what = match recipe.data.truncate {
            Truncate::Last => "the first tokens".to_owned(),
            _ => format!("whole turns after token {}", shown.cut_at),
        };
        text += &format!(
            "truncated from {} tokens: {gone} are left out, {what}\n",
            shown.whole_tokens
        );
    }
    text += &section("prompt, whole", &shown.example.prompt.text().to_string());
    text += &section("target", &shown.example.target);
    text += &section(
        &format!("prompt tokens 0..{start}, decoded"),
        &shown.prompt_decoded,
    );
    let mut labels = String::new();
    let ids = tokens.tokens.iter().skip(start);
    for (offset, (id, decoded)) in ids.zip(&shown.labels_decoded).enumerate() {
        labels += &format!("{:>7} {id:>7} {decoded:?}\n", start + offset);
    }
    text += &section(
        &format!("target tokens {start}..{all}: position, id, text"),
        labels.trim_end_matches('\n'),
    );
    text
}

pub(super) fn json(dataset: Dataset, index: usize, shown: &PreparedExample) -> Value {
    let learned = shown.tokens.label_positions();
    json!({
        "dataset": dataset.name(),
        "index": index,
        "trajectory": shown.tokens.trajectory,
        "turn": shown.tokens.turn,
        "split": split(shown.split),
        "prompt": shown.example.prompt.text().to_string(),
        "target": shown.example.target,
        "input_ids": shown.tokens.tokens,
        "label_start": shown.tokens.label_start,
        "learned": [learned.start, learned.end],
        "whole_tokens": shown.whole_tokens,
        "prompt_decoded": shown.prompt_decoded,
        "labels_decoded": shown.labels_decoded,
    })
}

fn split(split: Split) -> &'static str {
    match split {
        Split::FirstHalf => "trains (first half)",
        Split::SecondHalf => "trains (second half)",
        Split::Validation => "held out",
    }
}

fn section(title: &str, content: &str) -> String {
    format!("\n--- {title} ---\n{content}\n")
}
