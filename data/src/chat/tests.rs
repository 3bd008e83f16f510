#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use glpft_recipes::Observations;
use serde_json::{Value, json};

use super::*;
use crate::field::Field;
use crate::record_error::RecordError;

fn read(messages: &Value) -> Result<ChatTurns, RecordError> {
    let messages = read_messages(&Field::root(messages, "messages"))?;
    chat_turns(&messages, Observations::ResponseOrError)
}

/// The turns as `speaker: text`.
fn turns(messages: &Value) -> Vec<String> {
    let turns = read(messages).unwrap().turns;
    let shown = turns.iter();
    shown
        .map(|turn| format!("{}: {}", turn.from.name(), turn.value))
        .collect()
}

fn error(messages: &Value) -> (String, String) {
    let error = read(messages).unwrap_err();
    (
        error.path().unwrap_or_default().to_owned(),
        error.to_string(),
    )
}

fn call(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}})
}

#[test]
fn a_chat_becomes_the_turns_of_a_team() {
    let messages = json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]},
        {"role": "assistant", "content": null, "reasoning_content": "Two at once.", "tool_calls": [call("a", "f"), call("b", "g")]},
        {"role": "tool", "tool_call_id": "b", "content": "x".repeat(1025)},
        {"role": "tool", "tool_call_id": "a", "content": "{\"error\": \"\", \"response\": \"rain\"}"},
        {"role": "assistant", "content": "Now the third.", "tool_calls": [call("c", "h")]},
        {"role": "tool", "tool_call_id": "c", "content": {"temperature": 3}},
        {"role": "assistant", "content": "It rains.", "reasoning_content": ""},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "I give up.", "gave_up": true},
        {"role": "system", "content": "Try."},
    ]);
    let read = read(&messages).unwrap();
    assert_eq!(
        turns(&messages),
        [
            "user: Be kind.\n\nWhat is this?",
            "assistant: Two at once.\n Next: caller.",
            "caller: Action: f\nAction Input: {}",
            "observation: rain",
            "assistant:  Next: caller.",
            "caller: Action: g\nAction Input: {}",
            &format!("observation: {}...", "x".repeat(1024)),
            "assistant: Now the third.\n Next: caller.",
            "caller: Action: h\nAction Input: {}",
            "observation: {\"temperature\": 3}",
            "assistant: \n Next: conclusion.",
            "conclusion: It rains.",
            "user: Be brief.\n\nAnd now?",
            "assistant:  Next: give up.",
            "user: Try.",
        ]
    );
    assert_eq!(
        read.messages,
        [1, 2, 2, 4, 2, 2, 3, 5, 5, 6, 7, 7, 9, 10, 11]
    );
    assert_eq!((read.parallel_calls, read.cut_replies), (1, 1));
    assert_eq!(read.instruction(), Some(14));
}

