//! Clients against a server that misbehaves in every way, and a cache on disk.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use glpft_agent::{
    Api, CachedTools, Code, HttpSettings, Key, RapidApi, ServerError, ToolReply, ToolServer,
    VirtualApi,
};
use serde_json::{Value, json};

/// A server in this process. What it does is asked for by the API's name.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, count) = (requests.clone(), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, count) = (seen.clone(), count.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &count));
            }
        });
        Self { address, requests }
    }

    fn seen(&self) -> Vec<(String, Value)> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<(String, Value)>>, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let answer = |stream: &mut TcpStream, status: &str, body: &[u8]| {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(body);
    };
    let path = head.split(' ').nth(1).unwrap().to_owned();
    if head.starts_with("GET") {
        let known = ["/rapidapi", "/virtual"].contains(&path.as_str());
        let status = if known {
            "405 Method Not Allowed"
        } else {
            "404 Not Found"
        };
        return answer(&mut stream, status, b"");
    }
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")
                .map(str::to_owned)
        })
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let api = body["api_name"].as_str().unwrap().to_owned();
    let key = body["toolbench_key"].as_str().unwrap().to_owned();
    seen.lock().unwrap().push((head, body.clone()));
    let first = |times| count.fetch_add(1, Ordering::SeqCst) < times;
    let error = |text: &str| json!({"error": text, "response": ""}).to_string();
    match api.as_str() {
        "echo" => {
            let reply = json!({"error": "", "response": {"input": body["tool_input"], "key": key}});
            answer(&mut stream, "200 OK", reply.to_string().as_bytes());
        }
        "slow" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ");
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(50));
                if stream.write_all(b"H").is_err() {
                    return;
                }
            }
        }
        "trickle" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
            for _ in 0..40 {
                std::thread::sleep(Duration::from_millis(50));
                if stream.write_all(b"{").is_err() {
                    return;
                }
            }
        }
        "down" => answer(
            &mut stream,
            "500 Internal Server Error",
            b"<html>sorry</html>",
        ),
        "busy twice" if first(2) => answer(&mut stream, "503 Busy", b""),
        "rate twice" if first(2) => {
            let reply = error("Rate limit per minute error...");
            answer(&mut stream, "200 OK", reply.as_bytes());
        }
        "busy twice" | "rate twice" => answer(&mut stream, "200 OK", error("").as_bytes()),
        "html" => answer(&mut stream, "200 OK", b"<!DOCTYPE html><p>Hello"),
        "garbage" => answer(&mut stream, "200 OK", &[0xff, 0x00, 0xfe, 0x7b]),
        "list" => answer(&mut stream, "200 OK", b"[1, 2]"),
        "odd" => answer(
            &mut stream,
            "200 OK",
            br#"{"error": null, "response": [1, null]}"#,
        ),
        "huge" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
            let piece = vec![b'x'; 1 << 16];
            for _ in 0..1600 {
                if stream.write_all(&piece).is_err() {
                    return;
                }
            }
        }
        "elsewhere" => {
            let to = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /virtual\r\nContent-Length: 0\r\n\r\n";
            let _ = stream.write_all(to.as_bytes());
        }
        "hang up" => {}
        "no http" => {
            let _ = stream.write_all(b"\x16\x03\x01 nonsense\r\n\r\n");
        }
        other => answer(&mut stream, "200 OK", error(other).as_bytes()),
    }
}

fn quick() -> HttpSettings {
    HttpSettings {
        timeout: Duration::from_millis(400),
        backoff: Duration::from_millis(5),
        ..HttpSettings::default()
    }
}

fn api(name: &str) -> Api {
    Api {
        category: "Video, Images".to_owned(),
        tool: "movies".to_owned(),
        name: name.to_owned(),
    }
}

fn failed(reply: &ToolReply) -> (Code, &str) {
    assert_eq!(reply.response, "");
    (reply.code, &reply.error)
}

