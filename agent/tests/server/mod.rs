//! An HTTP server that misbehaves as it is told to.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A server in this process. What it does is asked for by the API's name.
pub struct Server {
    pub address: String,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Server {
    pub fn start() -> Self {
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

    pub fn seen(&self) -> Vec<(String, Value)> {
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
        "later" if first(1) => answer(&mut stream, "429 Busy\r\nRetry-After: 1", b""),
        "later" | "busy twice" | "rate twice" => {
            answer(&mut stream, "200 OK", error("").as_bytes())
        }
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
