//! No input, however wrong, ends in a panic.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use answers::{COMPAT, FIXED, answer, call, directory, returned};
use glpft_data::{Dataset, GiveUpPrompt, Prompts, Source, examples};
use serde_json::{Value, json};

fn sample() -> Value {
    let path = [
        call(Some("think é"), "f", "{\"a\": 1}"),
        returned(r#"{"error": "", "response": "r \ud83d"}"#),
        json!({"role": "user", "content": "again"}),
        call(
            None,
            "Finish",
            r#"{"return_type": "give_answer", "final_answer": "a"}"#,
        ),
    ];
    answer("q", &path)
}

/// Reads one raw answer to its examples; what is bad must be reported, not thrown.
fn use_up(text: &[u8]) {
    let good = sample().to_string().into_bytes();
    let files = [
        ("answer/G1_answer/1_x.json", text.to_vec()),
        ("answer/G1_answer/2_x.json", good),
    ];
    let directory = directory(files);
    let source = Source::open(directory.path(), None).unwrap();
    for options in [COMPAT, FIXED] {
        let read = source.read_conversations(&options, &mut |_, _| ()).unwrap();
        for conversation in &read.conversations {
            for dataset in Dataset::ALL {
                examples(
                    0,
                    conversation,
                    dataset,
                    &Prompts::builtin().unwrap(),
                    &mut GiveUpPrompt::Own,
                );
            }
        }
    }
}

/// The paths of every value below `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                pointers(element, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(object) => {
            for (key, element) in object {
                pointers(element, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn any_value_in_any_place() {
    let sample = sample();
    let mut places = Vec::new();
    pointers(&sample, "", &mut places);
    let values = [
        json!(null),
        json!(true),
        json!(-1e300),
        json!(""),
        json!("Finish"),
        json!([]),
        json!([null]),
        json!({}),
    ];
    for place in &places {
        for value in &values {
            let mut changed = sample.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            use_up(changed.to_string().as_bytes());
        }
    }
}

#[test]
fn any_cut_and_any_byte() {
    let text = sample().to_string().into_bytes();
    for index in (0..text.len()).step_by(3) {
        use_up(&text[..index]);
        let mut changed = text.clone();
        changed[index] = [b'"', b'\\', b'{', 0xff, b'N'][index % 5];
        use_up(&changed);
    }
}

#[test]
fn stage_files_with_any_value_in_any_place() {
    let turns = json!([{"from": "user", "value": "q"}, {"from": "assistant", "value": "x"}, {"from": "caller", "value": "y"}]);
    let element = json!({"tools": [{"Name": "f"}], "instruction": "q", "conversations": turns});
    let mut places = Vec::new();
    pointers(&element, "", &mut places);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("stage_2.json");
    for place in &places {
        for value in [json!(null), json!(3), json!("caller"), json!([]), json!({})] {
            let mut changed = element.clone();
            *changed.pointer_mut(place).unwrap() = value;
            std::fs::write(&path, json!([element, changed]).to_string()).unwrap();
            let read = Source::open(&path, None)
                .unwrap()
                .read_conversations(&COMPAT, &mut |_, _| ())
                .unwrap();
            assert_eq!(read.report.kept + read.report.bad.len(), 2);
            for conversation in &read.conversations {
                for dataset in Dataset::ALL {
                    examples(
                        0,
                        conversation,
                        dataset,
                        &Prompts::builtin().unwrap(),
                        &mut GiveUpPrompt::Own,
                    );
                }
            }
        }
    }
}
