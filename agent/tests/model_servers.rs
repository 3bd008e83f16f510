//! Models behind servers that delay, fail, cut, want fewer calls and talk nonsense.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use glpft_agent::{
    Generate, GenerateError, Key, Limits, ModelAddress, ModelServerSettings, PolicySettings,
    Request, RivalPolicy, Role, RolloutEnd, RolloutSettings, Sampling, SearchSettings, ServedModel,
    StopReason, Strategy, run_rollouts,
};
use glpft_data::{PromptTokenizer, Text};
use glpft_recipes::Separators;
use serde_json::{Value, json};
use support::{Tools, task};

/// What a server does with a request.
enum Does {
    Says(u16, String),
    Later(u16),
    Hangs,
    HangsUp,
    /// Half of this, and no more.
    Half(String),
}

type Script = dyn Fn(&str, &Value, usize) -> Does + Send + Sync;

struct Server {
    address: String,
    seen: Arc<Mutex<Vec<(String, Value, String)>>>,
    most: Arc<AtomicUsize>,
}

impl Server {
    /// A server that does what its script says of the path, the body, and how many requests came before.
    fn start(script: impl Fn(&str, &Value, usize) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1#planner", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<_>>> = Arc::default();
        let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let script: Arc<Script> = Arc::new(script);
        let all = (seen.clone(), now, most.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (script, all) = (script.clone(), all.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &*script, &all));
            }
        });
        Self {
            address,
            seen,
            most,
        }
    }

    fn address(&self) -> ModelAddress {
        self.address.parse().unwrap()
    }

    fn open(&self, settings: ModelServerSettings) -> ServedModel {
        ServedModel::open(self.address(), settings).unwrap()
    }

    /// The bodies that came to paths with this end.
    fn bodies(&self, end: &str) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        let seen = seen.iter().filter(|(path, ..)| path.ends_with(end));
        seen.map(|(_, body, _)| body.clone()).collect()
    }
}

type All = (
    Arc<Mutex<Vec<(String, Value, String)>>>,
    Arc<AtomicUsize>,
    Arc<AtomicUsize>,
);

fn serve(mut stream: TcpStream, script: &Script, (seen, now, most): &All) {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let length = head.to_lowercase();
        let length = length
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push((path.clone(), body.clone(), head));
            seen.iter().filter(|(other, ..)| *other == path).count() - 1
        };
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let does = script(&path, &body, before);
        now.fetch_sub(1, Ordering::SeqCst);
        let head = |status: u16, length: usize, more: &str| {
            format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{more}\r\n")
        };
        let _ = match does {
            Does::Says(status, text) => {
                stream.write_all((head(status, text.len(), "") + &text).as_bytes())
            }
            Does::Later(status) => {
                stream.write_all(head(status, 0, "Retry-After: 0\r\n").as_bytes())
            }
            Does::Half(text) => {
                let _ = stream
                    .write_all((head(200, text.len(), "") + &text[..text.len() / 2]).as_bytes());
                return;
            }
            Does::Hangs => {
                std::thread::sleep(Duration::from_secs(2));
                return;
            }
            Does::HangsUp => return,
        };
    }
}

