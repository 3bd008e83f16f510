//! What does not fit, what is cut, and what browsers and careless clients need.

mod support;

use glpft_agent::{
    Generate, GenerateError, Generated, LongPrompts, Measure, PolicySettings, Request, Role,
    StopReason,
};
use glpft_data::Prompts;
use glpft_serve::{ChatSettings, TeamSpeaker};
use serde_json::{Value, json};
use support::{Server, agent, ask, ask_with_tool, message};

const PLAN: &str = "I ask.\n Next: caller.";
/// It begins with a heading that a reader does not get, and goes on where the form ends.
const ANSWER: &str = "conclusion: It rains. Next: conclusion.</s>conclusion: It rains. Action: f";

/// A model whose tokens are characters, 4000 at most. It calls where it has observed nothing, and leaves the form where it
/// answers.
struct Letters;

impl Generate for Letters {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        let answer = |request: &Request| {
            let whole = match request.role {
                Role::Planner => PLAN,
                Role::Caller => "Action: weather_for_sky\nAction Input: {\"city\": \"Oslo\"}",
                _ => ANSWER,
            };
            let text: String = whole.chars().take(request.limits.new_tokens).collect();
            Generated {
                finish: match text.len() < whole.len() {
                    true => StopReason::Length,
                    false => StopReason::EndOfSequence,
                },
                prompt_tokens: request.prompt.to_string().len(),
                cut_tokens: 0,
                cached_tokens: 0,
                new_tokens: text.len(),
                text,
            }
        };
        Ok(requests.iter().map(answer).collect())
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        Ok(Some(Measure {
            prompt_tokens: request.prompt.to_string().len(),
            room: request.limits.room(4000),
            positions: 4000,
        }))
    }
}

fn server(long_prompts: LongPrompts) -> Server {
    Server::speaker(
        ChatSettings::new("stub"),
        Box::new(move || {
            let settings = PolicySettings {
                long_prompts,
                ..PolicySettings::greedy()
            };
            let prompts = Prompts::open(None)?;
            let team = TeamSpeaker::new(Box::new(Letters), prompts, settings, false);
            Ok(Box::new(team) as _)
        }),
    )
}

#[test]
fn what_does_not_fit_is_told_with_its_numbers() {
    let server = server(LongPrompts::Refuse);
    let mut body = ask_with_tool(&"word ".repeat(2000));
    let (status, error) = server.ask(&body);
    assert_eq!(status, 400, "{error}");
    assert_eq!(error["error"]["code"], "context_length_exceeded");
    assert_eq!(error["error"]["param"], "messages");
    let text = error["error"]["message"].as_str().unwrap_or_default();
    assert!(
        text.contains("maximum context length is 4000 tokens") && text.contains("3488 fit"),
        "{text}"
    );
    // The next one is answered, and a stream says the same.
    assert_eq!(server.ask(&ask_with_tool("x")).0, 200);
    body["stream"] = json!(true);
    let parts = server.stream(&body).join("\n");
    assert!(
        parts.contains("context_length_exceeded") && parts.contains("[DONE]"),
        "{parts}"
    );
}

#[test]
fn oldest_turns_that_are_left_out_are_told() {
    let server = server(LongPrompts::OldestTurns);
    let mut body = ask_with_tool("x");
    let messages: Vec<Value> = (0..40)
        .flat_map(|_| {
            [
                json!({"role": "user", "content": "What is this? ".repeat(5)}),
                json!({"role": "assistant", "content": "That."}),
            ]
        })
        .chain([json!({"role": "user", "content": "And now?"})])
        .collect();
    body["messages"] = messages.into();
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    let left_out = answer["glpft"]["left_out_turns"].as_u64();
    assert!(left_out.is_some_and(|turns| turns > 10), "{answer}");
    body["stream"] = json!(true);
    let parts = server.stream(&body).join("\n");
    assert!(parts.contains("\"left_out_turns\":"), "{parts}");
    // Where all fits there is nothing to tell.
    let (_, answer) = server.ask(&ask_with_tool("x"));
    assert_eq!(answer["glpft"], Value::Null);
}

