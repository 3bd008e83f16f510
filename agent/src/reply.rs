//! What came of a call.

use glpft_data::python::{self, json};
use glpft_data::{Ending, lenient_object};
use serde_json::{Map, Value};

use crate::calls::Unreached;
use crate::code::Code;

/// ToolBench's client's word for a reply that is not one.
const DATA_ERROR: &str = "request invalid, data error";

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
