//! No text crosses a split, whatever the published pipeline would do.

use std::collections::HashMap;

use glpft::Base;
use glpft::prepare::prepare_in_memory;
use glpft_data::{Dataset, ExampleSet, QuerySplits, Split};
use glpft_recipes::{Override, Recipe};
use serde_json::{Value, json};

use crate::folder;

/// Every second conversation gives up at once, so that in compat it shows the prompt of another.
fn conversations() -> Vec<Value> {
    let turn = |from: &str, value: &str| json!({"from": from, "value": value});
    let conversation = |number: usize| {
        let instruction = format!("question{number}");
        let mut turns = vec![turn("user", &instruction)];
        match number % 2 {
            0 => turns.extend([
                turn("assistant", "I know.\n Next: conclusion."),
                turn("conclusion", "Yes."),
            ]),
            _ => turns.push(turn("assistant", "I cannot.\n Next: give up.")),
        }
        json!({"tools": [], "instruction": instruction, "conversations": turns})
    };
    (0..60).map(conversation).collect()
}

#[test]
fn a_stale_prompt_comes_from_the_same_side() {
    let here = folder();
    let source = here.path().join("stage-2.json");
    std::fs::write(&source, json!(conversations()).to_string()).unwrap();
    let overrides = [
        ("data.source", source.to_str().unwrap()),
        ("data.give_up_history", "stale"),
        ("data.validation_fraction", "0.5"),
        ("reuse", "false"),
    ]
    .map(|(key, value)| Override::new(key, value));
    let recipe = Recipe::load("sample", &overrides).unwrap();
    let questions: Vec<String> = (0..60).map(|number| format!("question{number}")).collect();
    let queries = questions.iter().map(String::as_str);
    let splits = QuerySplits::new(queries, 1.0, 0.5, recipe.data.split_seed);

    let tokenizer = Base::resolve(&recipe).unwrap().tokenizer;
    let prepared = prepare_in_memory(&recipe, &[Dataset::Backbone], &mut |_| {}).unwrap();
    let prepared = prepared.dataset(Dataset::Backbone).unwrap().unwrap();
    let mut stale: HashMap<Split, usize> = HashMap::new();
    for index in 0..prepared.len() {
        let (example, split) = (prepared.example(index).unwrap(), prepared.split(index));
        let prompt = &example.tokens[..example.label_start];
        let text = tokenizer.decode(prompt, true).unwrap();
        let shown = text.split("user: ").nth(1).unwrap();
        let shown = shown.split("</s>").next().unwrap();
        assert_eq!(splits.get(shown), Some(split), "{shown}");
        if shown != questions[example.trajectory as usize] {
            *stale.entry(split).or_default() += 1;
        }
    }
    assert_eq!(prepared.len(), 60);
    assert_eq!(
        stale.len(),
        3,
        "every split shows another's prompt: {stale:?}"
    );
}
