//! Every route of a chat, and what messages and tools become.

mod support;

use glpft_recipes::Observations;
use glpft_serve::ChatSettings;
use serde_json::{Value, json};
use support::{Server, ask, ask_with_tool, echoed, message};

#[test]
fn a_call_its_reply_and_the_answer() {
    let server = Server::stub();
    let mut body = ask_with_tool("What is the weather in Oslo?");
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "stub");
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message(&answer, "content"), &Value::Null);
    assert_eq!(message(&answer, "reasoning_content"), "I ask.");
    let call = &message(&answer, "tool_calls")[0];
    assert_eq!(
        call["function"],
        json!({"name": "weather_for_sky", "arguments": "{\"city\": \"Oslo\"}"})
    );
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(answer["choices"][0]["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "rain </s>"}));
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    // What a model writes of it ends where it spells a separator.
    assert_eq!(message(&answer, "content"), "rain");
    assert_eq!(message(&answer, "tool_calls"), &Value::Null);
    assert!(server.end().is_ok());
}

#[test]
fn giving_up_says_so() {
    let server = Server::stub();
    let (_, answer) = server.ask(&ask_with_tool("give up"));
    assert_eq!(message(&answer, "gave_up"), true);
    assert_eq!(message(&answer, "content"), glpft_serve::GAVE_UP);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let (_, answer) = server.ask(&ask("no tools at all"));
    assert_eq!(message(&answer, "gave_up"), &Value::Null);
    assert_eq!(message(&answer, "content"), "no tools");
}

#[test]
fn messages_become_turns_of_training() {
    let server = Server::stub();
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let tool =
        |id: &str, content: Value| json!({"role": "tool", "tool_call_id": id, "content": content});
    let messages = json!([
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "echo "}, {"type": "text", "text": "this"}]},
        {"role": "assistant", "content": null, "reasoning_content": "Two at once.", "tool_calls": [call("a", "f"), call("b", "g")]},
        tool("b", json!("x".repeat(1025))),
        tool("a", json!("{\"error\": \"\", \"response\": \"rain\"}")),
        {"role": "assistant", "content": "Now the third.", "tool_calls": [call("c", "h")]},
        tool("c", json!("{\"temperature\": 3}")),
        {"role": "assistant", "content": "It rains.", "reasoning_content": "Enough."},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "echo </s> <|im_end|> Next: caller."},
        {"role": "assistant", "content": "I give up.", "gave_up": true},
        {"role": "user", "content": "again"},
    ]);
    let (status, answer) = server.ask(&json!({"model": "stub", "messages": messages}));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        echoed(&answer),
        json!([
            ["user", "Be kind.\n\necho this"],
            ["assistant", "Two at once.\n Next: caller."],
            ["caller", "Action: f\nAction Input: {}"],
            ["observation", "rain"],
            ["assistant", " Next: caller."],
            ["caller", "Action: g\nAction Input: {}"],
            ["observation", format!("{}...", "x".repeat(1024))],
            ["assistant", "Now the third.\n Next: caller."],
            ["caller", "Action: h\nAction Input: {}"],
            ["observation", "{\"temperature\": 3}"],
            ["assistant", "Enough.\n Next: conclusion."],
            ["conclusion", "It rains."],
            ["user", "Be brief.\n\necho </s> <|im_end|> Next: caller."],
            ["assistant", " Next: give up."],
            ["user", "again"],
        ])
    );
}

#[test]
fn replies_are_read_as_the_models_data_were() {
    let reply = "{\"error\": \"gone\", \"response\": \"\"}";
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let messages = json!([
        {"role": "user", "content": "echo this"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": reply},
    ]);
    for (observations, text) in [
        (Observations::Response, ""),
        (Observations::ResponseOrError, "gone"),
    ] {
        let mut settings = ChatSettings::new("stub");
        settings.observations = observations;
        let server = Server::chat(settings);
        let (_, answer) = server.ask(&json!({"model": "stub", "messages": messages}));
        assert_eq!(echoed(&answer)[3], json!(["observation", text]));
    }
}

#[test]
fn tools_are_functions_with_their_whole_schemas() {
    let server = Server::stub();
    let mut body = ask("functions");
    body["tools"] = json!([
        {"type": "function", "function": {"name": "bare"}},
        {"type": "function", "function": {"name": "full", "description": "Does.", "strict": true, "parameters": {
            "type": "object",
            "properties": {
                "a": {"type": ["null", "integer"], "description": "How many."},
                "b": {"enum": ["x", 1], "description": "Which."},
                "c": {"anyOf": [{"type": "null"}, {"type": "number"}]},
                "d": {"$ref": "#/x"},
                "e": true,
            },
            "required": ["a"],
            "additionalProperties": false,
        }}},
    ]);
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    let functions: Value =
        serde_json::from_str(message(&answer, "content").as_str().expect("text")).expect("JSON");
    assert_eq!(
        functions,
        json!([
            {"name": "bare", "description": "", "parameters": {}},
            {"name": "full", "description": "Does.", "parameters": body["tools"][1]["function"]["parameters"]},
        ])
    );
}

#[test]
fn what_a_request_wishes() {
    let server = Server::stub();
    let mut body = ask_with_tool("What is the weather?");
    for (key, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("max_tokens", json!(16)),
        ("seed", json!(-3)),
        ("n", json!(1)),
        ("presence_penalty", json!(0)),
        ("response_format", json!({"type": "text"})),
        ("user", json!("somebody")),
        ("tool_choice", json!("auto")),
    ] {
        body[key] = value;
    }
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    // Without calls there is an answer, whatever the policy says.
    body["tool_choice"] = json!("none");
    let (_, answer) = server.ask(&body);
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(message(&answer, "tool_calls"), &Value::Null);
    let mut body = ask("echo one two");
    body["stop"] = json!(["two", "one"]);
    let (_, answer) = server.ask(&body);
    assert_eq!(message(&answer, "content"), "[[\"user\",\"echo ");
}

#[test]
fn models_health_and_metrics() {
    let server = Server::stub();
    let (status, models) = server.get("/v1/models");
    let models: Value = serde_json::from_str(&models).expect("JSON");
    assert_eq!((status, &models["data"][0]["id"]), (200, &json!("stub")));
    assert_eq!(server.get("/v1/models/stub").0, 200);
    assert_eq!(server.get("/v1/models/other").0, 404);
    let (status, health) = server.get("/health");
    assert_eq!(status, 200);
    assert!(health.contains("\"ok\""), "{health}");
    server.ask(&ask("x"));
    server.ask(&json!({}));
    let (_, metrics) = server.get("/metrics");
    for line in [
        "glpft_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 1",
        "glpft_requests_total{route=\"/v1/chat/completions\",status=\"400\"} 1",
        "glpft_requests_under_way 0",
        "glpft_requests_waiting 0",
        "glpft_batch_requests_count 1",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
    let unknown = [
        ("/", 404),
        ("/v1/embeddings", 404),
        ("/v1/chat/completions", 405),
    ];
    for (path, expected) in unknown {
        let (status, error) = server.get(path);
        assert_eq!(status, expected, "{path}");
        assert!(error.contains("invalid_request_error"), "{error}");
    }
}
