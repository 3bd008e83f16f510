//! Chats in OpenAI's form, and the functions that they offer.

use glpft_data::{Field, chat_turns, read_functions, read_messages};
use glpft_recipes::{Observations, Schemas};
use serde_json::{Value, json};

use crate::Parser;

/// Messages on their way to turns, and functions on theirs into a prompt.
pub(crate) const CHAT: Parser = Parser {
    name: "chat",
    read: |data, _| {
        let Ok(value) = serde_json::from_slice::<Value>(data) else {
            return;
        };
        let chat = Field::root(&value, "");
        if let Ok(Some(messages)) = chat.find("messages")
            && let Ok(messages) = read_messages(&messages)
        {
            for observations in [Observations::Response, Observations::ResponseOrError] {
                if let Ok(read) = chat_turns(&messages, observations) {
                    assert_eq!(read.turns.len(), read.messages.len());
                }
            }
        }
        if let Ok(Some(tools)) = chat.find("tools")
            && let Ok(functions) = read_functions(&tools)
        {
            for function in functions {
                for schemas in [Schemas::Published, Schemas::Whole] {
                    let tool = function.tool(schemas);
                    assert_eq!(tool.name(), function.name, "a name is never cut");
                }
            }
        }
    },
    examples: || {
        let tree = json!({"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}, "value": {"type": ["integer", "null"], "minimum": 1, "default": 2}},
            "required": ["value"], "allOf": [{"$ref": "#/$defs/Named"}]});
        let chat = json!({
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "Is it warm in Malm\u{f6}?"}]},
                {"role": "assistant", "content": "<think>Two at once.</think>\n", "weight": 1, "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "now", "arguments": "{\"city\": \"Malm\u{f6}\"}"}},
                    {"id": "b", "type": "function", "function": {"name": "plant", "arguments": {"tree": {"value": 1}}}}]},
                {"role": "tool", "tool_call_id": "b", "content": "{\"error\": \"\", \"response\": \"planted\"}"},
                {"role": "tool", "tool_call_id": "a", "content": {"temperature": 24.5}},
                {"role": "assistant", "content": null, "function_call": {"name": "now", "arguments": "{}"}},
                {"role": "function", "name": "now", "content": "24"},
                {"role": "assistant", "content": "It is.", "reasoning_content": "I know."}],
            "tools": [
                {"type": "function", "function": {"name": "now", "description": "The weather.", "parameters": {"type": "object",
                    "properties": {"city": {"type": "string", "enum": ["Malm\u{f6}", "Oslo"]}, "when": {"anyOf": [{"const": "now"}, {"type": "string", "format": "date"}]}}, "required": ["city"]}}},
                {"name": "plant", "input_schema": {"type": "object", "properties": {"tree": {"$ref": "#/$defs/Tree"}, "tags": {"type": "array", "items": {"type": "string"}}},
                    "$defs": {"Tree": tree, "Named": {"properties": {"name": {"type": "string"}}}}}}],
        });
        vec![chat.to_string().into_bytes()]
    },
    fixtures: &[],
};
