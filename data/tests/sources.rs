//! Sources: forms, exclusions, bad input.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use std::path::Path;

use answers::{COMPAT, FIXED, answer, call, directory, read, returned, turns};
use glpft_data::{Conversations, ReadOptions, Source, SourceForm, sample};
use serde_json::{Value, json};

fn finished(query: &str) -> Value {
    let arguments = r#"{"return_type": "give_answer", "final_answer": "done"}"#;
    answer(query, &[call(None, "Finish", arguments)])
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn instructions(read: &Conversations) -> Vec<&str> {
    let conversations = read.conversations.iter();
    conversations.map(|one| one.instruction.as_str()).collect()
}

fn error(path: &Path) -> String {
    read(path, &COMPAT).unwrap_err().to_string()
}

#[test]
fn files_come_by_group_and_then_by_name() {
    let directory = directory([
        ("answer/G2_answer/10_x.json", bytes(&finished("d"))),
        ("answer/G1_answer/9_x.json", bytes(&finished("c"))),
        ("answer/G1_answer/10_y.json", bytes(&finished("b"))),
        ("answer/G1_answer/102_x.json", bytes(&finished("a"))),
        ("answer/G1_answer/notes.txt", b"not an answer".to_vec()),
        ("answer/G4_answer/1_x.json", bytes(&finished("not a group"))),
    ]);
    let read = read(directory.path(), &COMPAT).unwrap();
    assert_eq!(instructions(&read), ["a", "b", "c", "d"]);
    assert_eq!(read.report.records, 4);
}

#[test]
fn rollouts_are_read_where_the_agent_leaves_them() {
    let evaluated = directory([
        ("answers/G2_category/2_CoT@1.json", bytes(&finished("b"))),
        ("answers/G1_tool/1_CoT@1.json", bytes(&finished("a"))),
        ("live.json", b"{}".to_vec()),
    ]);
    let read = |path: &Path| read(path, &COMPAT).unwrap();
    assert_eq!(instructions(&read(evaluated.path())), ["a", "b"]);
    let flat = directory([("1_DFS_woFilter_w2.json", bytes(&finished("a")))]);
    assert_eq!(instructions(&read(flat.path())), ["a"]);
}

#[test]
fn tools_are_cut_and_kept_in_order() {
    let mut raw = finished("q");
    raw["answer_generation"]["function"][0]["name"] = Value::from(format!("é{}z", "n".repeat(64)));
    raw["answer_generation"]["function"][0]["description"] =
        Value::from(format!("{}é", "é".repeat(256)));
    raw["answer_generation"]["function"][0]["parameters"]["properties"]["c"] =
        json!({"type": "t", "description": format!("a{}", "é".repeat(256))});
    let directory = directory([("answer/G1_answer/1_x.json", bytes(&raw))]);
    let read = read(directory.path(), &COMPAT).unwrap();
    let tools = &read.conversations[0].tools;
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0].name(), format!("{}z", "n".repeat(63)));
    let input = json!({"a": "string, ", "b": "integer", "c": format!("t, {}", "é".repeat(256))});
    assert_eq!(
        tools[0].description().to_string(),
        json!({"Name": tools[0].name(), "function": "é".repeat(256), "input": input}).to_string()
    );
}