fn not_found() -> Does {
    Does::Says(404, r#"{"detail":"Not Found"}"#.to_owned())
}

fn completion(text: &str, finish: &str) -> String {
    json!({
        "choices": [{"text": text, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
    })
    .to_string()
}

fn quick() -> ModelServerSettings {
    ModelServerSettings {
        backoff: Duration::from_millis(5),
        attempts: 3,
        parallel: 3,
        timeout: Duration::from_millis(500),
        ..ModelServerSettings::default()
    }
}

fn request(text: &str) -> Request {
    let mut prompt = Text::new();
    prompt.push(text).separate().push("assistant: ");
    Request {
        role: Role::Planner,
        prompt,
        stop: vec!["STOP".to_owned()],
        limits: Limits {
            prompt_tokens: usize::MAX,
            new_tokens: 5,
        },
        sampling: Sampling::Greedy,
    }
}

fn told(error: &GenerateError) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

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

/// A server whose tokens are words.
fn words(kind: &'static str) -> Server {
    Server::start(move |path, body, _| {
        let count = |key: &str| body[key].as_str().unwrap().split_whitespace().count();
        let answer = match (kind, path) {
            ("vllm", "/v1/models") => {
                json!({"data": [{"id": "base", "max_model_len": 64}, {"id": "planner", "max_model_len": 20}]})
            }
            ("vllm", "/tokenize") => json!({"count": count("prompt"), "max_model_len": 20}),
            ("llama", "/props") => {
                json!({"default_generation_settings": {"n_ctx": 20}, "eos_token": "<end>"})
            }
            ("llama", "/tokenize") => json!({"tokens": vec![1; count("content")]}),
            ("tgi", "/info") => json!({"max_total_tokens": 20}),
            ("tgi", "/tokenize") => json!(vec![json!({"id": 1}); count("inputs")]),
            (_, "/v1/completions") => return Does::Says(200, completion("ok", "stop")),
            _ => return not_found(),
        };
        Does::Says(200, answer.to_string())
    })
}

#[test]
fn the_server_says_how_much_it_reads_and_counts_it() {
    for kind in ["vllm", "llama", "tgi"] {
        let server = words(kind);
        let mut model = server.open(quick());
        assert_eq!(model.positions(), Some(20), "{kind}");
        assert_eq!(model.note(), None, "{kind}");
        let long = "word ".repeat(40);
        let measure = model.measure(&request(&long)).unwrap().unwrap();
        assert_eq!(measure.room, 15, "{kind}");
        assert!(
            (40..=42).contains(&measure.prompt_tokens),
            "{kind}: {measure:?}"
        );
        // What is asked all the same loses its beginning, and that is counted.
        let answer = &model.generate(&[request(&long)]).unwrap()[0];
        let sent = server.bodies("/completions").pop().unwrap();
        let sent = sent["prompt"].as_str().unwrap().to_owned();
        assert!(sent.split_whitespace().count() <= 15, "{sent}");
        let end = if kind == "llama" {
            "<end>assistant: "
        } else {
            "</s>assistant: "
        };
        assert!(sent.ends_with(end), "{sent}");
        assert!(answer.cut_tokens >= 25, "{answer:?}");
        let short = model.generate(&[request("word")]).unwrap();
        assert_eq!(short[0].cut_tokens, 0);
    }
    // Where nobody counts, a context that is given is kept about, which is told; without one nothing is known.
    let server = words("none");
    let model = server.open(ModelServerSettings {
        context: Some(20),
        ..quick()
    });
    assert!(model.note().unwrap().contains("three bytes"));
    let measure = model
        .measure(&request(&"word ".repeat(40)))
        .unwrap()
        .unwrap();
    assert!(measure.prompt_tokens > measure.room);
    let model = server.open(quick());
    assert!(model.note().unwrap().contains("--model-context"));
    assert_eq!(model.measure(&request("a")).unwrap(), None);
}

#[test]
fn with_its_tokenizer_a_prompt_is_sent_as_the_tokens_of_this_process() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/sample/tokenizer.json");
    let tokenizer = PromptTokenizer::from_path(file.as_ref()).unwrap();
    let settings = ModelServerSettings {
        tokenizer: Some(file.into()),
        context: Some(30),
        ..quick()
    };
    // A text that spells a separator is none.
    let request =
        request("A tool says </s> and goes on. It goes on and on, further than there is room for.");
    let mut ids = tokenizer.prefix().to_vec();
    ids.extend(tokenizer.encode(&request.prompt, Separators::Eos).unwrap());
    let ends = ids.iter().filter(|&&id| id == tokenizer.eos_id());
    assert_eq!(ends.count(), 1);
    let taken = ids.len() - 25;
    for takes_tokens in [true, false] {
        let server = Server::start(move |path, body, _| match path {
            "/v1/completions" if !takes_tokens && !body["prompt"].is_string() => {
                Does::Says(422, r#"{"error":"prompt: expected a string"}"#.to_owned())
            }
            "/v1/completions" => Does::Says(200, completion("ok", "stop")),
            _ => not_found(),
        });
        let mut model = server.open(settings.clone());
        assert_eq!(model.note(), None);
        let measure = model.measure(&request).unwrap().unwrap();
        assert_eq!((measure.prompt_tokens, measure.room), (ids.len(), 25));
        for _ in 0..2 {
            let answer = &model.generate(std::slice::from_ref(&request)).unwrap()[0];
            assert_eq!((answer.text.as_str(), answer.cut_tokens), ("ok", taken));
        }
        let prompts: Vec<Value> = server
            .bodies("/completions")
            .into_iter()
            .map(|body| body["prompt"].clone())
            .collect();
        assert_eq!(prompts[0], json!(ids[taken..]));
        // A server that wants text is not sent tokens again.
        assert_eq!(prompts.len(), if takes_tokens { 2 } else { 3 });
        assert!(
            takes_tokens || prompts[1..].iter().all(Value::is_string),
            "{prompts:?}"
        );
        for text in prompts.iter().filter_map(Value::as_str) {
            assert!(text.len() < 70 && text.contains("room for."), "{text}");
        }
        assert_eq!(model.calls().failed(), 0);
    }
    let error = ServedModel::open(
        words("none").address(),
        ModelServerSettings {
            tokenizer: Some("nowhere".into()),
            ..quick()
        },
    );
    assert!(error.unwrap_err().to_string().contains("nowhere"));
}

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
