//! Examples to tokens, with the small byte-level tokenizer.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use super::*;
use crate::tokenizer::tests::{bos, byte_level};

fn tokenizer(with_bos: bool) -> PromptTokenizer {
    let json = byte_level(if with_bos {
        bos()
    } else {
        serde_json::Value::Null
    });
    PromptTokenizer::from_bytes(json.to_string().as_bytes(), "<|end|>").unwrap()
}

fn options(truncate: Truncate, max_length: usize) -> EncodeOptions {
    EncodeOptions {
        separators: Separators::Eos,
        system_prefix: SystemPrefix::Both,
        truncate,
        max_length,
        train_on_inputs: false,
    }
}

/// A trajectory of `steps` steps: each example's history is the instruction and the turns so far, ten bytes each
/// with a separator after every second one.
fn trajectory(number: usize, steps: usize) -> Vec<Example> {
    let mut prompt = Prompt::default();
    prompt.before.push("TOOLS:");
    prompt.after.push("ANSWER:");
    prompt
        .turns
        .push(Text::new().push("INSTRUCTION").separate().clone());
    let mut examples = Vec::new();
    for step in 0..steps {
        examples.push(Example {
            trajectory: number,
            turn: 2 * step + 1,
            prompt: prompt.clone(),
            target: format!("T{step}"),
        });
        prompt.turns.push(
            Text::new()
                .push(&format!("CALL-{number}-{step:02}"))
                .separate()
                .clone(),
        );
        prompt.turns.push(
            Text::new()
                .push(&format!("SEEN-{number}-{step:02}"))
                .clone(),
        );
    }
    examples
}

fn text(tokenizer: &PromptTokenizer, example: &TokenExample) -> String {
    tokenizer.decode(&example.tokens, true).unwrap()
}

#[test]
fn prompt_target_and_labels() {
    for (with_bos, bos) in [(false, ""), (true, "<|start|>")] {
        let tokenizer = tokenizer(with_bos);
        for (prefix, system) in [
            (SystemPrefix::Train, "system: "),
            (SystemPrefix::Both, "system: "),
            (SystemPrefix::None, ""),
        ] {
            let options = EncodeOptions {
                system_prefix: prefix,
                ..options(Truncate::Drop, 1000)
            };
            let encoded = encode_examples(&tokenizer, &trajectory(7, 2), &options).unwrap();
            let example = &encoded.examples[1];
            let expected = format!(
                "{bos}{system}TOOLS:INSTRUCTION<|end|>CALL-7-00<|end|>SEEN-7-00ANSWER:T1<|end|>"
            );
            assert_eq!(text(&tokenizer, example), expected);
            assert_eq!(
                tokenizer
                    .decode(&example.tokens[example.label_start..], true)
                    .unwrap(),
                "T1<|end|>"
            );
            assert_eq!(
                (example.trajectory, example.turn, example.label_tokens()),
                (7, 3, 3)
            );
            assert_eq!((encoded.truncated, encoded.dropped.len()), (0, 0));
        }
        let prompt = &trajectory(7, 1)[0].prompt;
        let ids = encode_prompt(&tokenizer, prompt, Separators::Eos, false).unwrap();
        assert_eq!(
            tokenizer.decode(&ids, true).unwrap(),
            format!("{bos}TOOLS:INSTRUCTION<|end|>ANSWER:")
        );
    }
}

#[test]
fn prompts_are_labels_where_the_recipe_says_so() {
    let tokenizer = tokenizer(false);
    let plain = options(Truncate::Drop, 1000);
    let whole = EncodeOptions {
        train_on_inputs: true,
        ..plain
    };
    let of = |options| {
        encode_examples(&tokenizer, &trajectory(1, 2), options)
            .unwrap()
            .examples
    };
    for (plain, whole) in of(&plain).iter().zip(of(&whole)) {
        assert_eq!(plain.tokens, whole.tokens);
        assert!(plain.label_start > 1);
        assert_eq!(whole.label_positions(), 1..whole.tokens.len());
    }
}

#[test]
fn literal_separators_merge_as_text() {
    let tokenizer = tokenizer(false);
    let options = EncodeOptions {
        separators: Separators::Literal,
        ..options(Truncate::Drop, 1000)
    };
    let encoded = encode_examples(&tokenizer, &trajectory(1, 1), &options).unwrap();
    assert_eq!(
        text(&tokenizer, &encoded.examples[0]),
        "system: TOOLS:INSTRUCTION</s>ANSWER:T0</s>"
    );
    assert!(
        encoded.examples[0]
            .tokens
            .iter()
            .all(|&id| !tokenizer.is_added(id))
    );
}

