//! The official Python client of OpenAI against a served stub.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use std::path::Path;
use std::process::Command;

use support::Server;

/// Names a Python that has the package `openai`; default: `python3`.
const PYTHON: &str = "GLPFT_PYTHON";

#[test]
fn the_official_client_is_served() {
    let python = std::env::var(PYTHON).unwrap_or_else(|_| "python3".to_owned());
    let has_client = Command::new(&python).args(["-c", "import openai"]).output();
    if !has_client.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no package `openai` ({PYTHON} names another Python)");
        return;
    }
    let server = Server::stub();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/chat_client.py");
    let output = Command::new(&python)
        .arg(script)
        .args([server.url("/v1").as_str(), "stub"])
        .output()
        .expect("Python");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}
