//! Clients against a server that misbehaves in every way, and a cache on disk.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod server;

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use glpft_agent::{
    Api, CachedTools, Code, HttpSettings, Key, RapidApi, ServerError, ToolReply, ToolServer,
    Unreached, VirtualApi, open_server,
};
use serde_json::json;
use server::Server;

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
    let own = Key::new("r", "my/own\"key").unwrap().unwrap();
    let rapid = rapid.with_toolbench_key(key()).with_rapidapi_key(own);
    let virtual_api = VirtualApi::open(&format!("{}/", server.address), quick()).unwrap();
    let virtual_api = virtual_api.with_key(key());
    assert!(rapid.is_remote() && virtual_api.is_remote());
    let reply = rapid.call(&api("echo"), "{\"a\": 1}");
    assert_eq!(reply.code, Code::Replied);
    // What the server knows of the key is not told on.
    assert_eq!(reply.response, json!({"input": "{\"a\": 1}", "key": "***"}));
    assert_eq!(virtual_api.call(&api("echo"), "x").response["input"], "x");
    // However JSON spells it.
    let echoed = rapid.call(&api("echo"), "my/own\"key and secret-of-mine");
    assert_eq!(echoed.response["input"], "*** and ***");
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
    let mut passed_on = body("truncate", "{\"a\": 1}");
    passed_on["rapidapi_key"] = json!("my/own\"key");
    assert_eq!(seen[0].1, passed_on);
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
        // An agent reads no more than this; what names proxies and files of this machine is for the user alone.
        assert_eq!(error, "request failed: connection error", "{name}");
        assert!(reply.fault.is_some_and(|fault| !fault.is_empty()), "{name}");
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
fn what_reached_no_tool_says_why() {
    let server = Server::start();
    let client = VirtualApi::open(&server.address, quick()).unwrap();
    for (name, why) in [
        ("echo", None),
        ("odd", None),
        ("Message error...", None),
        ("API not working error...", None),
        ("down", Some(Unreached::Status(500))),
        ("elsewhere", Some(Unreached::Status(307))),
        ("html", Some(Unreached::NoReply)),
        ("list", Some(Unreached::NoReply)),
        ("huge", Some(Unreached::TooLong)),
        ("hang up", Some(Unreached::Connection)),
        ("slow", Some(Unreached::Timeout)),
        ("Timeout error...", Some(Unreached::Timeout)),
        ("Unauthorized error...", Some(Unreached::Unauthorized)),
        ("Unsubscribed error...", Some(Unreached::Unsubscribed)),
        ("Rate limit error...", Some(Unreached::RateLimit)),
    ] {
        assert_eq!(client.call(&api(name), "{}").unreached, why, "{name}");
    }
    assert_eq!(client.place(), Some(format!("{}/virtual", server.address)));
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("Video_Images/movies_for_Video_Images");
    std::fs::create_dir_all(&tool).unwrap();
    let kept = json!({
        "{}": {"error": "", "response": "all"},
        "{'a': 1}": {"error": "Unauthorized error...", "response": ""},
    });
    std::fs::write(tool.join("find.json"), kept.to_string()).unwrap();
    let cache = CachedTools::open(folder.path()).unwrap();
    for (arguments, why) in [
        ("{}", None),
        ("{\"a\": 1}", Some(Unreached::Unauthorized)),
        ("{\"a\": 2}", Some(Unreached::NotCached)),
    ] {
        let reply = cache.call(&api("find"), arguments);
        assert_eq!(reply.unreached, why, "{arguments}");
    }
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
fn a_text_names_a_server() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("Weather")).unwrap();
    for (at, is_remote) in [
        (format!("{}/virtual", server.address), true),
        (server.address.clone(), true),
        (folder.path().display().to_string(), false),
    ] {
        let tools = open_server(&at, quick()).unwrap();
        assert_eq!(tools.is_remote(), is_remote, "{at}");
        tools.call(&api("echo"), "{}");
    }
    let paths: Vec<String> = server.seen().into_iter().map(|(head, _)| head).collect();
    assert!(paths[0].starts_with("POST /virtual ") && paths[1].starts_with("POST /rapidapi "));
    assert!(open_server("no/such/folder", quick()).is_err());
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
    // However short its own wait is, a server that says how long is listened to.
    let server = Server::start();
    let client = VirtualApi::open(&server.address, quick()).unwrap();
    let started = Instant::now();
    assert_eq!(failed(&client.call(&api("later"), "{}")).0, Code::Replied);
    assert!(started.elapsed() >= Duration::from_secs(1));
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
    for url in [
        "http://localhost/virtual?key=secret",
        "ftp://localhost/virtual?key=secret",
        "http://me:secret@localhost/virtual#secret",
        "localhost/virtual?key=secret",
    ] {
        let error = open_server(url, quick()).err().unwrap().to_string();
        assert!(
            !error.contains("secret") && error.contains("localhost/virtual…"),
            "{error}"
        );
    }
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
