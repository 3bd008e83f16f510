//! A request for the served team.

use glpft_agent::Task;
use serde_json::{Value, json};

/// A task as a request of OpenAI's chat form: what the user wants, and the functions to choose from.
pub(super) fn question(task: &Task, model: &str) -> Value {
    let tools: Vec<Value> = task
        .functions
        .iter()
        .map(|function| json!({"type": "function", "function": function.to_json()}))
        .collect();
    json!({
        "model": model,
        "messages": [{"role": "user", "content": task.query}],
        "tools": tools,
    })
}
