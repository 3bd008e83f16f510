//! Models behind servers that delay, fail, cut, want fewer calls and talk nonsense.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod scripted_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use glpft_agent::{Generate, Key, ModelServerSettings, Request, ServedModel, StopReason};
use scripted_server::{Does, Server, completion, not_found, quick, request, told};
use serde_json::json;

#[test]
fn prompts_are_asked_as_they_are_many_at_a_time_and_answered_in_their_order() {
    let server = Server::start(|path, body, _| match path {
        "/v1/completions" => {
            std::thread::sleep(Duration::from_millis(10));
            let prompt = body["prompt"].as_str().unwrap();
            let (text, finish) = match prompt.split("</s>").next().unwrap() {
                "stops" => ("I ask.STOP and more".to_owned(), "stop"),
                "is cut" => ("I as".to_owned(), "length"),
                "ends" => ("I ask.</s>more".to_owned(), "stop"),
                other => (format!("to {other}"), "stop"),
            };
            Does::Says(200, completion(&text, finish))
        }
        _ => not_found(),
    });
    let key = Key::new("test", "geheim").unwrap();
    let mut model = server.open(ModelServerSettings { key, ..quick() });
    let texts: Vec<String> = (0..12).map(|index| index.to_string()).collect();
    let mut requests: Vec<Request> = texts.iter().map(|text| request(text)).collect();
    requests.extend(["stops", "is cut", "ends"].map(request));
    let answers = model.generate(&requests).unwrap();
    for (answer, text) in answers.iter().zip(&texts) {
        assert_eq!(answer.text, format!("to {text}"));
        assert_eq!(answer.finish, StopReason::EndOfSequence);
        assert_eq!(
            (
                answer.prompt_tokens,
                answer.cached_tokens,
                answer.new_tokens
            ),
            (9, 4, 3)
        );
    }
    let ends: Vec<(&str, StopReason)> = answers[12..]
        .iter()
        .map(|one| (one.text.as_str(), one.finish))
        .collect();
    assert_eq!(
        ends,
        [
            ("I ask.", StopReason::Stop(0)),
            ("I as", StopReason::Length),
            ("I ask.", StopReason::EndOfSequence)
        ]
    );
    assert!((2..=3).contains(&server.most.load(Ordering::SeqCst)));
    let bodies = server.bodies("/completions");
    assert_eq!(bodies.len(), 15);
    let first = bodies
        .iter()
        .find(|body| body["prompt"] == "0</s>assistant: ")
        .unwrap();
    assert_eq!(first["model"], "planner");
    assert_eq!(first["temperature"], 0);
    assert_eq!(first["max_tokens"], 5);
    assert_eq!(first["stop"], json!(["STOP", "</s>"]));
    assert!(first.get("seed").is_none());
    let seen = server.seen.lock().unwrap();
    let head = &seen
        .iter()
        .find(|(path, ..)| path.ends_with("/completions"))
        .unwrap()
        .2;
    assert!(head.to_lowercase().contains("authorization: bearer geheim"));
    assert!(!format!("{model:?}").contains("geheim"));
    assert_eq!(model.calls().made, 15);
    assert_eq!(model.calls().told(), None);
    // What nobody waits for is not asked.
    drop(seen);
    let answers = model.generate_while(&requests[..3], &|at| at != 1).unwrap();
    assert_eq!(
        (answers[0].text.as_str(), answers[1].text.as_str()),
        ("to 0", "")
    );
    assert_eq!(server.bodies("/completions").len(), 17);
}

