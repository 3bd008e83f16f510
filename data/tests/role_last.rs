//! The role behind the history: one head for every role, an invocation of fixed ids, trunk and branches.
//!
//! Reads `GLPFT_MODELS` as `real_tokenizers.rs` does; what is absent is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use glpft_data::{
    Batch, Conversation, Dataset, EncodeOptions, Example, GiveUpPrompt, Plan, PromptTokenizer,
    Prompts, ReadOptions, SegmentCache, Source, TokenExample, Trunk, encode_trajectory, examples,
    sample,
};
use glpft_recipes::{Layout, Separators, SystemPrefix, Truncate};
use support::models;

fn conversations() -> Vec<Conversation> {
    let source = Source::from_files("sample", sample::source().iter().copied()).unwrap();
    let options = ReadOptions {
        strict: true,
        ..ReadOptions::FIXED
    };
    let read = source.read_conversations(&options, &mut |_, _| {});
    read.unwrap().conversations
}

fn tokenizers() -> Vec<(&'static str, PromptTokenizer)> {
    let own = PromptTokenizer::from_bytes(sample::tokenizer(), "</s>").unwrap();
    let mut found = vec![("sample", own)];
    for name in [
        "smollm2-135m-instruct",
        "tokenizers/llama2",
        "tokenizers/llama3_1",
        "tokenizers/qwen3",
    ] {
        let directory = models().join(name);
        if !directory.join("tokenizer.json").exists() {
            eprintln!("skipped: no tokenizer at {}", directory.display());
            continue;
        }
        found.push((name, PromptTokenizer::from_path(&directory).unwrap()));
    }
    found
}

fn prompts() -> Prompts {
    Prompts::builtin()
        .unwrap()
        .with_layout(Layout::RoleLast)
        .unwrap()
}

fn options(max_length: usize, truncate: Truncate) -> EncodeOptions {
    EncodeOptions {
        separators: Separators::Eos,
        system_prefix: SystemPrefix::Both,
        truncate,
        max_length,
        train_on_inputs: false,
    }
}

/// A conversation's examples of every dataset, as text and as tokens.
fn made(
    index: usize,
    conversation: &Conversation,
    tokenizer: &PromptTokenizer,
    options: &EncodeOptions,
) -> Vec<(Dataset, Vec<Example>, Vec<TokenExample>)> {
    let (prompts, mut cache) = (prompts(), SegmentCache::default());
    Dataset::ALL
        .into_iter()
        .map(|dataset| {
            let mut own = GiveUpPrompt::Own;
            let texts = examples(index, conversation, dataset, &prompts, &mut own);
            let tokens = encode_trajectory(tokenizer, &texts, options, &mut cache).unwrap();
            (dataset, texts, tokens.examples)
        })
        .collect()
}

#[test]
fn the_head_is_the_same_whatever_role_follows() {
    let (conversations, prompts) = (conversations(), prompts());
    for (name, tokenizer) in tokenizers() {
        let invocations = Dataset::ALL.map(|dataset| {
            let text = prompts.invocation(dataset).unwrap();
            let seamed = |follows: &str| {
                let mut all = glpft_data::Text::new();
                all.push("{\"city\": \"Oslo\"}")
                    .seam()
                    .extend(text)
                    .seam()
                    .push(follows);
                let mut cache = SegmentCache::default();
                let (ids, seam) = tokenizer
                    .encode_seamed(&all, Separators::Eos, &mut cache)
                    .unwrap();
                ids[seam..].to_vec()
            };
            // Its ids do not hang on what follows.
            let ids = seamed("");
            assert!(seamed("\n\nI ask.").starts_with(&ids), "{name}");
            assert_eq!(ids[0], tokenizer.eos_id(), "{name}");
            ids
        });
        let distinct: BTreeSet<&Vec<u32>> = invocations.iter().collect();
        assert_eq!(distinct.len(), 4, "{name}");

        let (mut compared, mut trunk_nodes, mut all_tokens) = (0, 0, 0);
        for (index, conversation) in conversations.iter().take(12).enumerate() {
            let all = made(
                index,
                conversation,
                &tokenizer,
                &options(4096, Truncate::Drop),
            );
            // The turns of one step differ by role; what was shown before them tells the step.
            let mut heads: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
            for (dataset, texts, tokens) in &all {
                assert_eq!(texts.len(), tokens.len());
                for (text, example) in texts.iter().zip(tokens) {
                    let (head, own) = example.tokens.split_at(example.role_start);
                    assert!(
                        own.starts_with(&invocations[*dataset as usize]),
                        "{name} {dataset:?}"
                    );
                    let head_of_step = heads
                        .entry(text.prompt.turns.len())
                        .or_insert_with(|| head.to_vec());
                    assert!(head == &head_of_step[..], "{name} {dataset:?}");
                    compared += 1;
                }
            }
            let tokens: Vec<TokenExample> =
                all.into_iter().flat_map(|(_, _, tokens)| tokens).collect();
            trunk_nodes += Trunk::of(&tokens).len();
            all_tokens += tokens
                .iter()
                .map(|example| example.role_start)
                .sum::<usize>();
        }
        assert!(compared > 80, "{name}: {compared}");
        // Shared by roles and by steps.
        assert!(
            trunk_nodes * 5 < all_tokens,
            "{name}: {trunk_nodes} of {all_tokens}"
        );
    }
}