#[test]
fn the_last_tokens_stay() {
    let tokenizer = tokenizer(true);
    let encoded =
        encode_examples(&tokenizer, &trajectory(1, 3), &options(Truncate::Last, 12)).unwrap();
    assert_eq!(encoded.truncated, 3);
    assert_eq!(
        text(&tokenizer, &encoded.examples[2]),
        "00ANSWER:T2<|end|>".replace("00", "01")
    );
    assert_eq!(encoded.examples[2].label_start, 9);
    // The target alone is too long: one token of it has nothing before it.
    let encoded =
        encode_examples(&tokenizer, &trajectory(1, 1), &options(Truncate::Last, 2)).unwrap();
    assert_eq!(
        (
            encoded.examples[0].label_start,
            encoded.examples[0].label_tokens()
        ),
        (0, 1)
    );
    let encoded =
        encode_examples(&tokenizer, &trajectory(1, 1), &options(Truncate::Last, 1)).unwrap();
    assert_eq!(encoded.dropped, BTreeMap::from([(DropReason::NoLabel, 1)]));
}

#[test]
fn too_long_examples_are_dropped() {
    let tokenizer = tokenizer(false);
    let whole = encode_examples(
        &tokenizer,
        &trajectory(1, 4),
        &options(Truncate::Drop, 1000),
    )
    .unwrap();
    let lengths: Vec<usize> = whole
        .examples
        .iter()
        .map(|example| example.tokens.len())
        .collect();
    let encoded = encode_examples(
        &tokenizer,
        &trajectory(1, 4),
        &options(Truncate::Drop, lengths[1]),
    )
    .unwrap();
    assert_eq!(encoded.examples, whole.examples[..2]);
    assert_eq!(encoded.dropped, BTreeMap::from([(DropReason::TooLong, 2)]));
}

#[test]
fn the_oldest_turns_go() {
    let tokenizer = tokenizer(true);
    let whole = encode_examples(
        &tokenizer,
        &trajectory(1, 6),
        &options(Truncate::Drop, 1000),
    )
    .unwrap();
    let lengths: Vec<usize> = whole
        .examples
        .iter()
        .map(|example| example.tokens.len())
        .collect();
    // Room for the history of three steps.
    let encoded = encode_examples(
        &tokenizer,
        &trajectory(1, 6),
        &options(Truncate::OldestTurns, lengths[3]),
    )
    .unwrap();
    assert_eq!(
        (
            encoded.examples.len(),
            encoded.truncated,
            encoded.dropped.len()
        ),
        (6, 2, 0)
    );
    assert_eq!(encoded.examples[..4], whole.examples[..4]);
    let start = "<|start|>system: TOOLS:INSTRUCTION<|end|>";
    let kept = |from: usize, to: usize| -> String {
        (from..to)
            .map(|step| format!("CALL-1-{step:02}<|end|>SEEN-1-{step:02}"))
            .collect()
    };
    // Both leave out what the last one must.
    assert_eq!(
        text(&tokenizer, &encoded.examples[4]),
        format!("{start}{}ANSWER:T4<|end|>", kept(2, 4))
    );
    assert_eq!(
        text(&tokenizer, &encoded.examples[5]),
        format!("{start}{}ANSWER:T5<|end|>", kept(2, 5))
    );
    for example in &encoded.examples {
        assert!(example.tokens.len() <= lengths[3]);
        assert_eq!(example.label_tokens(), 3);
    }
    // No room even without history.
    let encoded = encode_examples(
        &tokenizer,
        &trajectory(1, 3),
        &options(Truncate::OldestTurns, lengths[0] - 1),
    )
    .unwrap();
    assert_eq!((encoded.examples.len(), encoded.truncated), (0, 0));
    assert_eq!(encoded.dropped, BTreeMap::from([(DropReason::NoRoom, 3)]));
}

/// Whatever the limit: no example is too long, each keeps tools, instruction and target, and none is lost that fits
/// without history.
#[test]
fn every_limit_holds() {
    let tokenizer = tokenizer(true);
    let examples: Vec<Example> = (0..4)
        .flat_map(|number| trajectory(number, 2 + number))
        .collect();
    for max_length in 1..140 {
        for truncate in [Truncate::Last, Truncate::OldestTurns, Truncate::Drop] {
            let encoded =
                encode_examples(&tokenizer, &examples, &options(truncate, max_length)).unwrap();
            assert_eq!(
                encoded.examples.len() + encoded.dropped.values().sum::<usize>(),
                examples.len()
            );
            for example in &encoded.examples {
                assert!(example.tokens.len() <= max_length && example.label_tokens() > 0);
                if truncate == Truncate::OldestTurns {
                    let text = text(&tokenizer, example);
                    assert!(
                        text.starts_with("<|start|>system: TOOLS:INSTRUCTION<|end|>"),
                        "{text}"
                    );
                    assert!(text.contains("ANSWER:T"), "{text}");
                }
            }
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let tokenizer = tokenizer(true);
    let examples: Vec<Example> = (0..20)
        .flat_map(|number| trajectory(number, 1 + number % 5))
        .collect();
    let options = options(Truncate::OldestTurns, 80);
    let alone = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let alone = alone.install(|| encode_examples(&tokenizer, &examples, &options).unwrap());
    assert_eq!(
        encode_examples(&tokenizer, &examples, &options).unwrap(),
        alone
    );
}