#[test]
fn both_contracts_are_spoken_and_keys_stay_secret() {
    let server = Server::start();
    let key = || Key::new("k", "secret-of-mine").unwrap().unwrap();
    let rapid = RapidApi::open(&server.address, quick()).unwrap();
    let rapid = rapid.with_toolbench_key(key());
    let virtual_api = VirtualApi::open(&format!("{}/", server.address), quick()).unwrap();
    let virtual_api = virtual_api.with_key(key());
    assert!(rapid.is_remote() && virtual_api.is_remote());
    let reply = rapid.call(&api("echo"), "{\"a\": 1}");
    assert_eq!(reply.code, Code::Replied);
    // What the server knows of the key is not told on.
    assert_eq!(reply.response, json!({"input": "{\"a\": 1}", "key": "***"}));
    assert_eq!(virtual_api.call(&api("echo"), "x").response["input"], "x");
    let seen = server.seen();
    assert!(seen[0].0.starts_with("POST /rapidapi "), "{}", seen[0].0);
    assert!(seen[1].0.starts_with("POST /virtual "), "{}", seen[1].0);
    assert!(seen[0].0.contains("toolbench_key: secret-of-mine"));
    let body = |strip: &str, input: &str| {
        json!({
            "category": "Video, Images", "tool_name": "movies", "api_name": "echo", "tool_input": input,
            "strip": strip, "toolbench_key": "secret-of-mine",
        })
    };
    assert_eq!(seen[0].1, body("truncate", "{\"a\": 1}"));
    assert_eq!(seen[1].1, body("", "x"));
    for shown in [
        format!("{rapid:?}"),
        format!("{virtual_api:?}"),
        format!("{:?}", key()),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
    let error = Key::new("TOOLBENCH_KEY", "secret\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("TOOLBENCH_KEY") && !error.contains("secret"),
        "{error}"
    );
    assert_eq!(Key::new("k", "").unwrap(), None);
}

#[test]
fn every_error_of_a_server_has_its_code() {
    let server = Server::start();
    let client = RapidApi::open(&server.address, quick()).unwrap();
    for (error, code) in [
        ("API not working error...", Code::NotWorking),
        ("Unauthorized error...", Code::Unauthorized),
        ("Unsubscribed error...", Code::Unsubscribed),
        ("Too many requests error...", Code::TooManyRequests),
        ("Rate limit per minute error...", Code::RateLimit),
        ("Rate limit error...", Code::RateLimit),
        ("Message error...", Code::Message),
        ("Timeout error...", Code::Timeout),
        ("anything else", Code::Replied),
    ] {
        let reply = client.call(&api(error), "{}");
        assert_eq!(failed(&reply), (code, error));
    }
}

#[test]
fn whatever_a_server_sends_is_a_reply() {
    let server = Server::start();
    let client = RapidApi::open(&server.address, quick()).unwrap();
    let data_error = (Code::RequestFailed, "request invalid, data error");
    for name in ["html", "garbage", "list"] {
        assert_eq!(failed(&client.call(&api(name), "{}")), data_error, "{name}");
    }
    let status = |status: &'static str| (Code::RequestFailed, status);
    for (name, error) in [
        ("down", "request invalid, data error. status_code=500"),
        ("elsewhere", "request invalid, data error. status_code=307"),
        ("huge", "the reply has more than 1048576 bytes"),
    ] {
        let started = Instant::now();
        assert_eq!(
            failed(&client.call(&api(name), "{}")),
            status(error),
            "{name}"
        );
        assert!(started.elapsed() < Duration::from_secs(2), "{name}");
    }
    for name in ["hang up", "no http"] {
        let reply = client.call(&api(name), "{}");
        let (code, error) = failed(&reply);
        assert_eq!(code, Code::RequestFailed, "{name}");
        assert!(error.starts_with("request failed: "), "{name}: {error}");
    }
    let odd = client.call(&api("odd"), "{}");
    assert_eq!(
        (odd.code, &*odd.error, odd.response),
        (Code::Replied, "", json!([1, null]))
    );
    // Where it was sent elsewhere, nothing went there.
    assert!(
        server
            .seen()
            .iter()
            .all(|(head, _)| !head.contains("/virtual"))
    );
}

#[test]
fn slow_replies_time_out_and_are_not_asked_for_again() {
    let server = Server::start();
    let client = VirtualApi::open(&server.address, quick()).unwrap();
    for name in ["slow", "trickle"] {
        let started = Instant::now();
        let reply = client.call(&api(name), "{}");
        assert_eq!(
            failed(&reply),
            (Code::Timeout, "Timeout error..."),
            "{name}"
        );
        assert!(started.elapsed() < Duration::from_millis(1500), "{name}");
    }
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_busy_server_is_asked_again_later() {
    for name in ["busy twice", "rate twice"] {
        let server = Server::start();
        let client = VirtualApi::open(&server.address, quick()).unwrap();
        let started = Instant::now();
        assert_eq!(
            failed(&client.call(&api(name), "{}")),
            (Code::Replied, ""),
            "{name}"
        );
        // 5 ms, then 10 ms.
        assert!(started.elapsed() >= Duration::from_millis(15));
        assert_eq!(server.seen().len(), 3);
    }
    let server = Server::start();
    let once = HttpSettings {
        attempts: 1,
        ..quick()
    };
    let client = VirtualApi::open(&server.address, once).unwrap();
    let reply = client.call(&api("busy twice"), "{}");
    assert_eq!(
        failed(&reply),
        (
            Code::RequestFailed,
            "request invalid, data error. status_code=503"
        )
    );
}

#[test]
fn calls_keep_their_distance() {
    let server = Server::start();
    let paced = HttpSettings {
        interval: Duration::from_millis(30),
        ..quick()
    };
    let client = VirtualApi::open(&server.address, paced).unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(client.call(&api("echo"), "1").code, Code::Replied));
        }
    });
    assert!(started.elapsed() >= Duration::from_millis(90));
}

