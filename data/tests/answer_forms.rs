//! Raw answers as other collections write them: the tools form, absent keys, arguments that are no JSON, files of other
//! kinds, queries under several ids, and how many bad records are too many.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use std::path::Path;

use answers::{COMPAT, FIXED, answer, call, directory, read, returned, turns};
use glpft_data::{QuerySplits, ReadOptions, Source, SourceError, Split};
use serde_json::{Value, json};

const END: &str = r#"{"return_type": "give_answer", "final_answer": "done"}"#;

fn finished(query: &str) -> Value {
    answer(query, &[call(None, "Finish", END)])
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// The turns of a whole raw answer, or why it is bad.
fn read_one(raw: &Value, options: &ReadOptions) -> Result<Vec<String>, String> {
    let good = finished("another");
    let directory = directory([
        ("answer/G1_answer/1_x.json", bytes(raw)),
        ("answer/G1_answer/2_x.json", bytes(&good)),
    ]);
    let read = read(directory.path(), options).unwrap();
    match read.report.bad.first() {
        Some(bad) => Err(bad.reason.clone()),
        None => Ok(read.conversations[0]
            .turns
            .iter()
            .map(|turn| format!("{}: {}", turn.from.name(), turn.value))
            .collect()),
    }
}

fn tool_call(id: &str, name: &str, arguments: Value) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calls(content: Option<&str>, calls: &[Value]) -> Value {
    json!({"role": "assistant", "content": content, "function_call": null, "tool_calls": calls})
}

fn replied(role: &str, id: &str, response: &str) -> Value {
    let content = json!({"error": "", "response": response}).to_string();
    json!({"role": role, "name": "f", "tool_call_id": id, "content": content})
}

#[test]
fn several_calls_become_pairs_whatever_the_order_of_their_replies() {
    let oslo = tool_call("c1", "f", json!(r#"{"a": "Oslo"}"#));
    let rome = tool_call("c2", "f", json!({"a": "Rome"}));
    let end = calls(None, &[tool_call("c9", "Finish", json!(END))]);
    let expected = [
        "user: q",
        "assistant: both\n Next: caller.",
        "caller: Action: f\nAction Input: {\"a\": \"Oslo\"}",
        "observation: sunny",
        "assistant:  Next: caller.",
        "caller: Action: f\nAction Input: {\"a\": \"Rome\"}",
        "observation: rainy",
        "assistant:  Next: conclusion.",
        "conclusion: done",
    ];
    let first = calls(Some("both"), &[oslo.clone(), rome.clone()]);
    for role in ["tool", "function"] {
        let (sunny, rainy) = (replied(role, "c1", "sunny"), replied(role, "c2", "rainy"));
        for replies in [[&sunny, &rainy], [&rainy, &sunny]] {
            let path = [
                first.clone(),
                replies[0].clone(),
                replies[1].clone(),
                end.clone(),
            ];
            for options in [&COMPAT, &FIXED] {
                assert_eq!(turns(&path, options), expected);
            }
        }
    }
    // The functions as the form wraps them.
    let sunny = replied("tool", "c1", "sunny");
    let one = [calls(None, &[oslo]), sunny.clone(), end.clone()];
    let mut wrapped = answer("q", &one);
    let functions = wrapped["answer_generation"]["function"]
        .as_array_mut()
        .unwrap();
    for function in functions {
        *function = json!({"type": "function", "function": function.clone()});
    }
    assert_eq!(read_one(&wrapped, &FIXED).unwrap().len(), 6);
    // Both forms in one file.
    let mixed = [
        call(Some("old"), "f", "{}"),
        returned(r#"{"error": "", "response": "r"}"#),
        calls(Some("new"), &[rome]),
        json!({"role": "tool", "tool_call_id": "c2", "content": {"error": "", "response": {"t": 1}}}),
        call(None, "Finish", END),
    ];
    assert_eq!(
        turns(&mixed, &FIXED)[1..7],
        [
            "assistant: old\n Next: caller.",
            "caller: Action: f\nAction Input: {}",
            "observation: r",
            "assistant: new\n Next: caller.",
            "caller: Action: f\nAction Input: {\"a\": \"Rome\"}",
            "observation: {\"t\": 1}",
        ]
    );
}

#[test]
fn calls_and_replies_that_do_not_belong_together_make_a_bad_record() {
    let one = || calls(None, &[tool_call("c1", "f", json!("{}"))]);
    let end = || call(None, "Finish", END);
    for (path, reason) in [
        (
            vec![one(), replied("tool", "c7", "x"), end()],
            "`answer_generation.train_messages[1][2].tool_calls[0]`: no message after it has the tool_call_id \"c1\"",
        ),
        (
            vec![one(), end()],
            "`answer_generation.train_messages[1][2].tool_calls[0]`: no message after it has",
        ),
        (
            vec![
                one(),
                replied("tool", "c1", "x"),
                replied("tool", "c1", "y"),
                end(),
            ],
            "`answer_generation.train_messages[1][4]`: its tool_call_id \"c1\" is that of no call",
        ),
        (
            vec![
                json!({"role": "assistant", "content": "talk"}),
                replied("tool", "c1", "x"),
                end(),
            ],
            "`answer_generation.train_messages[1][3]`: its tool_call_id \"c1\" is that of no call",
        ),
        (
            vec![
                calls(None, &[json!({"id": "c1", "type": "function"})]),
                end(),
            ],
            "`answer_generation.train_messages[1][2].tool_calls[0]` has no `function`",
        ),
    ] {
        let found = read_one(&answer("q", &path), &FIXED).unwrap_err();
        assert!(found.starts_with(reason), "{found}");
    }
    // A path that was cut off behind its calls is one.
    assert_eq!(turns(&[one()], &FIXED).len(), 3);
}

#[test]
fn absent_null_and_empty_are_one() {
    let forms = [
        json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}),
        json!({"role": "assistant", "content": null, "tool_calls": null,
            "function_call": {"name": "f", "arguments": "{}"}}),
        json!({"role": "assistant", "content": null, "tool_calls": [],
            "function_call": {"name": "f", "arguments": {}}}),
    ];
    let end = call(None, "Finish", END);
    for form in forms {
        let path = [form, end.clone()];
        for options in [&COMPAT, &FIXED] {
            assert_eq!(turns(&path, options)[1], "assistant:  Next: caller.");
            assert_eq!(
                turns(&path, options)[2],
                "caller: Action: f\nAction Input: {}"
            );
        }
    }
    for arguments in [json!(null), json!(""), json!(" "), json!({})] {
        let form =
            json!({"role": "assistant", "function_call": {"name": "f", "arguments": arguments}});
        assert_eq!(
            turns(&[form], &FIXED)[2],
            "caller: Action: f\nAction Input: {}"
        );
    }
    let absent = json!({"role": "assistant", "function_call": {"name": "f"}});
    assert_eq!(
        turns(&[absent], &FIXED)[2],
        "caller: Action: f\nAction Input: {}"
    );
    // A reply that says nothing, a message without a call, a function without arguments or description.
    let silent = json!({"role": "function", "name": "f"});
    let nothing = json!({"role": "assistant", "content": "talk", "function_call": {}});
    assert_eq!(
        turns(&[silent, nothing], &FIXED),
        ["user: q", "observation: "]
    );
    let mut raw = finished("q");
    raw["answer_generation"]["function"] = json!([{"name": "f"}, {"name": "g", "description": null,
        "parameters": {"type": "object", "properties": null}}]);
    assert!(read_one(&raw, &FIXED).is_ok());
}

#[test]
fn arguments_are_read_by_their_keys_or_make_a_bad_record() {
    for (arguments, input) in [
        (r#"{"a": "x"}"#, r#"{"a": "x"}"#),
        (r#"{"a":1.50}"#, r#"{"a":1.50}"#),
        ("{\"a\": \"two\nlines\"}", r#"{"a": "two\nlines"}"#),
        ("{'a': 'it\\'s', 'b': True}", r#"{"a": "it's", "b": true}"#),
        (r#"{"a": "x""#, r#"{"a": "x"}"#),
        ("```json\n{\"a\": 1}\n```", r#"{"a": 1}"#),
    ] {
        let path = [call(None, "f", arguments)];
        let input = format!("caller: Action: f\nAction Input: {input}");
        assert_eq!(turns(&path, &FIXED)[2], input);
        let as_written = format!("caller: Action: f\nAction Input: {arguments}");
        assert_eq!(turns(&path, &COMPAT)[2], as_written);
    }
    for arguments in ["Oslo", r#"{"a": "cut in the mid"#, r#"{"a": Oslo}"#] {
        let reason = read_one(&answer("q", &[call(None, "f", arguments)]), &FIXED).unwrap_err();
        assert!(
            reason.contains("`answer_generation.train_messages[1][2].function_call` calls f")
                && reason.contains("data.arguments"),
            "{reason}"
        );
    }
}

#[test]
fn the_end_is_what_finish_says_else_what_the_record_says() {
    let compact = "{\"return_type\":\"give_answer\",\"final_answer\":\"two\nlines\"}";
    let quoted =
        r#"{"return_type":"give_answer","final_answer":"a "quote" of give_up_and_restart"}"#;
    for (arguments, recorded, conclusion) in [
        (compact, None, Ok("conclusion: two\nlines")),
        (compact, Some("other"), Ok("conclusion: two\nlines")),
        (
            quoted,
            None,
            Ok("conclusion: a \"quote\" of give_up_and_restart"),
        ),
        ("broken", Some("recorded"), Ok("conclusion: recorded")),
        ("broken", Some(END), Ok("conclusion: done")),
        (
            "broken",
            None,
            Err("calls Finish with arguments that are not readable"),
        ),
        ("broken", Some("{broken"), Err("(\"broken\")")),
    ] {
        let mut raw = answer("q", &[call(Some("I know."), "Finish", arguments)]);
        raw["answer_generation"]["final_answer"] = json!(recorded);
        match (read_one(&raw, &FIXED), conclusion) {
            (Ok(turns), Ok(conclusion)) => assert_eq!(turns.last().unwrap(), conclusion),
            (Err(found), Err(reason)) => assert!(found.contains(reason), "{found}"),
            (found, _) => panic!("{arguments} {recorded:?}: {found:?}"),
        }
    }
}

#[test]
fn keys_that_are_not_read_are_named_and_counted() {
    let mut refused = call(None, "Finish", END);
    refused["refusal"] = json!("no");
    refused["audio"] = json!(null);
    let mut raw = answer("q", &[refused]);
    raw["answer_generation"]["function"][0]["cost"] = json!(3);
    let directory = directory([
        ("answer/G1_answer/1_x.json", bytes(&raw)),
        ("answer/G1_answer/2_x.json", bytes(&raw)),
        ("answer/G1_answer/3_x.json", bytes(&finished("r"))),
    ]);
    let report = read(directory.path(), &FIXED).unwrap().report;
    assert_eq!(
        report.warnings(),
        [
            "the source has keys that are not read: `function[].cost` (2 records), `train_messages[].refusal` (2 records)"
        ]
    );
    assert!(report.to_string().ends_with(&report.warnings()[0]));
}

#[test]
fn a_query_is_its_text_on_both_sides_of_a_split() {
    let names: Vec<String> = (0..40)
        .map(|id| format!("answer/G{}_answer/{}_x.json", 1 + id / 20, 500 + id))
        .collect();
    let text = |id: usize| match id < 20 {
        true => format!("Question number {}?", id % 20),
        false => format!(" question  NUMBER {}?\n", id % 20),
    };
    let files: Vec<_> = (0..40)
        .map(|id| (names[id].as_str(), bytes(&finished(&text(id)))))
        .collect();
    let directory = directory(files);
    let read = read(directory.path(), &FIXED).unwrap();
    let queries = read.conversations.iter().map(|one| one.query.as_str());
    let splits = QuerySplits::new(queries, 1.0, 0.3, 42);
    let sides = [Split::FirstHalf, Split::SecondHalf, Split::Validation];
    assert_eq!(
        sides.map(|side| splits.count(side)).iter().sum::<usize>(),
        20
    );
    assert_eq!(splits.count(Split::Validation), 6);
    for pair in 0..20 {
        let [one, other] = [pair, pair + 20].map(|id| splits.get(&read.conversations[id].query));
        assert_eq!(one, other);
        assert_eq!(one, splits.get(&text(pair)));
    }
}

#[test]
fn test_queries_are_known_by_their_text() {
    let files = |extra: &[(&'static str, Value)]| {
        let mut files = vec![
            ("answer/G1_answer/10_x.json", bytes(&finished("What now?"))),
            ("answer/G2_answer/77_x.json", bytes(&finished("what  NOW?"))),
            ("answer/G2_answer/78_x.json", bytes(&finished("Who?"))),
            ("answer/G2_answer/79_x.json", bytes(&finished("Why?"))),
        ];
        files.extend(extra.iter().map(|(path, value)| (*path, bytes(value))));
        directory(files)
    };
    let count = |directory: &Path, options| {
        let report = read(directory, options).unwrap().report;
        (report.kept, report.test_queries, report.test_query_texts)
    };
    let ids = ("test_query_ids/G1_tool.json", json!({"10": 0}));
    let by_id = files(std::slice::from_ref(&ids));
    assert_eq!(count(by_id.path(), &FIXED), (2, 2, 1));
    // The published pipeline trains on it; it is told.
    assert_eq!(count(by_id.path(), &COMPAT), (3, 1, 1));
    let report = read(by_id.path(), &COMPAT).unwrap().report.to_string();
    assert!(
        report.ends_with("1 record has the text of a test query under another id"),
        "{report}"
    );
    // Texts beside the ids, or in their place.
    let list = json!([{"query_id": 999, "query": "Who?", "api_list": []}]);
    let beside = files(&[ids, ("test_instruction/G1_tool.json", list.clone())]);
    assert_eq!(count(beside.path(), &FIXED), (1, 3, 2));
    let instead = files(&[("test_query_ids/G1_tool.json", list)]);
    assert_eq!(count(instead.path(), &FIXED), (3, 1, 1));
}

#[test]
fn well_known_files_are_named_and_byte_order_marks_skipped() {
    let marked = [b"\xef\xbb\xbf".to_vec(), bytes(&finished("q"))].concat();
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n".to_vec();
    let directory = directory([
        ("answer/G1_answer/1_x.json", marked),
        ("answer/G1_answer/2_x.json", lfs),
        (
            "answer/G1_answer/3_x.json",
            b"<!DOCTYPE html><html>".to_vec(),
        ),
        ("answer/G1_answer/4_x.json", b"PK\x03\x04".to_vec()),
        (
            "test_query_ids/G1_tool.json",
            b"\xef\xbb\xbf{\"10\": 0}".to_vec(),
        ),
    ]);
    let options = ReadOptions {
        max_bad_fraction: 1.0,
        ..FIXED
    };
    let report = read(directory.path(), &options).unwrap().report;
    assert_eq!(report.kept, 1);
    let reasons: Vec<&str> = report.bad.iter().map(|bad| bad.reason.as_str()).collect();
    for (reason, word) in reasons
        .iter()
        .zip(["Git LFS pointer", "web page", "ZIP archive"])
    {
        assert!(reason.contains(word), "{reason}");
    }
    let lfs = b"version https://git-lfs.github.com/spec/v1\n".to_vec();
    let directory = answers::directory([
        ("answer/G1_answer/1_x.json", bytes(&finished("q"))),
        ("test_query_ids/G1_tool.json", lfs),
    ]);
    let message = read(directory.path(), &FIXED).unwrap_err().to_string();
    assert!(
        message.contains("G1_tool.json: is a Git LFS pointer"),
        "{message}"
    );
    let directory = answers::directory([("answer/G1_answer/answers.zip", b"PK".to_vec())]);
    let message = read(directory.path(), &FIXED).unwrap_err().to_string();
    assert!(
        message.contains("it holds answers.zip: unpack it"),
        "{message}"
    );
}

#[test]
fn too_many_bad_records_are_an_error_that_a_key_raises() {
    let read_with = |good: usize, bad: usize, fraction: f64| {
        let names: Vec<String> = (0..good + bad)
            .map(|id| format!("answer/G1_answer/{id:04}_x.json"))
            .collect();
        let files = names.iter().enumerate().map(|(id, name)| {
            let text = match id < good {
                true => bytes(&finished(&format!("q {id}"))),
                false => b"broken".to_vec(),
            };
            (name.as_str(), text)
        });
        let directory = directory(files);
        let options = ReadOptions {
            max_bad_fraction: fraction,
            ..FIXED
        };
        let source = Source::open(directory.path(), None)?;
        let mut seen = 0;
        let report = source.read::<SourceError>(&options, &mut |_, _| (), &mut |_| {
            seen += 1;
            Ok(())
        })?;
        assert_eq!((seen, report.bad.len()), (good, bad));
        Ok::<_, SourceError>(report)
    };
    // Of few records half, up to ten; of many the share.
    for (good, bad, fraction, is_fine) in [
        (1, 1, 0.1, true),
        (1, 2, 0.1, false),
        (2, 8, 0.1, false),
        (20, 10, 0.1, true),
        (20, 11, 0.1, false),
        (180, 20, 0.1, true),
        (180, 21, 0.1, false),
        (5, 300, 0.1, false),
        (5, 300, 0.99, true),
        (1, 9, 1.0, true),
        (90, 11, 0.0, false),
    ] {
        let found = read_with(good, bad, fraction);
        assert_eq!(found.is_ok(), is_fine, "{good} {bad} {fraction}");
    }
    let message = read_with(5, 300, 0.1).unwrap_err().to_string();
    for part in [
        "300 of 305 records cannot be used",
        "the 30 that may be",
        "0005_x.json: is not valid JSON",
        "data.max_bad_fraction",
    ] {
        assert!(message.contains(part), "{message}");
    }
}
