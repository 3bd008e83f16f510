//! Files of records: every form, in every container.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use glpft_data::python;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Value, json};

use crate::sources::read_source;
use crate::{Parser, put};

pub(crate) const RECORDS: Parser = Parser {
    name: "records",
    read: |data, folder| {
        let path = folder.join("records");
        put(&path, data);
        read_source(&path);
    },
    examples: || {
        let records = records();
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        let mut files: Vec<Vec<u8>> = records
            .iter()
            .map(|record| format!("[{record},\n{record}]").into_bytes())
            .collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        if gzip.write_all(lines.as_bytes()).is_ok()
            && let Ok(compressed) = gzip.finish()
        {
            files.push(compressed);
        }
        files.push(compress_to_vec(lines.as_bytes(), CompressionLevel::Fastest));
        files.push(lines.into_bytes());
        files
    },
    fixtures: &["data/alpha-umi/train-example"],
};

pub(crate) const PYTHON_LITERAL: Parser = Parser {
    name: "python_literal",
    read: |data, _| {
        let text = String::from_utf8_lossy(data);
        if let Some(value) = python::literal(&text) {
            let printed = python::repr(&value);
            let again = python::literal(&printed).map(|value| python::repr(&value));
            assert_eq!(again, Some(printed), "what is printed is read again");
        }
    },
    examples: || {
        let texts = [
            r#"[{'name': 'f', 'parameters': {'a': {'type': "it's", 'enum': (1, -2.5, None)}}}, True]"#,
            r"{'a\n\x41\u00e9\U0001f600': [nan, inf, ''], 1: false}",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    fixtures: &[],
};

fn records() -> Vec<Value> {
    let function = json!({"name": "f", "description": "does", "parameters": {"type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"]}}, "required": ["a"]}});
    let tools = json!([{"type": "function", "function": function}]);
    let call = json!({"name": "f", "arguments": "{\"a\": \"x\"}"});
    let python = format!("APIs: [{}]", python::repr(&function));
    vec![
        json!({"messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "q é"}]},
            {"role": "assistant", "content": "<think>t</think>", "tool_calls": [
                {"id": "1", "type": "function", "function": call}, {"id": "2", "type": "function", "function": call}]},
            {"role": "tool", "tool_call_id": "2", "content": "r"},
            {"role": "tool", "tool_call_id": "1", "content": "{\"error\": \"\", \"response\": \"r\"}"},
            {"role": "assistant", "content": "done", "weight": 0},
            {"role": "user", "content": "more"}], "tools": tools}),
        json!({"messages": [{"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "function_call": call},
            {"role": "function", "name": "f", "content": "r"}], "functions": [function]}),
        json!({"system": [{"type": "text", "text": "s"}], "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "é"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {"a": "x"}},
                {"type": "tool_use", "id": "2", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "2", "content": [{"type": "text", "text": "r"}]},
                {"type": "tool_result", "tool_use_id": "1", "content": "r", "is_error": true}, {"type": "text", "text": "more"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "done"}]}],
            "tools": [{"name": "f", "description": "does", "input_schema": function["parameters"]}]}),
        json!({"conversations": [{"from": "human", "value": "q"},
            {"from": "function_call", "value": format!("[{call}, {call}]")},
            {"from": "observation", "value": "[1, 2]"}, {"from": "gpt", "value": "a", "loss": false}],
            "tools": tools.to_string(), "system": "s"}),
        json!({"conversations": [
            {"from": "system", "value": format!("You are a function calling AI model <tools>{tools}</tools> <tool_call>")},
            {"from": "human", "value": "q"},
            {"from": "gpt", "value": format!("t <tool_call>{call}</tool_call><tool_call>{{'name': 'f'}}")},
            {"from": "tool", "value": "<tool_response>{\"name\": \"f\", \"content\": 1}</tool_response><tool_response>"}]}),
        json!({"query": "q", "answers": format!("[{call}]"),
            "tools": [{"name": "f", "parameters": {"a": {"type": "List[int], optional"}}}]}),
        json!({"id": "1", "conversations": [{"from": "system", "value": python}, {"from": "user", "value": "q\nBegin!"},
            {"from": "assistant", "value": "Thought: t\nAction: f\nAction Input: {}"}, {"from": "function", "value": "r"},
            {"from": "assistant", "value": "\nAction: Finish\nAction Input: {\"return_type\": \"give_answer\", \"final_answer\": \"a\"}"}]}),
        json!({"tools": [{"Name": "f"}], "history": [{"from": "user", "value": "q"}],
            "input": "history is:\nuser: q</s> assistant: ", "target": "t Next: caller."}),
    ]
}