#[test]
fn a_wrong_address_is_one_clear_error_at_the_start() {
    let server = Server::start();
    let open = |url: &str| RapidApi::open(url, quick()).unwrap_err();
    for url in [
        "",
        "localhost:80",
        "ftp://localhost",
        "http://",
        "not a url",
    ] {
        let error = open(url);
        assert!(matches!(error, ServerError::Url { .. }), "{url}: {error}");
        assert!(
            error.to_string().contains("http://127.0.0.1:8080/rapidapi"),
            "{error}"
        );
    }
    let error = open("http://me:secret@localhost/").to_string();
    assert!(
        !error.contains("secret") && error.contains("environment"),
        "{error}"
    );
    let error = open(&format!("{}/wrong", server.address));
    assert!(matches!(error, ServerError::NotFound { .. }), "{error}");
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = open(&format!("http://{free}"));
    assert!(matches!(error, ServerError::Unreachable { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("http://{free}/rapidapi")),
        "{error}"
    );
}

#[test]
fn the_published_cache_is_read_offline() {
    let folder = tempfile::tempdir().unwrap();
    let error = CachedTools::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no folder of a category"), "{error}");
    assert!(CachedTools::open(Path::new("/nowhere/at/all")).is_err());
    let tool = folder.path().join("Video_Images/movies_for_Video_Images");
    std::fs::create_dir_all(&tool).unwrap();
    let replies = json!({
        "{}": {"error": "", "response": "all"},
        "{'is_id': 7, 'name': \"it's\", 'old': True}": {"error": "Message error...", "response": {"a": 1}},
        "{'q': 'größe'}": "plain",
    });
    std::fs::write(tool.join("is_id.json"), replies.to_string()).unwrap();
    std::fs::write(tool.join("broken.json"), "{\"{}\": ").unwrap();
    let cache = CachedTools::open(folder.path()).unwrap();
    assert!(!cache.is_remote());
    for name in ["ID", "id", "is_id", "is_id_for_movies"] {
        for arguments in ["{}", "", " { } "] {
            let reply = cache.call(&api(name), arguments);
            {
                assert_eq!(
                    (reply.code, reply.response),
                    (Code::Replied, "all".into()),
                    "{name} {arguments:?}"
                );
            }
        }
    }
    let reply = cache.call(
        &api("ID"),
        "{\"is_id\": 7, \"name\": \"it's\", \"old\": true}",
    );
    assert_eq!(
        (reply.code, reply.response),
        (Code::Message, json!({"a": 1}))
    );
    assert_eq!(
        cache.call(&api("id"), "{\"q\": \"größe\"}").response,
        "plain"
    );
    let absent = (Code::NotWorking, "API not working error...");
    assert_eq!(failed(&cache.call(&api("id"), "{\"q\": 1}")), absent);
    for name in ["broken", "other", "..", "", "../is_id"] {
        let expected = if name == "../is_id" {
            Code::Replied
        } else {
            Code::NotWorking
        };
        assert_eq!(cache.call(&api(name), "{}").code, expected, "{name}");
    }
    for category in ["..", ".", "", "\u{0}"] {
        let api = Api {
            category: category.to_owned(),
            ..api("id")
        };
        assert_eq!(failed(&cache.call(&api, "{}")), absent, "{category}");
    }
    assert_eq!(
        failed(&cache.call(&api("id"), "{x")).1,
        "Tool input parse error...\n"
    );
}
