//! A chat whose model is a team: what of a request reaches its models.

mod support;

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use glpft_agent::{Generate, GenerateError, Generated, PolicySettings, Request, Role, StopReason};
use glpft_data::Prompts;
use glpft_serve::{ChatSettings, TeamSpeaker};
use serde_json::{Value, json};
use support::{Server, ask_with_tool, message};

/// Every answer has up to 5 tokens of 10 of the prompt. The planner calls; what is said tells how it was asked.
struct Scripted;

impl Generate for Scripted {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        let answers = requests.iter().map(|request| {
            let how = format!("{:?} {}", request.sampling, request.limits.new_tokens);
            let text = match request.role {
                Role::Planner => "I ask.\n Next: caller.".to_owned(),
                Role::Caller => format!("Action: weather_for_sky\nAction Input: {how}"),
                Role::Summarizer => how,
                Role::Backbone => "I say.\nconclusion: done".to_owned(),
            };
            Generated {
                text,
                finish: match request.limits.new_tokens < 5 {
                    true => StopReason::Length,
                    false => StopReason::EndOfSequence,
                },
                prompt_tokens: 10,
                cut_tokens: 0,
                cached_tokens: 4,
                new_tokens: request.limits.new_tokens.min(5),
            }
        });
        Ok(answers.collect())
    }
}

fn server(single: bool) -> Server {
    Server::speaker(
        ChatSettings::new("stub"),
        Box::new(move || {
            let settings = PolicySettings::greedy();
            let prompts = Prompts::open(None)?;
            Ok(Box::new(TeamSpeaker::new(
                Box::new(Scripted),
                prompts,
                settings,
                single,
            )) as _)
        }),
    )
}

/// Answers only once it is not waited for; tells which roles were asked.
struct Endless(Sender<Role>);

impl Generate for Endless {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.generate_while(requests, &|_| true)
    }

    fn generate_while(
        &mut self,
        requests: &[Request],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Generated>, GenerateError> {
        for request in requests {
            self.0.send(request.role).unwrap_or_default();
        }
        let since = Instant::now();
        while (0..requests.len()).any(wanted) {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "still waited for"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        Scripted.generate(requests)
    }
}

fn arguments(answer: &Value) -> &Value {
    &message(answer, "tool_calls")[0]["function"]["arguments"]
}

#[test]
fn limits_sampling_and_usage() {
    let server = server(false);
    let mut body = ask_with_tool("x");
    let (_, answer) = server.ask(&body);
    assert_eq!(arguments(&answer), "Greedy 512");
    assert_eq!(message(&answer, "reasoning_content"), "I ask.");
    assert_eq!(
        answer["usage"],
        json!({
            "prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 8},
        })
    );
    // The planner's tokens count.
    body["max_tokens"] = json!(8);
    let (_, answer) = server.ask(&body);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    // A call that was cut is none.
    assert_eq!(message(&answer, "tool_calls"), &Value::Null);
    assert_eq!(message(&answer, "content"), "");
    assert_eq!(message(&answer, "reasoning_content"), "I ask.");
    assert_eq!(answer["usage"]["completion_tokens"], 8);
    body["max_tokens"] = json!(1000);
    body["temperature"] = json!(0.5);
    body["seed"] = json!(1);
    let (_, drawn) = server.ask(&body);
    let drawn = arguments(&drawn).clone();
    assert!(
        drawn
            .as_str()
            .is_some_and(|how| how.contains("temperature: 0.5") && how.ends_with(" 995")),
        "{drawn}"
    );
    assert_eq!(arguments(&server.ask(&body).1), &drawn);
    body["seed"] = json!(2);
    assert_ne!(arguments(&server.ask(&body).1), &drawn);
    body["seed"] = Value::Null;
    assert_ne!(
        arguments(&server.ask(&body).1),
        arguments(&server.ask(&body).1)
    );
    server.wait_for("glpft_tokens_total{kind=\"cached\"} 56");
}

#[test]
fn a_team_that_may_not_call_answers() {
    let server = server(false);
    let mut body = ask_with_tool("x");
    body["tool_choice"] = json!("none");
    let (_, answer) = server.ask(&body);
    assert_eq!(message(&answer, "content"), "Greedy 512");
    assert_eq!(message(&answer, "reasoning_content"), "I ask.");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    body["stream"] = json!(true);
    let parts = server.stream(&body).join("\n");
    assert_eq!(
        parts.matches("\"reasoning_content\":\"I ask.\"").count(),
        1,
        "{parts}"
    );
}

#[test]
fn a_single_model_answers_too() {
    let (_, answer) = server(true).ask(&ask_with_tool("x"));
    assert_eq!(message(&answer, "content"), "done");
    assert_eq!(message(&answer, "reasoning_content"), "I say.");
    assert_eq!(answer["usage"]["total_tokens"], 15);
}

#[test]
fn nobody_works_for_a_client_that_left() {
    let (tell, asked): (Sender<Role>, Receiver<Role>) = channel();
    let server = Server::speaker(
        ChatSettings::new("stub"),
        Box::new(move || {
            let (endless, prompts) = (Endless(tell.clone()), Prompts::open(None)?);
            let settings = PolicySettings::greedy();
            let team = TeamSpeaker::new(Box::new(endless), prompts, settings, false);
            Ok(Box::new(team) as _)
        }),
    );
    for _ in 0..2 {
        let body = ask_with_tool("x").to_string();
        let mut client = TcpStream::connect(server.address).expect("a connection");
        write!(
            client,
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        // Who comes after it is asked next: the caller never was.
        let first = asked.recv_timeout(Duration::from_secs(20));
        assert_eq!(first, Ok(Role::Planner));
        client.shutdown(Shutdown::Both).expect("gone");
    }
    server.wait_for("glpft_clients_left_total 2");
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_model_that_does_not_open_is_told() {
    let (stopper, stop) = glpft_serve::stop();
    let place = glpft_serve::Place {
        host: "127.0.0.1".to_owned(),
        port: 0,
    };
    let open = Box::new(|| Err("no such model".into()));
    let error = glpft_serve::run_chat(&place, ChatSettings::new("x"), open, stop, |_| {});
    assert_eq!(
        error.map_err(|error| error.to_string()),
        Err("no such model".to_owned())
    );
    drop(stopper);
}
