//! Answers in parts.

mod support;

use serde_json::{Value, json};
use support::{Server, ask, ask_with_tool};

fn parts(server: &Server, mut body: Value) -> Vec<Value> {
    body["stream"] = json!(true);
    let mut events = server.stream(&body);
    assert_eq!(events.pop().as_deref(), Some("[DONE]"));
    let parts = events.iter().map(|text| serde_json::from_str(text));
    parts.map(|part| part.expect("JSON")).collect()
}

#[test]
fn a_call_in_parts() {
    let server = Server::stub();
    let mut body = ask_with_tool("What is the weather?");
    body["stream_options"] = json!({"include_usage": true});
    let parts = parts(&server, body);
    let deltas: Vec<&Value> = parts
        .iter()
        .map(|part| &part["choices"][0]["delta"])
        .collect();
    assert_eq!(deltas[0], &json!({"role": "assistant"}));
    assert_eq!(deltas[1], &json!({"reasoning_content": "I ask."}));
    let call = &deltas[2]["tool_calls"][0];
    assert_eq!(call["index"], 0);
    assert_eq!(call["function"]["name"], "weather_for_sky");
    assert_eq!(deltas[3], &json!({}));
    assert_eq!(parts[3]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(parts[4]["choices"], json!([]));
    assert_eq!(parts.len(), 5);
    for part in &parts {
        assert_eq!(part["object"], "chat.completion.chunk");
        assert_eq!(part["id"], parts[0]["id"]);
    }
}

#[test]
fn answers_and_failures_in_parts() {
    let server = Server::stub();
    let answer = parts(&server, ask("anything\nat all"));
    assert_eq!(
        answer[2]["choices"][0]["delta"],
        json!({"content": "no tools"})
    );
    assert_eq!(answer[3]["choices"][0]["finish_reason"], "stop");
    let gave_up = parts(&server, ask("give up"));
    assert_eq!(gave_up[2]["choices"][0]["delta"]["gave_up"], true);
    // The role is sent before the model fails.
    let failed = parts(&server, ask("fail"));
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[1]["error"]["type"], "server_error");
    // What is wrong with a request is told before anything is sent.
    let mut wrong = ask("x");
    wrong["stream"] = json!(true);
    wrong["n"] = json!(2);
    assert_eq!(server.ask(&wrong).0, 400);
}
