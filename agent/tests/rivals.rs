//! Rival agents behind servers: they call tools by themselves.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod scripted_server;
mod support;

use glpft_agent::{
    PolicySettings, RivalPolicy, RolloutEnd, RolloutSettings, SearchSettings, Strategy,
    run_rollouts,
};
use scripted_server::{Does, Server, not_found, quick, told};
use serde_json::{Value, json};
use support::{Tools, task};

fn call(name: &str, arguments: &Value, content: &str) -> String {
    json!({
        "choices": [{"finish_reason": "tool_calls", "message": {"content": content, "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": name, "arguments": arguments.to_string()}}
        ]}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    })
    .to_string()
}

fn words_of(content: &str) -> String {
    let message = json!({"content": content});
    json!({"choices": [{"finish_reason": "stop", "message": message}]}).to_string()
}

fn rival(server: &Server) -> RivalPolicy {
    RivalPolicy::open(server.address(), quick(), PolicySettings::greedy()).unwrap()
}

#[test]
fn a_rival_plays_whole_tasks_by_its_own_tool_calls() {
    let server = Server::start(|path, body, _| {
        if path != "/v1/chat/completions" {
            return not_found();
        }
        let messages = body["messages"].as_array().unwrap();
        let observed = messages.iter().filter(|one| one["role"] == "tool").count();
        let required = body["tool_choice"] == "required";
        let finish = json!({"return_type": "give_answer", "final_answer": "It rains."});
        Does::Says(
            200,
            match (observed, required) {
                (0, _) => call(
                    body["tools"][0]["function"]["name"].as_str().unwrap(),
                    &json!({"x": 1}),
                    "I ask.",
                ),
                // It thinks aloud, and calls where it is told to.
                (1, false) => words_of("I know enough."),
                _ => call("Finish", &finish, ""),
            },
        )
    });
    let tools = Tools::default();
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        let settings = RolloutSettings::new(SearchSettings::published(strategy));
        let mut policy = rival(&server);
        let rollouts = run_rollouts(
            &mut policy,
            &tools,
            &[task("1"), task("2")],
            &settings,
            &mut (),
        )
        .unwrap();
        for rollout in &rollouts {
            assert_eq!(rollout.end, RolloutEnd::Answer("It rains.".to_owned()));
            assert_eq!(rollout.path.len(), 2);
            assert_eq!(rollout.path[0].said.thought.as_deref(), Some("I ask."));
            assert_eq!(
                rollout.path[1].said.thought.as_deref(),
                Some("I know enough.")
            );
        }
        assert_eq!(glpft_agent::Policy::server_calls(&policy).failed(), 0);
    }
    let bodies = server.bodies("/chat/completions");
    let last = bodies[0]["tools"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["function"]["name"], "Finish");
    assert!(
        bodies[0]["messages"][0]["content"]
            .as_str()
            .unwrap()
            .contains("ALWAYS call \"Finish\"")
    );
}

#[test]
fn a_rival_is_asked_as_its_server_wants_to_be() {
    let settings = RolloutSettings::new(SearchSettings::published(Strategy::REACT));
    for ours in [false, true] {
        // It takes no temperature, another name of the limit, and no order to call; and little context.
        let server = Server::start(move |path, body, _| {
            let refuse =
                |text: &str| Does::Says(400, json!({"error": {"message": text}}).to_string());
            if path != "/v1/chat/completions" {
                return not_found();
            }
            // A server of this program ends by itself.
            if ours && body["tools"].to_string().contains("\"Finish\"") {
                return refuse(
                    "`tools[1].function.name`: \"Finish\" is how a team ends; choose another name",
                );
            }
            if body.get("temperature").is_some() {
                return refuse("temperature is not supported");
            }
            if body.get("max_tokens").is_some() {
                return refuse("use max_completion_tokens instead of max_tokens");
            }
            if body["tool_choice"] == "required" {
                return refuse("tool_choice: auto or none");
            }
            let messages = body["messages"].as_array().unwrap();
            match messages.iter().filter(|one| one["role"] == "tool").count() {
                0 | 1 if !messages.iter().any(|one| one["content"] == "Ask again.") => {
                    Does::Says(200, call("unknown", &json!({}), "Ask again."))
                }
                1 => Does::Says(200, words_of("It rains.")),
                _ => refuse("maximum context length exceeded"),
            }
        });
        let mut policy = rival(&server);
        let rollouts = run_rollouts(
            &mut policy,
            &Tools::default(),
            &[task("1")],
            &settings,
            &mut (),
        )
        .unwrap();
        assert_eq!(rollouts[0].end, RolloutEnd::Answer("It rains.".to_owned()));
        assert_eq!(glpft_agent::Policy::server_calls(&policy).failed(), 0);
    }
    // A server whose template leaves tools out says so to who asks.
    let caps = |shows: bool| json!({"chat_template_caps": {"supports_tools": shows}}).to_string();
    for (shows, warns) in [(false, true), (true, false)] {
        let server = Server::start(move |path, _, _| match path {
            "/props" => Does::Says(200, caps(shows)),
            _ => not_found(),
        });
        let note = rival(&server).note();
        assert_eq!(
            note.is_some_and(|note| note.contains("shows no tools")),
            warns
        );
    }
    // A server that fails for good is an error that says so.
    let down = Server::start(|_, _, _| Does::Later(503));
    let mut policy = rival(&down);
    let error = run_rollouts(
        &mut policy,
        &Tools::default(),
        &[task("1")],
        &settings,
        &mut (),
    )
    .unwrap_err();
    assert!(told(&error).contains("failed 3 times"), "{}", told(&error));
}
