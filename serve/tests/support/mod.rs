//! A served stub, and a client.

// Every test file uses a part of this.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use glpft_agent::{Asked, GenerateError, Policy, PolicyMessage, Role, ToolServer};
use glpft_data::Speaker;
use glpft_serve::{
    Catalogue, ChatSettings, OpenSpeaker, Place, PolicySpeaker, ServeError, Stopper, ToolsSettings,
    run_chat, run_tools, stop,
};
use serde_json::{Value, json};
use ureq::Agent;

/// Calls the first function once, and then answers with the observation; a query's first word may ask for other things.
pub struct Stub;

impl Policy for Stub {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        asked.iter().map(say).collect()
    }
}

fn say(asked: &Asked<'_>) -> Result<PolicyMessage, GenerateError> {
    let answer = |text: &str| PolicyMessage::answer(Some("I know."), text);
    let last = asked.turns.last().expect("a turn");
    if last.from == Speaker::Observation && !asked.task.query.contains("echo") {
        return Ok(answer(&last.value));
    }
    match last.value.split(' ').next().unwrap_or_default() {
        "give" => Ok(PolicyMessage::give_up(Some("No way."))),
        "fail" => Err(GenerateError::Failed {
            role: Role::Planner,
            source: "as asked".into(),
        }),
        "refuse" => Err(GenerateError::Request {
            index: 0,
            reason: "as asked".to_owned(),
        }),
        "panic" => panic!("as asked"),
        "slow" => {
            std::thread::sleep(Duration::from_millis(300));
            Ok(answer("slow"))
        }
        "functions" => {
            let functions: Vec<Value> = asked
                .task
                .functions
                .iter()
                .map(|one| one.to_json())
                .collect();
            Ok(answer(&json!(functions).to_string()))
        }
        _ if asked.task.query.contains("echo") => {
            let turns: Vec<Value> = asked
                .turns
                .iter()
                .map(|turn| json!([turn.from.name(), turn.value]))
                .collect();
            Ok(answer(&hidden(&json!(turns).to_string())))
        }
        _ => Ok(match asked.task.functions.first() {
            None => answer("no tools"),
            Some(function) => {
                PolicyMessage::from_message(Some("I ask."), &function.name, r#"{"city": "Oslo"}"#)
            }
        }),
    }
}

/// A text without what a reader is not shown.
fn hidden(text: &str) -> String {
    text.replace(':', "§").replace("</s>", "¶")
}

/// What the stub was asked, as it echoes it.
pub fn echoed(answer: &Value) -> Value {
    let text = message(answer, "content").as_str().expect("text");
    let text = text.replace('§', ":").replace('¶', "</s>");
    serde_json::from_str(&text).expect("JSON")
}

/// A server in this process.
pub struct Server {
    pub address: SocketAddr,
    pub stopper: Stopper,
    thread: JoinHandle<Result<(), ServeError>>,
}

const PLACE: &str = "127.0.0.1";

impl Server {
    pub fn stub() -> Self {
        Self::chat(ChatSettings::new("stub"))
    }

    pub fn chat(settings: ChatSettings) -> Self {
        Self::speaker(
            settings,
            Box::new(|| Ok(Box::new(PolicySpeaker(Stub)) as _)),
        )
    }

    pub fn speaker(settings: ChatSettings, open: OpenSpeaker) -> Self {
        Self::start(move |place, stop, ready| run_chat(place, settings, open, stop, ready))
    }

    pub fn tools(
        settings: ToolsSettings,
        catalogue: Catalogue,
        server: impl ToolServer + Send + 'static,
    ) -> Self {
        Self::start(move |place, stop, ready| {
            run_tools(place, settings, catalogue, server, stop, ready)
        })
    }

    fn start(
        run: impl FnOnce(
            &Place,
            glpft_serve::Stop,
            Box<dyn FnOnce(SocketAddr)>,
        ) -> Result<(), ServeError>
        + Send
        + 'static,
    ) -> Self {
        let (stopper, stop) = stop();
        let (tell, told) = channel();
        let place = Place {
            host: PLACE.to_owned(),
            port: 0,
        };
        let thread = std::thread::spawn(move || {
            run(
                &place,
                stop,
                Box::new(move |address| tell.send(address).unwrap_or_default()),
            )
        });
        let address = told
            .recv_timeout(Duration::from_secs(20))
            .expect("a server");
        Self {
            address,
            stopper,
            thread,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks a chat; the status and the JSON that came.
    pub fn ask(&self, body: &Value) -> (u16, Value) {
        self.post("/v1/chat/completions", &body.to_string())
    }

    pub fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let response = agent()
            .post(self.url(path))
            .header("content-type", "application/json")
            .send(body);
        read(response.expect("an answer"))
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        let mut response = agent().get(self.url(path)).call().expect("an answer");
        let text = response.body_mut().read_to_string().expect("a text");
        (response.status().as_u16(), text)
    }

    /// Asks for an answer in parts: the data of every event.
    pub fn stream(&self, body: &Value) -> Vec<String> {
        let response = agent()
            .post(self.url("/v1/chat/completions"))
            .header("content-type", "application/json")
            .send(body.to_string())
            .expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let lines = BufReader::new(response.into_body().into_reader()).lines();
        lines
            .map(|line| line.expect("a line"))
            .filter_map(|line| line.strip_prefix("data: ").map(str::to_owned))
            .collect()
    }

    /// Waits until a metric has a value.
    pub fn wait_for(&self, line: &str) {
        for _ in 0..400 {
            if self.get("/metrics").1.lines().any(|one| one == line) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{line} never came: {}", self.get("/metrics").1);
    }

    pub fn end(self) -> Result<(), ServeError> {
        self.stopper.stop();
        self.ended()
    }

    /// Waits for a server that was told to end; a second word would cut off what is under way.
    pub fn ended(self) -> Result<(), ServeError> {
        self.thread.join().expect("no panic")
    }
}

pub fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

pub fn read(mut response: ureq::http::Response<ureq::Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().expect("a text");
    let json = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    (response.status().as_u16(), json)
}

/// A request with one message of the user's.
pub fn ask(text: &str) -> Value {
    json!({"model": "stub", "messages": [{"role": "user", "content": text}]})
}

/// A request with one message of the user's and a tool.
pub fn ask_with_tool(text: &str) -> Value {
    let mut body = ask(text);
    body["tools"] = json!([{"type": "function", "function": {
        "name": "weather_for_sky",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }}]);
    body
}

/// The text of a key of an answer's message.
pub fn message<'a>(answer: &'a Value, key: &str) -> &'a Value {
    &answer["choices"][0]["message"][key]
}
