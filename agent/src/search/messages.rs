//! A path as messages of ToolBench's kind.

use glpft_data::HALLUCINATED;
use serde_json::{Map, Value, json};

use super::Search;
use super::tree::{NodeId, Step};
use crate::code::Code;

/// ToolBench's way to say that a message is in no later prompt.
const INVALID: (&str, Value) = ("valid", Value::Bool(false));

impl Search {
    /// `train_messages`: the path to a node, step by step; each entry ends with the step that it is about. Of the user's
    /// demands to do otherwise the last one stays.
    pub(super) fn train_messages(&self, leaf: NodeId) -> Value {
        let path = self.tree.path(leaf);
        (1..=path.len())
            .map(|length| Value::Array(self.messages(&path[..length])))
            .collect()
    }

    fn messages(&self, path: &[&Step]) -> Vec<Value> {
        let kept = path.iter().rposition(|step| step.diversity.is_some());
        let mut messages = vec![
            json!({"role": "system", "content": self.system()}),
            json!({"role": "user", "content": format!("\n{}\nBegin!\n", self.task.query)}),
        ];
        for (index, step) in path.iter().enumerate() {
            if kept == Some(index)
                && let Some(text) = &step.diversity
            {
                let mut message = Map::new();
                message.insert("role".to_owned(), "user".into());
                message.insert("content".to_owned(), text.as_str().into());
                message.insert(INVALID.0.to_owned(), INVALID.1);
                messages.push(message.into());
            }
            let said = &step.step.said;
            let name = match step.step.code {
                Code::NoSuchFunction => HALLUCINATED,
                _ => &said.function,
            };
            messages.push(json!({
                "role": "assistant",
                "content": said.thought,
                "function_call": {"name": name, "arguments": said.arguments},
            }));
            if index + 1 < path.len() {
                messages.push(json!({
                    "role": "function",
                    "name": name,
                    "content": step.step.observation,
                }));
            }
        }
        messages
    }

    /// What a chat model would be told first. The roles of a team are not: their prompts say it in their own words.
    fn system(&self) -> String {
        let mut text = "You use tools (functions) to do a task for the user. At each step you say what you think and \
             call a function. Call \"Finish\" at the end: with an answer that tells the user enough, or to give up and \
             restart. You have access to the following tools:\n"
            .to_owned();
        let mut tools: Vec<&str> = Vec::new();
        for function in &self.task.functions {
            if !tools.contains(&function.api.tool.as_str()) {
                tools.push(&function.api.tool);
                text.push_str(&format!("{}.{}\n", tools.len(), function.api.tool));
            }
        }
        text
    }
}
