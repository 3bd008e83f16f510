//! A call as ToolBench's servers are sent it.

use glpft_data::python::json;
use serde_json::Value;

/// What of a reply is kept before it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strip {
    /// All.
    Truncate,
    /// The keys that the API's schema has.
    Filter,
    /// One of the two.
    Random,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ToolRequest {
    pub category: String,
    pub tool: String,
    pub api: String,
    /// The arguments, as they were written.
    pub input: String,
    pub strip: Strip,
    pub key: Option<String>,
}

impl ToolRequest {
    /// Reads the body of a call: `{category, tool_name, api_name, tool_input, strip, toolbench_key}`. `tool_input` is a
    /// string, or an object, which RapidAPI's server does not know but StableToolBench's does.
    ///
    /// # Errors
    /// What is missing or of another type.
    pub(super) fn read(body: &Value) -> Result<Self, String> {
        let text = |key: &str| match body.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("{key:?} must be a string")),
            None => Err(format!("{key:?} is missing")),
        };
        let input = match body.get("tool_input") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(input)) => input.clone(),
            Some(object @ Value::Object(_)) => json::dumps(object)
                .map_err(|error| format!("\"tool_input\" cannot be written: {error}"))?,
            Some(_) => return Err("\"tool_input\" must be a string or an object".to_owned()),
        };
        Ok(Self {
            category: text("category")?,
            tool: text("tool_name")?,
            api: text("api_name")?,
            input,
            strip: match body.get("strip").and_then(Value::as_str) {
                Some("filter") => Strip::Filter,
                Some("random") => Strip::Random,
                // As ToolBench's server, which takes any other word, and none, for this.
                _ => Strip::Truncate,
            },
            key: match body.get("toolbench_key") {
                Some(Value::String(key)) => Some(key.clone()),
                _ => None,
            },
        })
    }
}