#[test]
fn temporary_failures_are_asked_again_and_counted() {
    for (failure, cause) in [
        ("429", "status 429"),
        ("503", "status 503"),
        ("hangs", "timed out"),
        ("hangs up", "no connection"),
        ("half", "no connection"),
        ("page", "unreadable reply"),
        ("stream", "unreadable reply"),
        ("nothing", "unreadable reply"),
        ("error", "status 429"),
    ] {
        let always = Arc::new(AtomicUsize::new(2));
        let times = always.clone();
        let server = Server::start(move |path, _, before| {
            if path != "/v1/completions" {
                return not_found();
            }
            if before >= times.load(Ordering::SeqCst) {
                return Does::Says(200, completion("I ask.", "stop"));
            }
            let says = |text: &str| Does::Says(200, text.to_owned());
            match failure {
                "429" => Does::Later(429),
                "503" => Does::Says(503, "busy geheim".to_owned()),
                "hangs" => Does::Hangs,
                "hangs up" => Does::HangsUp,
                "half" => Does::Half(completion("I ask.", "stop")),
                "page" => says("<html>"),
                "stream" => says("data: {\"choices\": []}\n\n"),
                "error" => says(r#"{"error": {"message": "busy", "code": 429}}"#),
                _ => says(""),
            }
        });
        let key = Key::new("test", "geheim").unwrap();
        let mut model = server.open(ModelServerSettings { key, ..quick() });
        let answers = model.generate(&[request("a")]).unwrap();
        assert_eq!(answers[0].text, "I ask.", "{failure}");
        let calls = model.calls();
        assert_eq!((calls.made, calls.failed()), (3, 2), "{failure}");
        assert_eq!(calls.failed.get(cause), Some(&2), "{failure}: {calls:?}");
        assert!(calls.lacks_many());
        // For good, it is an error, and names no key.
        always.store(usize::MAX, Ordering::SeqCst);
        let error = told(&model.generate(&[request("a"), request("b")]).unwrap_err());
        assert!(error.contains("the planner did not answer"), "{error}");
        assert!(error.contains("failed 3 times"), "{failure}: {error}");
        assert!(!error.contains("geheim"), "{error}");
    }
}

#[test]
fn permanent_failures_are_told_at_once_with_what_helps() {
    for (status, says, advice) in [
        (
            401,
            r#"{"error":{"message":"wrong key geheim"}}"#,
            "--model-key",
        ),
        (
            404,
            r#"{"error":{"message":"no model planner"}}"#,
            "a model of this name",
        ),
        (
            400,
            r#"{"error":{"message":"maximum context length is 10 tokens"}}"#,
            "--model-context",
        ),
        (307, "", "sends elsewhere"),
    ] {
        let server = Server::start(move |path, _, _| match path {
            "/v1/completions" => Does::Says(status, says.to_owned()),
            _ => not_found(),
        });
        let key = Key::new("test", "geheim").unwrap();
        let mut model = server.open(ModelServerSettings { key, ..quick() });
        let error = told(&model.generate(&[request("a")]).unwrap_err());
        assert!(error.contains(advice), "{error}");
        assert!(!error.contains("geheim"), "{error}");
        assert_eq!(server.bodies("/completions").len(), 1);
    }
    // Nor a part of one, where what a server says is cut.
    for status in [401, 200] {
        let server = Server::start(move |path, _, _| match path {
            "/v1/completions" => {
                let message = format!("{}geheim", "x".repeat(296));
                let error = serde_json::json!({"error": {"message": message, "code": 401}});
                Does::Says(status, error.to_string())
            }
            _ => not_found(),
        });
        let key = Key::new("test", "geheim").unwrap();
        let mut model = server.open(ModelServerSettings { key, ..quick() });
        let error = told(&model.generate(&[request("a")]).unwrap_err());
        assert!(
            error.contains("xxx***") && !error.contains("gehe"),
            "{error}"
        );
    }
    // Nobody there, or a key that is not taken, is told at the start.
    let locked = Server::start(|_, _, _| Does::Says(401, "no".to_owned()));
    let error = ServedModel::open(locked.address(), quick()).unwrap_err();
    assert!(error.to_string().contains("--model-key"), "{error}");
    let nobody = "http://127.0.0.1:9/v1#planner".parse().unwrap();
    let error = ServedModel::open(nobody, quick()).unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

/// A reply that repeats itself is cut where it does, as if the server had stopped there.
#[test]
fn what_repeats_itself_is_cut_where_it_is_asked_for() {
    let piece = "I ask again and again. ";
    let server = Server::start(move |path, body, _| match path {
        "/v1/completions" => {
            let prompt = body["prompt"].as_str().unwrap();
            let stops = if prompt.starts_with("stops") {
                "STOP"
            } else {
                ""
            };
            let text = format!("Hm:{}{stops}{}", piece.repeat(2), piece.repeat(9));
            Does::Says(200, completion(&text, "length"))
        }
        _ => not_found(),
    });
    let mut model = server.open(quick());
    let asked = |text: &str, stop_repeats| {
        let mut request = request(text);
        request.limits.stop_repeats = stop_repeats;
        request
    };
    let requests = [
        asked("a", None),
        asked("a", Some(4)),
        asked("a", Some(12)),
        asked("stops", Some(4)),
    ];
    let answers = model.generate(&requests).unwrap();
    let whole = format!("Hm:{}", piece.repeat(11));
    let found: Vec<(&str, StopReason)> = answers
        .iter()
        .map(|one| (one.text.as_str(), one.finish))
        .collect();
    let (cut, before) = (
        format!("Hm:{}", piece.repeat(4)),
        format!("Hm:{}", piece.repeat(2)),
    );
    assert_eq!(
        found,
        [
            (whole.as_str(), StopReason::Length),
            (&cut, StopReason::Repeats),
            (&whole, StopReason::Length),
            (&before, StopReason::Stop(0)),
        ]
    );
    let usage = glpft_agent::Usage::from(&answers[1]);
    assert_eq!((usage.stopped_repeats, usage.new_tokens), (1, 3));
}
