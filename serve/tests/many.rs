//! Requests at the same time: together, too many, given up, and when the server ends.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use glpft_serve::{ChatSettings, ServeError};
use support::{Server, agent, ask};

/// Asks and leaves before the answer.
fn ask_and_leave(server: &Server, text: &str) {
    let body = ask(text).to_string();
    let mut stream = TcpStream::connect(server.address).expect("a connection");
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    server.wait_for("glpft_requests_waiting 1");
}

#[test]
fn what_waits_is_answered_together() {
    let server = Server::stub();
    let begun = Instant::now();
    scope(|scope| {
        scope.spawn(|| server.ask(&ask("slow")));
        server.wait_for("glpft_requests_under_way 1");
        server.wait_for("glpft_requests_waiting 0");
        let many: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| server.ask(&ask("x")).0))
            .collect();
        for one in many {
            assert_eq!(one.join().ok(), Some(200));
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(5));
    // The eight waited for the first one, so there were two batches.
    server.wait_for("glpft_batch_requests_count 2");
    server.wait_for("glpft_batch_requests_sum 9.0");
}

#[test]
fn one_that_fails_spoils_no_other() {
    let server = Server::stub();
    scope(|scope| {
        scope.spawn(|| server.ask(&ask("slow")));
        server.wait_for("glpft_requests_under_way 1");
        server.wait_for("glpft_requests_waiting 0");
        let bad = scope.spawn(|| server.ask(&ask("fail")).0);
        let good: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| server.ask(&ask("x")).0))
            .collect();
        assert_eq!(bad.join().ok(), Some(500));
        for one in good {
            assert_eq!(one.join().ok(), Some(200));
        }
    });
}

#[test]
fn a_full_queue_sends_away_until_somebody_leaves() {
    let mut settings = ChatSettings::new("stub");
    settings.requests.waiting = 1;
    let server = Server::chat(settings);
    scope(|scope| {
        scope.spawn(|| server.ask(&ask("slow")));
        server.wait_for("glpft_requests_under_way 1");
        server.wait_for("glpft_requests_waiting 0");
        ask_and_leave(&server, "slow");
        // The place is free again at once, though the model still speaks.
        server.wait_for("glpft_requests_waiting 0");
        let waiting = scope.spawn(|| server.ask(&ask("x")).0);
        server.wait_for("glpft_requests_waiting 1");
        let request = agent().post(server.url("/v1/chat/completions"));
        let refused = request
            .header("content-type", "application/json")
            .send(ask("x").to_string())
            .expect("an answer");
        assert_eq!(refused.status().as_u16(), 429);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(waiting.join().ok(), Some(200));
    });
    server.wait_for("glpft_clients_left_total 1");
}

#[test]
fn an_answer_may_be_too_late() {
    let mut settings = ChatSettings::new("stub");
    settings.requests.answer = Duration::from_millis(50);
    let server = Server::chat(settings);
    assert_eq!(server.ask(&ask("slow")).0, 504);
}

#[test]
fn what_runs_ends_before_the_server() {
    let server = Arc::new(Server::stub());
    let asking = Arc::clone(&server);
    let slow = std::thread::spawn(move || asking.ask(&ask("slow")).0);
    server.wait_for("glpft_requests_under_way 1");
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let asking = Arc::clone(&server);
            std::thread::spawn(move || asking.ask(&ask("x")).0)
        })
        .collect();
    server.wait_for("glpft_requests_under_way 4");
    server.stopper.stop();
    assert_eq!(slow.join().ok(), Some(200));
    for one in waiting {
        assert_eq!(one.join().ok(), Some(200));
    }
    let address = server.address;
    let server = Arc::into_inner(server).expect("one");
    assert!(server.ended().is_ok());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn the_second_word_ends_at_once() {
    let mut settings = ChatSettings::new("stub");
    settings.connections.grace = Duration::from_secs(60);
    let server = Server::chat(settings);
    let address = server.address;
    // A request that never becomes whole.
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .expect("sent");
    server.wait_for("glpft_requests_under_way 1");
    server.stopper.stop();
    sleep(Duration::from_millis(50));
    assert!(matches!(server.end(), Err(ServeError::Unfinished(_))));
}