#[test]
fn other_spellings_are_the_same_chat() {
    let usual = turns(&json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "reasoning_content": "I ask.",
         "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]));
    for (assistant, reply) in [
        // The older form.
        (
            json!({"reasoning": "I ask.", "function_call": {"name": "f", "arguments": "{\"a\": 1}"}}),
            json!({"role": "function", "name": "f", "content": "1"}),
        ),
        // Arguments as an object, a call without an id, a reply that is no text.
        (
            json!({"thinking": "I ask.", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
            json!({"role": "tool", "content": 1}),
        ),
        // As chat templates have calls; the thought at the head of the text.
        (
            json!({"content": "<think>\nI ask.\n</think>\n\n", "tool_calls": [{"name": "f", "arguments": {"a": 1}}]}),
            json!({"role": "tool", "tool_call_id": null, "name": "f", "content": [{"type": "text", "text": "1"}]}),
        ),
        (
            json!({"content": "I ask.\n</think>\n", "tool_calls": [{"id": "x", "name": "f", "arguments": {"a": 1}}], "function_call": null}),
            json!({"role": "tool", "name": "f", "content": "1"}),
        ),
        (
            json!({"content": null, "reasoning_content": null, "reasoning": "I ask.", "audio": null,
                   "tool_calls": [{"id": "x", "name": "f", "arguments": {"a": 1}}]}),
            json!({"role": "tool", "tool_call_id": "x", "content": "1"}),
        ),
    ] {
        let mut assistant = assistant;
        assistant["role"] = "assistant".into();
        let messages = json!([{"role": "user", "content": "Hi"}, assistant, reply]);
        assert_eq!(turns(&messages), usual, "{messages}");
    }
}

#[test]
fn what_is_thought_is_not_what_is_said() {
    for (content, thought, said) in [
        ("Hello.", None, "Hello."),
        ("<think>\n\n</think>\n\nHello.", None, "Hello."),
        (" <think>Because.</think>Hello.", Some("Because."), "Hello."),
        ("Because.</think>\n\nHello.", Some("Because."), "Hello."),
        // Not at the head, or never closed: a text.
        (
            "The tag <think>x</think> hides.",
            None,
            "The tag <think>x</think> hides.",
        ),
        ("<think>Because", None, "<think>Because"),
    ] {
        let messages = json!([{"role": "assistant", "content": content}]);
        let message = &read_messages(&Field::root(&messages, "messages")).unwrap()[0];
        assert_eq!(message.reasoning.as_deref(), thought, "{content}");
        assert_eq!(message.content.as_deref(), Some(said), "{content}");
    }
    // A user's text is a text.
    let messages = json!([{"role": "user", "content": "<think>x</think>y"}]);
    assert_eq!(turns(&messages), ["user: <think>x</think>y"]);
}

#[test]
fn replies_find_their_calls() {
    let chat = |replies: Value| {
        let mut messages = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [call("a", "f"), {"name": "g"}, {"id": null, "name": "f"}]},
        ]);
        let replies = replies.as_array().unwrap().clone();
        messages.as_array_mut().unwrap().extend(replies);
        messages
    };
    let observed = |replies: Value| -> String {
        let turns = read(&chat(replies)).unwrap().turns;
        let observed = turns
            .iter()
            .filter(|turn| turn.from.name() == "observation");
        observed.map(|turn| turn.value.as_str()).collect()
    };
    let reply = |id: Value, name: Value, content: &str| json!({"role": "tool", "tool_call_id": id, "name": name, "content": content});
    for (replies, order) in [
        (
            json!([
                reply(Value::Null, json!("g"), "2"),
                reply(json!("a"), Value::Null, "1"),
                reply(Value::Null, Value::Null, "3")
            ]),
            "123",
        ),
        (
            json!([
                reply(Value::Null, Value::Null, "1"),
                reply(Value::Null, Value::Null, "2"),
                reply(Value::Null, Value::Null, "3")
            ]),
            "123",
        ),
        (
            json!([
                reply(Value::Null, json!("f"), "3"),
                reply(json!("a"), json!("f"), "1"),
                reply(json!("z"), json!("g"), "2")
            ]),
            "123",
        ),
    ] {
        assert_eq!(observed(replies.clone()), order, "{replies}");
    }
    // A chat may end with its calls; one that goes on answers all of them.
    assert_eq!(read(&chat(json!([]))).unwrap().turns.len(), 7);
    let (path, _) = error(&chat(json!([reply(json!("a"), Value::Null, "1")])));
    assert_eq!(path, "messages[1].tool_calls[1]");
    let (path, _) = error(&chat(json!([{"role": "user", "content": "And?"}])));
    assert_eq!(path, "messages[1].tool_calls[0]");
}

#[test]
fn the_assistant_may_speak_first() {
    assert_eq!(
        turns(&json!([
            {"role": "system", "content": "Be kind."},
            {"role": "assistant", "content": "How can I help?"},
            {"role": "user", "content": "Sing."},
        ])),
        [
            "assistant:  Next: conclusion.",
            "conclusion: How can I help?",
            "user: Be kind.\n\nSing.",
        ]
    );
}