#[test]
fn test_queries_are_left_out_of_every_group() {
    let files = |test_ids: &[(&'static str, &str)]| {
        let mut files = vec![
            ("answer/G1_answer/10_x.json", bytes(&finished("a"))),
            ("answer/G3_answer/10_x.json", b"not even read".to_vec()),
            ("answer/G3_answer/11_x.json", bytes(&finished("b"))),
            ("answer/G3_answer/12_x.json", bytes(&finished("c"))),
        ];
        files.extend(
            test_ids
                .iter()
                .map(|(path, text)| (*path, text.as_bytes().to_vec())),
        );
        directory(files)
    };
    for (set, rest) in [
        (r#"{"10": 0, "11": 7}"#, "[]"),
        (r#"["10"]"#, r#"["11"]"#),
        ("[10, 11]", "{}"),
    ] {
        let directory = files(&[
            ("test_query_ids/G1_tool.json", set),
            ("test_query_ids/G3_instruction.json", rest),
        ]);
        let read = read(directory.path(), &COMPAT).unwrap();
        assert_eq!(instructions(&read), ["c"]);
        assert_eq!((read.report.test_queries, read.report.bad.len()), (3, 0));
    }
    for (set, problem) in [
        (r#"["10""#, "is not valid JSON"),
        ("3", "neither an object"),
        ("[[]]", "neither an object"),
    ] {
        let directory = files(&[("test_query_ids/G1_tool.json", set)]);
        let message = error(directory.path());
        assert!(
            message.contains(problem) && message.contains("G1_tool.json"),
            "{message}"
        );
    }
    let directory = files(&[("test_query_ids/other.json", "{}")]);
    assert!(error(directory.path()).contains("none of the six test sets"));
    let elsewhere = Source::open(directory.path(), Some(&directory.path().join("absent")));
    assert!(
        elsewhere
            .unwrap_err()
            .to_string()
            .contains("no such directory")
    );
}

#[test]
fn bad_files_are_reported_and_left_out() {
    let text = finished("q").to_string();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut raw = finished("q");
        change(&mut raw["answer_generation"]);
        bytes(&raw)
    };
    let message = |message: Value| bytes(&answer("q", &[message]));
    let bad: [(&str, Vec<u8>, &str); 13] = [
        (
            "01",
            text.as_bytes()[..text.len() / 2].to_vec(),
            "is not valid JSON: EOF",
        ),
        ("02", b"{\"a\": \"\xff\"}".to_vec(), "is not UTF-8 text"),
        ("03", b"[1, 2]".to_vec(), "expected an object"),
        ("04", Vec::new(), "is empty"),
        ("05", vec![b'['; 1_000_000], "is not valid JSON"),
        (
            "06",
            br#"{"answer_generation": 3}"#.to_vec(),
            "`answer_generation` is 3, not an object",
        ),
        (
            "07",
            change(&|a| a["train_messages"] = json!([])),
            "`answer_generation.train_messages` is empty",
        ),
        (
            "08",
            change(&|a| a["function"][0]["name"] = json!(null)),
            "`answer_generation.function[0]` has no `name` (it is null)",
        ),
        (
            "09",
            change(&|a| a["function"][0]["parameters"]["properties"]["b"] = json!({})),
            "`answer_generation.function[0].parameters.properties.b` has no `type`",
        ),
        (
            "10",
            change(&|a| {
                a.as_object_mut()
                    .map(|a| a.remove("query"))
                    .map(drop)
                    .unwrap_or_default()
            }),
            "`answer_generation` has no `query`",
        ),
        (
            "11",
            message(json!({"role": "robot", "content": ""})),
            "`answer_generation.train_messages[1][2].role` is \"robot\"",
        ),
        (
            "12",
            message(json!({"role": "assistant", "content": []})),
            "`answer_generation.train_messages[1][2].content` is [], not a string",
        ),
        (
            "13",
            message(returned(r#"{"response": {}}"#)),
            "`answer_generation.train_messages[1][2].content` holds no `response` that is a string",
        ),
    ];
    let names: Vec<String> = bad
        .iter()
        .map(|(id, ..)| format!("answer/G1_answer/{id}_x.json"))
        .collect();
    let mut files: Vec<_> = names
        .iter()
        .zip(&bad)
        .map(|(name, bad)| (name.as_str(), bad.1.clone()))
        .collect();
    files.push(("answer/G1_answer/14_x.json", bytes(&finished("good"))));
    let directory = directory(files);
    let kept = read(directory.path(), &COMPAT).unwrap();
    assert_eq!(instructions(&kept), ["good"]);
    assert_eq!(kept.report.bad.len(), bad.len());
    for (found, (id, _, reason)) in kept.report.bad.iter().zip(&bad) {
        assert!(found.record.ends_with(&format!("{id}_x.json")), "{found:?}");
        assert!(found.reason.contains(reason), "{found:?}");
    }
    let strict = ReadOptions {
        strict: true,
        ..COMPAT
    };
    let message = read(directory.path(), &strict).unwrap_err().to_string();
    assert!(
        message.contains("01_x.json: is not valid JSON") && message.contains("strict"),
        "{message}"
    );
}

#[test]
fn what_is_no_source_says_so() {
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path();
    assert!(error(&path.join("absent")).contains("set data.source to"));
    assert!(error(path).contains("is a directory without answer/G1_answer"));
    std::fs::create_dir_all(path.join("data/answer/G1_answer")).unwrap();
    assert!(error(path).contains("did you mean"));
    assert!(error(&path.join("data/answer")).contains("did you mean"));
    assert!(error(&path.join("data")).contains("without any .json file in its answer groups"));
    let file = path.join("file.json");
    for (text, found) in [
        ("", "empty"),
        ("[]", "an empty JSON array"),
        ("[{", "not valid JSON"),
        ("hello", "neither a JSON array nor JSON lines"),
        ("{}", "an object without keys"),
        ("[1]", "[0] is 1, not an object"),
        (
            r#"[{"a": 1}]"#,
            "[0] has the keys `a`: those of no form that is read",
        ),
        (
            r#"{"message": [], "tools": []}"#,
            "OpenAI chat has `messages` where this has `message`",
        ),
        (
            r#"{"chain": 1, "instruction": ""}"#,
            "stage-1 has `chains` where this has `chain`",
        ),
        (
            r#"{"query": "", "tools": []}"#,
            "nearest is xLAM, but there is no `answers`",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        assert!(error(&file).contains(found), "{text}: {}", error(&file));
    }
    let directory = directory([("answer/G1_answer/1_x.json", b"{}".to_vec())]);
    let message = error(directory.path());
    assert!(
        message.contains("no trajectory that can be used: 0 of 1 record kept"),
        "{message}"
    );
}

#[test]
fn stage_files_are_told_by_content_and_checked_element_by_element() {
    let tools = json!([{"Name": "f"}]);
    let chain = answer("", &[])["answer_generation"]["train_messages"][1].clone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("any.name");
    let stage_1 = json!([
        {"chains": 3},
        {"tools": tools, "instruction": "one", "chains": chain},
        {"tools": [{}], "instruction": "two", "chains": chain},
    ]);
    std::fs::write(&path, stage_1.to_string()).unwrap();
    assert_eq!(
        Source::open(&path, None).unwrap().form(),
        SourceForm::STAGE_1
    );
    let kept = read(&path, &COMPAT).unwrap();
    assert_eq!(instructions(&kept), ["one"]);
    let reasons: Vec<_> = kept
        .report
        .bad
        .iter()
        .map(|bad| bad.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        ["there is no `instruction`", "`tools[0]` has no `Name`"]
    );
    assert!(kept.report.bad[1].record.ends_with("any.name[2]"));

    let turns = json!([{"from": "user", "value": "one"}]);
    let unknown = json!([{"from": "human", "value": "one"}]);
    let stage_2 = json!([
        "odd",
        {"tools": tools, "instruction": "one", "conversations": turns},
        {"tools": tools, "instruction": "two", "conversations": unknown},
    ]);
    let text = stage_2.to_string();
    std::fs::write(&path, &text).unwrap();
    assert_eq!(
        Source::open(&path, None).unwrap().form(),
        SourceForm::STAGE_2
    );
    let kept = read(&path, &COMPAT).unwrap();
    assert_eq!(instructions(&kept), ["one"]);
    assert!(
        kept.report.bad[1]
            .reason
            .contains("is \"human\", not one of user, assistant")
    );

    std::fs::write(&path, &text[..text.len() - 3]).unwrap();
    assert!(error(&path).contains("is not valid JSON: EOF"));
}

#[test]
fn runs_that_were_cut_off_or_not_valid_are_counted() {
    let mut cut_off = finished("a");
    cut_off["answer_generation"]
        .as_object_mut()
        .unwrap()
        .remove("train_messages");
    let mut invalid = finished("b");
    invalid["answer_generation"]["valid_data"] = json!(false);
    let directory = directory([
        ("answer/G1_answer/1_x.json", bytes(&cut_off)),
        ("answer/G1_answer/2_x.json", bytes(&invalid)),
        ("answer/G1_answer/3_x.json", bytes(&finished("c"))),
        ("answer/G1_answer/4_x.json", b"{}".to_vec()),
    ]);
    let report = |options| read(directory.path(), options).unwrap().report.to_string();
    assert_eq!(
        report(&COMPAT),
        "2 of 4 records kept; 2 without train_messages"
    );
    assert_eq!(
        report(&FIXED),
        "1 of 4 records kept; 2 without train_messages, 1 not valid"
    );
}

#[test]
fn both_layouts_hold_the_same() {
    let mut tries = finished("q");
    let layout = tries.as_object_mut().unwrap();
    layout.remove("tree");
    layout.insert("try_count".to_owned(), json!(1));
    layout.insert("trys".to_owned(), json!([{"chain": [], "win": true}]));
    let directory = directory([
        ("answer/G1_answer/1_CoT@1.json", bytes(&tries)),
        (
            "answer/G1_answer/1_DFS_woFilter_w2.json",
            bytes(&finished("q")),
        ),
    ]);
    let read = read(directory.path(), &COMPAT).unwrap();
    assert_eq!(read.conversations.len(), 2);
    assert_eq!(read.conversations[0], read.conversations[1]);
}

#[test]
fn messages_become_turns() {
    let again = json!({"role": "user", "content": "This is not the first time", "valid": false});
    let path = [
        call(Some("think"), "f", "{\"a\": 1}"),
        returned(r#"{"error": "", "response": "r"}"#),
        call(Some(""), "f", "{}"),
        returned(r#"{"error": "e", "response": ""}"#),
        json!({"role": "assistant", "content": "only talk"}),
        again,
        call(None, "invalid_hallucination_function_name", "x"),
        returned(r#"{"error": "no such function", "resp..."#),
        call(
            Some("give"),
            "Finish",
            r#"{"return_type": "give_up_and_restart"}"#,
        ),
        call(
            None,
            "Finish",
            r#"{"return_type": "give_answer", "final_answer": [1, "é"]}"#,
        ),
    ];
    let broken = [
        call(None, "Finish", "broken"),
        call(Some("said"), "Finish", "broken"),
    ];
    let rest = [
        "user: This is not the first time",
        "assistant:  Next: caller.",
        "caller: Action: invalid_hallucination_function_name\nAction Input: x",
    ];
    let end = [
        "assistant: give\n Next: give up.",
        "assistant:  Next: conclusion.",
        r#"conclusion: [1, "\u00e9"]"#,
    ];
    let as_published = [
        "user: q",
        "assistant:  Next: conclusion.",
        "conclusion: none",
        "assistant: said\n Next: conclusion.",
        "conclusion: said",
    ];
    assert_eq!(turns(&broken, &COMPAT), as_published);
    for (options, error, cut) in [(&COMPAT, "", ""), (&FIXED, "e", "no such function")] {
        let mut expected = vec![
            "user: q".to_owned(),
            "assistant: think\n Next: caller.".to_owned(),
            "caller: Action: f\nAction Input: {\"a\": 1}".to_owned(),
            "observation: r".to_owned(),
            "assistant: \n Next: caller.".to_owned(),
            "caller: Action: f\nAction Input: {}".to_owned(),
            format!("observation: {error}"),
        ];
        expected.extend(rest.map(str::to_owned));
        expected.push(format!("observation: {cut}"));
        expected.extend(end.map(str::to_owned));
        assert_eq!(turns(&path, options), expected);
    }
}

#[test]
fn arguments_that_are_objects_are_read_as_their_text() {
    let object = |name: &str, arguments: Value| json!({"role": "assistant", "content": null, "function_call": {"name": name, "arguments": arguments}});
    let path = [
        object("f", json!({"é": [1, 2]})),
        object(
            "Finish",
            json!({"return_type": "give_answer", "final_answer": "a"}),
        ),
        object("Finish", json!({"final_answer": "b"})),
        json!({"role": "assistant", "content": "c", "function_call": null}),
    ];
    let turns = turns(&path, &COMPAT);
    assert_eq!(
        turns[2],
        "caller: Action: f\nAction Input: {\"\\u00e9\": [1, 2]}"
    );
    assert_eq!(turns[4], "conclusion: a");
    assert_eq!(turns[6], "conclusion: b");
    assert_eq!(turns.len(), 7);
}

#[test]
fn responses_that_are_no_strings_are_read_where_errors_count() {
    let path = [returned(r#"{"error": "", "response": {"é": 1.50}}"#)];
    assert_eq!(turns(&path, &FIXED)[1], r#"observation: {"\u00e9": 1.5}"#);
    let path = [json!({"role": "function", "content": {"error": "e", "response": null}})];
    assert_eq!(turns(&path, &FIXED)[1], "observation: e");
}

#[test]
fn the_sample_is_a_source_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    sample::write_source(directory.path()).unwrap();
    let on_disk = read(directory.path(), &FIXED).unwrap();
    let source = Source::from_files("sample", sample::source().iter().copied()).unwrap();
    let in_memory = source.read_conversations(&FIXED, &mut |_, _| ()).unwrap();
    assert_eq!(on_disk.conversations, in_memory.conversations);
    assert!(in_memory.report.bad.is_empty(), "{}", in_memory.report);
}
