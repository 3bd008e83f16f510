//! `glpft serve`: started, asked, and told to end.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::json;

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that runs; it ends with this.
pub(crate) struct Served {
    child: Child,
    /// Where it listens: `http://HOST:PORT` and a path.
    pub(crate) url: String,
}

impl Served {
    /// Starts a command at a free port and waits until it listens.
    pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_glpft"))
            .current_dir(directory)
            .args(arguments)
            .args(["--port=0", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // From here on it ends with the test, however that ends.
        let mut served = Self {
            child,
            url: String::new(),
        };
        let mut line = String::new();
        let out = served.child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let listening = json(&line);
        assert_eq!(listening["event"], "listening");
        listening["url"]
            .as_str()
            .unwrap()
            .clone_into(&mut served.url);
        served
    }

    /// The status and the body of an answer; without one to send, it is a GET.
    fn ask(&self, path: &str, body: Option<&str>) -> (u16, String) {
        let host = self.url.strip_prefix("http://").unwrap();
        let host = host.split('/').next().unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = match body {
            None => format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
            Some(body) => format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }

    /// Tells it to end, as a service manager does; its exit status.
    pub(crate) fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.unwrap().success());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A quick start's question, as its last lines say to ask it.
pub(crate) fn answers_the_question(quickstart: &Path) {
    let served = Served::start(
        quickstart,
        &["serve", "team", "--max-new-tokens=60", "--threads=2"],
    );
    assert_eq!(served.ask("/health", None).0, 200);
    let question = std::fs::read_to_string(quickstart.join("question.json")).unwrap();
    let (status, body) = served.ask("/v1/chat/completions", Some(&question));
    assert_eq!(status, 200, "{body}");
    let answer: Value = json(&body);
    let choice = &answer["choices"][0];
    let message = &choice["message"];
    assert_eq!(message["role"], "assistant");
    let calls = message["tool_calls"].as_array();
    match choice["finish_reason"].as_str().unwrap() {
        "tool_calls" => assert!(calls.unwrap()[0]["function"]["name"].is_string()),
        _ => assert!(message["content"].is_string(), "{body}"),
    }
    let (status, body) = served.ask("/v1/chat/completions", Some("{"));
    assert_eq!(status, 400, "{body}");
    assert!(served.ask("/metrics", None).1.contains("requests"));
    assert_eq!(served.end(), Some(0));
}