#[test]
fn weights_are_read() {
    let messages = json!([
        {"role": "assistant", "content": "x", "weight": 0},
        {"role": "assistant", "content": "x", "weight": 0.5, "train": false},
        {"role": "assistant", "content": "x", "train": false},
        {"role": "assistant", "content": "x", "train": true},
        {"role": "assistant", "content": "x", "weight": null},
    ]);
    let messages = read_messages(&Field::root(&messages, "messages")).unwrap();
    let weights: Vec<Option<f64>> = messages.iter().map(|message| message.weight).collect();
    assert_eq!(weights, [Some(0.0), Some(0.5), Some(0.0), Some(1.0), None]);
}

#[test]
fn what_is_no_chat_is_named() {
    let user = json!({"role": "user", "content": "x"});
    for (messages, path) in [
        (json!("x"), "messages"),
        (json!([7]), "messages[0]"),
        (json!([{"content": "x"}]), "messages[0]"),
        (json!([{"role": "robot"}]), "messages[0].role"),
        (json!([{"role": "user", "content": null}]), "messages[0]"),
        (
            json!([{"role": "user", "content": {"text": "x"}}]),
            "messages[0].content",
        ),
        (
            json!([{"role": "user", "content": [{"type": "image_url"}]}]),
            "messages[0].content[0].type",
        ),
        (json!([{"role": "tool", "content": "x"}]), "messages[0]"),
        (json!([user, {"role": "assistant"}]), "messages[1]"),
        (
            json!([user, {"role": "assistant", "content": "x"}, {"role": "tool", "content": "x"}]),
            "messages[2]",
        ),
        (
            json!([user, {"role": "assistant", "tool_calls": {}}]),
            "messages[1].tool_calls",
        ),
        (
            json!([user, {"role": "assistant", "tool_calls": [{"type": "custom"}]}]),
            "messages[1].tool_calls[0].type",
        ),
        (
            json!([user, {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}]),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            json!([user, {"role": "assistant", "content": "x", "weight": -1}]),
            "messages[1].weight",
        ),
        (
            json!([user, {"role": "assistant", "content": "x", "reasoning": {}}]),
            "messages[1].reasoning",
        ),
    ] {
        assert_eq!(error(&messages).0, path, "{messages}");
    }
}

#[test]
fn functions_are_read_in_every_spelling() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    let function = json!({"name": "math.add", "description": "Adds.", "parameters": schema});
    let renamed = |key: &str| {
        let mut function = function.clone();
        let schema = function["parameters"].take();
        function[key] = schema;
        function
    };
    for tool in [
        json!({"type": "function", "function": function}),
        function.clone(),
        json!({"type": "function", "name": "math.add", "description": "Adds.", "parameters": schema}),
        renamed("input_schema"),
        renamed("inputSchema"),
    ] {
        let tools = json!([tool]);
        let read = read_functions(&Field::root(&tools, "tools")).unwrap();
        assert_eq!(read[0].name, "math.add", "{tools}");
        assert_eq!(read[0].description, "Adds.", "{tools}");
        assert_eq!(Value::from(read[0].parameters.clone()), schema, "{tools}");
    }
    for (tools, path) in [
        (json!({}), "tools"),
        (json!([{"type": "web_search"}]), "tools[0].type"),
        (json!([{"type": "function"}]), "tools[0]"),
        (json!([{"name": ""}]), "tools[0].name"),
        (json!([{"name": "a b"}]), "tools[0].name"),
        (json!([{"name": "é".repeat(65)}]), "tools[0].name"),
        (json!([{"name": "Finish"}]), "tools[0].name"),
        (
            json!([{"name": "f", "description": 1}]),
            "tools[0].description",
        ),
        (
            json!([{"name": "f", "parameters": 7}]),
            "tools[0].parameters",
        ),
        (
            json!([{"name": "f", "parameters": {"properties": {"a": 7}}}]),
            "tools[0].parameters.properties.a",
        ),
        (
            json!([{"name": "f", "parameters": {"required": "a"}}]),
            "tools[0].parameters.required",
        ),
        (json!([{"name": "f"}, {"name": "f"}]), "tools[1]"),
    ] {
        let error = read_functions(&Field::root(&tools, "tools")).unwrap_err();
        assert_eq!(error.path(), Some(path), "{tools}: {error}");
    }
}