#[test]
fn wherever_max_tokens_cuts_the_reply_says_so() {
    let server = server(LongPrompts::Refuse);
    for most in (1..90).step_by(5) {
        for tools in [true, false] {
            let mut body = match tools {
                true => ask_with_tool("x"),
                false => ask("x"),
            };
            body["max_tokens"] = json!(most);
            let (_, answer) = server.ask(&body);
            let used = answer["usage"]["completion_tokens"].as_u64();
            assert!(used.is_some_and(|used| used <= most), "{most}: {answer}");
            let finish = answer["choices"][0]["finish_reason"].as_str();
            match (message(&answer, "tool_calls"), finish) {
                (Value::Null, Some(finish)) => {
                    let content = message(&answer, "content").as_str().unwrap_or_default();
                    // A mark that is cut in its first word may be a word.
                    assert!("It rains. Next".starts_with(content), "{most}: {answer}");
                    // What was written of the answer before the limit: the text is whole where its end is marked.
                    let written = usize::try_from(most).unwrap_or_default();
                    let written = written.saturating_sub(PLAN.len()).min(ANSWER.len());
                    // (The second heading begins an answer of its own.)
                    let last = ANSWER[..written].rsplit("conclusion: ").next();
                    let last = last.unwrap_or_default();
                    let ended = last.contains("rains. Next:") || last.contains("rains. Action:");
                    let is_whole = !tools && ended;
                    assert_eq!(finish, if is_whole { "stop" } else { "length" }, "{most}");
                    assert!(!is_whole || content == "It rains.", "{most}: {answer}");
                    let heading = "conclusion: ".len();
                    assert!(
                        tools
                            || is_whole
                            || ANSWER[heading.min(written)..written].starts_with(content)
                    );
                }
                (calls, Some("tool_calls")) => {
                    assert_eq!(calls[0]["function"]["arguments"], "{\"city\": \"Oslo\"}");
                    assert!(tools && most >= 20);
                }
                other => panic!("{most}: {other:?}"),
            }
            body["stream"] = json!(true);
            let parts = server.stream(&body).join("\n");
            let told = format!("\"finish_reason\":{}", json!(finish));
            assert!(parts.contains(&told), "{most}: {parts}");
        }
    }
}

#[test]
fn what_models_are_not_shown_is_noted() {
    let mut settings = ChatSettings::new("stub");
    settings.schemas = glpft_recipes::Schemas::Published;
    settings.requests.new_tokens = 64;
    let server = Server::chat(settings);
    let mut body = ask_with_tool("x");
    body["tools"][0]["function"]["description"] = json!("d".repeat(300));
    body["max_completion_tokens"] = json!(100);
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    let notes = answer["glpft"]["notes"].to_string();
    assert!(
        notes.contains("weather_for_sky") && notes.contains("256"),
        "{notes}"
    );
    assert!(notes.contains("max_completion_tokens: answers have at most 64 tokens here, not 100"));
}

#[test]
fn pages_of_other_origins_may_ask_where_they_are_let() {
    let mut settings = ChatSettings::new("stub");
    settings.cors = vec!["http://localhost:3000".to_owned()];
    settings.key = Some("secret".to_owned());
    let server = Server::chat(settings);
    let url = format!("http://{}/v1/chat/completions", server.address);
    let preflight = |origin: &str| {
        agent()
            .options(&url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
            .call()
            .expect("a reply")
    };
    let header = |response: &ureq::http::Response<ureq::Body>, name: &str| {
        let value = response.headers().get(name);
        value.map(|value| value.to_str().unwrap_or_default().to_owned())
    };
    let reply = preflight("http://localhost:3000");
    assert_eq!(reply.status(), 200);
    assert_eq!(
        header(&reply, "access-control-allow-origin").as_deref(),
        Some("http://localhost:3000")
    );
    let allowed = header(&reply, "access-control-allow-headers").unwrap_or_default();
    assert!(allowed.contains("authorization"), "{allowed}");
    let other = preflight("http://evil.example");
    assert_eq!(header(&other, "access-control-allow-origin"), None);
    // The answer itself may be read, an error, too; a scheme's case and a slash at the end mean nothing.
    for (path, key, status) in [
        ("", "bearer secret", 200),
        ("/", "BEARER secret", 200),
        ("", "Bearer other", 401),
    ] {
        let reply = agent()
            .post(format!("{url}{path}"))
            .header("origin", "http://localhost:3000")
            .header("authorization", key)
            .header("content-type", "application/json")
            .send(ask("x").to_string())
            .expect("a reply");
        assert_eq!(reply.status(), status, "{path} {key}");
        assert!(header(&reply, "access-control-allow-origin").is_some());
    }
    let without = Server::stub();
    let url = format!("http://{}/v1/models/", without.address);
    let reply = agent().get(&url).header("origin", "http://x.org").call();
    let reply = reply.expect("a reply");
    assert_eq!(reply.status(), 200);
    assert_eq!(header(&reply, "access-control-allow-origin"), None);
}

#[test]
fn the_assistant_may_have_spoken_first() {
    let server = server(LongPrompts::Refuse);
    let mut body = ask("x");
    body["messages"] = json!([
        {"role": "assistant", "content": "How can I help?"},
        {"role": "user", "content": "Is it warm?"},
    ]);
    body["top_p"] = json!(0);
    let (status, answer) = server.ask(&body);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(message(&answer, "content"), "It rains.");
}