/// What is predicted, from which path.
fn of_rows(examples: &[&TokenExample]) -> BTreeMap<(Vec<u32>, u32), f32> {
    let mut predictions = BTreeMap::new();
    for example in examples {
        for at in example.label_positions() {
            let key = (example.tokens[..at].to_vec(), example.tokens[at]);
            *predictions.entry(key).or_default() += 1.0;
        }
    }
    predictions
}

#[test]
fn branches_predict_what_rows_do() {
    let tokenizer = PromptTokenizer::from_bytes(sample::tokenizer(), "</s>").unwrap();
    for (index, conversation) in conversations().iter().take(6).enumerate() {
        for (length, truncate) in [(4096, Truncate::Drop), (200, Truncate::Last)] {
            let all = made(index, conversation, &tokenizer, &options(length, truncate));
            let every: Vec<&TokenExample> = all.iter().flat_map(|(_, _, tokens)| tokens).collect();
            let trunk = Arc::new(Trunk::of(every.iter().copied()));
            for (dataset, _, tokens) in &all {
                let own: Vec<&TokenExample> = tokens.iter().collect();
                let batch = Batch::branches(&own, &trunk);
                let branches = batch.branches.as_ref().unwrap();
                // The path of a node: the trunk's nodes that it attends to, then the batch's.
                let path = |node: usize| -> Vec<u32> {
                    let reach = branches.reach[node];
                    let above = (0..reach as usize).filter(|&key| reach <= trunk.subtree_end[key]);
                    let own = (0..=node).filter(|&key| batch.attends(node, key));
                    let above: Vec<u32> = above.map(|key| trunk.tokens[key]).collect();
                    let own = own.map(|key| batch.tokens[key]);
                    let path: Vec<u32> = above.into_iter().chain(own).collect();
                    assert_eq!(path.len(), batch.positions[node] as usize + 1);
                    path
                };
                let mut found = BTreeMap::new();
                for target in &batch.targets {
                    let key = (path(target.hidden as usize), target.token);
                    *found.entry(key).or_default() += target.weight;
                }
                assert_eq!(found, of_rows(&own), "{dataset:?}");
                let real: usize = own.iter().map(|example| example.tokens.len()).sum();
                assert_eq!(batch.real_tokens, real);
                assert_eq!(batch.examples, own.len());

                // In parts they are the same examples, and no part has more than it may, but what is longer by itself.
                for budget in [1, 150, 1 << 20] {
                    let parts = Batch::branches_within(&own, &trunk, budget);
                    let sum = |of: &dyn Fn(&Batch) -> usize| parts.iter().map(of).sum::<usize>();
                    assert_eq!(sum(&|part| part.real_tokens), real);
                    assert_eq!(sum(&|part| part.label_tokens), batch.label_tokens);
                    assert_eq!(sum(&|part| part.examples), own.len());
                    assert!(
                        parts
                            .iter()
                            .all(|part| part.len() <= budget || part.examples == 1)
                    );
                    if budget > batch.len() && !own.is_empty() {
                        assert_eq!(parts, std::slice::from_ref(&batch));
                    }
                }
            }
        }
    }
}

#[test]
fn stages_that_read_other_trajectories_take_common_ones_in_the_same_order() {
    let order = |trajectories: &[u32], epoch| {
        let plan = Plan::in_common_order(trajectories, 1, 7);
        let steps = plan.epoch(epoch).concat();
        steps
            .iter()
            .map(|&at| trajectories[at as usize])
            .collect::<Vec<_>>()
    };
    let all: Vec<u32> = (0..50).collect();
    let some: Vec<u32> = all
        .iter()
        .copied()
        .filter(|number| number % 3 == 0)
        .collect();
    for epoch in 0..3 {
        let mut expected = order(&all, epoch);
        expected.retain(|number| some.contains(number));
        assert_eq!(order(&some, epoch), expected);
    }
    assert_ne!(order(&all, 0), order(&all, 1));
}

#[test]
fn templates_without_the_layout_are_named() {
    let texts = "backbone = '{history}|'\nplanner = '{history}|'\ncaller = '{history}|'\nsummarizer = '{history}|'\n";
    let plain = Prompts::parse("mine.toml", texts).unwrap();
    let error = plain.with_layout(Layout::RoleLast).unwrap_err().to_string();
    assert!(
        error.contains("mine.toml have no table [role-last]"),
        "{error}"
    );
    let role_last = |head: &str, caller: &str, summarizer: &str| {
        let table = format!(
            "{texts}[role-last]\nhead = '{head}'\nbackbone = 'b'\nplanner = 'p'\ncaller = '{caller}'\nsummarizer = '{summarizer}'\n"
        );
        Prompts::parse("mine.toml", &table)
    };
    assert!(role_last("{history}", "c{thought}", "s{thought}").is_ok());
    for (head, caller, summarizer, part) in [
        (
            "x",
            "c",
            "s",
            "`role-last.head`: {history} must occur exactly once",
        ),
        (
            "{history}{thought}",
            "c",
            "s",
            "`role-last.head`: line 1: {thought}",
        ),
        (
            "{history}",
            "{thought}",
            "s",
            "`role-last.caller`: it must begin with text",
        ),
        (
            "{history}",
            "",
            "s",
            "`role-last.caller`: it must begin with text",
        ),
        (
            "{history}",
            "c",
            "s{history}",
            "`role-last.summarizer`: {history} is part of `head`",
        ),
    ] {
        let error = role_last(head, caller, summarizer).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
