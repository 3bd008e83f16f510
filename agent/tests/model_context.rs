//! How long served models' prompts may be, who counts them, and what becomes of longer ones.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod scripted_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use glpft_agent::{Generate, ModelServerSettings, ServedModel};
use glpft_data::PromptTokenizer;
use glpft_recipes::Separators;
use scripted_server::{Does, Server, completion, not_found, quick, request, told};
use serde_json::{Value, json};

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

/// A count that fails is asked for again and is among the counts; where it fails for good, nothing else is taken for it.
#[test]
fn a_count_that_fails_is_a_failed_call() {
    let fails = Arc::new(AtomicUsize::new(0));
    let left = fails.clone();
    let server = Server::start(move |path, body, before| match path {
        // Busy with loading when it is first asked.
        "/props" if before == 0 => Does::Later(503),
        "/props" => Does::Says(
            200,
            json!({"default_generation_settings": {"n_ctx": 20}}).to_string(),
        ),
        "/tokenize" if left.load(Ordering::SeqCst) > 0 => {
            left.fetch_sub(1, Ordering::SeqCst);
            Does::Later(503)
        }
        "/tokenize" => {
            let words = body["content"].as_str().unwrap().split_whitespace().count();
            Does::Says(200, json!({"tokens": vec![1; words]}).to_string())
        }
        "/v1/completions" => Does::Says(200, completion("ok", "stop")),
        _ => not_found(),
    });
    let mut model = server.open(quick());
    assert_eq!((model.positions(), model.note()), (Some(20), None));
    assert_eq!(model.calls().made, 0);
    let long = request(&"word ".repeat(40));
    fails.store(2, Ordering::SeqCst);
    let measure = model.measure(&long).unwrap().unwrap();
    assert!((40..=42).contains(&measure.prompt_tokens), "{measure:?}");
    let calls = model.calls();
    assert_eq!((calls.made, calls.failed.get("status 503")), (3, Some(&2)));
    fails.store(usize::MAX, Ordering::SeqCst);
    let error = told(&model.measure(&long).unwrap_err());
    assert!(error.contains("/tokenize failed 3 times"), "{error}");
    let error = told(&model.generate(&[long]).unwrap_err());
    assert!(error.contains("/tokenize failed 3 times"), "{error}");
    assert_eq!(server.bodies("/completions").len(), 0);
}
