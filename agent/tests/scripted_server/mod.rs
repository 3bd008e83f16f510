//! A server of a model that does what its script says, and what its tests ask it with.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a test ends where something is amiss, and no test uses all of it"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use glpft_agent::{
    GenerateError, Limits, ModelAddress, ModelServerSettings, Request, Role, Sampling, ServedModel,
};
use glpft_data::Text;
use serde_json::{Value, json};

/// What a server does with a request.
pub enum Does {
    Says(u16, String),
    Later(u16),
    Hangs,
    HangsUp,
    /// Half of this, and no more.
    Half(String),
}

type Script = dyn Fn(&str, &Value, usize) -> Does + Send + Sync;

pub struct Server {
    address: String,
    pub seen: Arc<Mutex<Vec<(String, Value, String)>>>,
    pub most: Arc<AtomicUsize>,
}

impl Server {
    /// A server that does what its script says of the path, the body, and how many requests came before.
    pub fn start(script: impl Fn(&str, &Value, usize) -> Does + Send + Sync + 'static) -> Self {
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

    pub fn address(&self) -> ModelAddress {
        self.address.parse().unwrap()
    }

    pub fn open(&self, settings: ModelServerSettings) -> ServedModel {
        ServedModel::open(self.address(), settings).unwrap()
    }

    /// The bodies that came to paths with this end.
    pub fn bodies(&self, end: &str) -> Vec<Value> {
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

pub fn not_found() -> Does {
    Does::Says(404, r#"{"detail":"Not Found"}"#.to_owned())
}

pub fn completion(text: &str, finish: &str) -> String {
    json!({
        "choices": [{"text": text, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
    })
    .to_string()
}

pub fn quick() -> ModelServerSettings {
    ModelServerSettings {
        backoff: Duration::from_millis(5),
        attempts: 3,
        parallel: 3,
        timeout: Duration::from_millis(500),
        ..ModelServerSettings::default()
    }
}

pub fn request(text: &str) -> Request {
    let mut prompt = Text::new();
    prompt.push(text).separate().push("assistant: ");
    Request {
        role: Role::Planner,
        prompt,
        stop: vec!["STOP".to_owned()],
        limits: Limits {
            prompt_tokens: usize::MAX,
            new_tokens: 5,
            stop_repeats: None,
        },
        sampling: Sampling::Greedy,
    }
}

pub fn told(error: &GenerateError) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}
