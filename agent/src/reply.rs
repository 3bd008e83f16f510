//! What came of a call.

use glpft_data::python::{self, json};
use glpft_data::{Ending, lenient_object};
use serde_json::{Map, Value};

use crate::calls::Unreached;

/// ToolBench's client's word for a reply that is not one.
const DATA_ERROR: &str = "request invalid, data error";

/// What a step of the environment came to (ToolBench, `rapidapi_wrapper._step`; the codes of its answer files).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Code {
    /// The tool replied.
    Replied = 0,
    /// There is no function of this name.
    NoSuchFunction = 1,
    /// The arguments of `Finish` mean nothing.
    UnreadableFinish = 2,
    /// `Finish` with an answer.
    Answered = 3,
    /// `Finish` with a give-up.
    GaveUp = 4,
    /// The tool did not reply in time.
    Timeout = 5,
    /// The API does not work.
    NotWorking = 6,
    /// The key is not allowed to call it.
    Unauthorized = 7,
    /// The key has no subscription to it.
    Unsubscribed = 8,
    /// Too many requests.
    TooManyRequests = 9,
    /// The rate limit is reached.
    RateLimit = 10,
    /// The reply is a message that says what went wrong.
    Message = 11,
    /// The request failed: no connection, a status that is an error, a reply that is no JSON.
    RequestFailed = 12,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Code; 13] = [
        Code::Replied,
        Code::NoSuchFunction,
        Code::UnreadableFinish,
        Code::Answered,
        Code::GaveUp,
        Code::Timeout,
        Code::NotWorking,
        Code::Unauthorized,
        Code::Unsubscribed,
        Code::TooManyRequests,
        Code::RateLimit,
        Code::Message,
        Code::RequestFailed,
    ];

    /// The number in answer files.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The code that a server's `error` stands for; any other text is that of a reply.
    pub fn of_error(error: &str) -> Self {
        match error {
            "Timeout error..." => Code::Timeout,
            "API not working error..." => Code::NotWorking,
            "Unauthorized error..." => Code::Unauthorized,
            "Unsubscribed error..." => Code::Unsubscribed,
            "Too many requests error..." => Code::TooManyRequests,
            "Rate limit error..." | "Rate limit per minute error..." => Code::RateLimit,
            "Message error..." => Code::Message,
            _ => Code::Replied,
        }
    }
}

/// What a tool's server said to a call: the `{"error", "response"}` of ToolBench's servers.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolReply {
    /// What went wrong; empty where nothing did.
    pub error: String,
    /// The reply itself: most often text, but servers also send objects, lists and numbers.
    pub response: Value,
    /// What it means.
    pub code: Code,
    /// Why it is no tool's, where the call reached none.
    pub unreached: Option<Unreached>,
    /// What is wrong with the connection, in words for the user: it may name a proxy or a file of this machine, so nothing
    /// that is kept or sent anywhere holds it.
    pub fault: Option<String>,
}

impl ToolReply {
    /// A server's reply, its code read from `error`.
    pub fn new(error: impl Into<String>, response: impl Into<Value>) -> Self {
        let error = error.into();
        Self {
            code: Code::of_error(&error),
            error,
            response: response.into(),
            unreached: None,
            fault: None,
        }
    }

    /// The same of a call that reached no tool.
    pub fn without_tool(mut self, why: Unreached) -> Self {
        self.unreached = Some(why);
        self
    }

    /// The same of a connection with this fault.
    pub(crate) fn with_fault(mut self, fault: String) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Nothing came, or nothing that can be read.
    pub fn failed(code: Code, error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            response: "".into(),
            code,
            unreached: None,
            fault: None,
        }
    }

    /// Reads what a server sends or a cache has, `{"error", "response"}`. Anything else comes to what ToolBench's client says
    /// of it.
    pub fn read(text: &str) -> Self {
        // A page may hold JSON, and is no reply.
        let is_page = text.trim_start().starts_with('<');
        let read = || lenient_object(text, &["error", "response"]);
        let reply = match json::loads(text) {
            Ok(reply) => Some(reply),
            Err(_) => read()
                .filter(|found| !is_page && found.ending == Ending::Whole)
                .map(|found| found.value),
        };
        reply
            .and_then(Self::of_json)
            .unwrap_or_else(|| Self::failed(Code::RequestFailed, DATA_ERROR))
    }

    /// The reply that a JSON object is, unless it has neither an `error` nor a `response`.
    pub(crate) fn of_json(reply: Value) -> Option<Self> {
        let Value::Object(mut reply) = reply else {
            return None;
        };
        let (error, response) = (reply.remove("error"), reply.remove("response"));
        if error.is_none() && response.is_none() {
            return None;
        }
        let error = match error {
            None | Some(Value::Null) => String::new(),
            Some(error) => python::str(&error),
        };
        Some(Self::new(error, response.unwrap_or_else(|| "".into())))
    }

    /// The reply as a JSON object, the content of a `function` message before it is cut.
    pub fn to_json(&self) -> Value {
        let mut reply = Map::new();
        reply.insert("error".to_owned(), self.error.as_str().into());
        reply.insert("response".to_owned(), self.response.clone());
        reply.into()
    }
}
