//! The user's demand to do otherwise than before (ToolBench, `Tree_search_prompts.py`).

use glpft_data::python::json;
use serde_json::{Value, json};

use super::tree::{NodeId, NodeKind, Tree};

const BEFORE: &str = "This is not the first time you try this task, all previous trails failed.\nBefore you generate my \
    thought for this state, I will first show you your previous actions for this state, and then you must generate \
    actions that is different from all of them. Here are some previous actions candidates:\n";
const AFTER: &str = "\nRemember you are now in the intermediate state of a trail, you will first analyze the now state \
    and previous action candidates, then make actions that is different from all the previous.";

/// What is said to a model that is asked for another step at a node; `None` at the first.
pub(super) fn message(tree: &Tree, id: NodeId) -> Option<String> {
    let mut candidates = Vec::new();
    for &child in &tree.node(id).children {
        let mut at = child;
        let mut action = "";
        while tree.node(at).kind != NodeKind::ActionInput {
            action = &tree.node(at).description;
            at = *tree.node(at).children.first()?;
        }
        let output = tree.step(at).map(|step| step.step.observation.as_str());
        candidates.push(json!({
            "name": action,
            "arguments": tree.node(at).description,
            "function_output": output.unwrap_or_default(),
            "mento-carlo-action-value": 0.0,
        }));
    }
    if candidates.is_empty() {
        return None;
    }
    let mut listed = Vec::new();
    json::dump_nested(&Value::Array(candidates), 0, &mut listed).ok()?;
    let mut text = format!("{BEFORE}{}\n", String::from_utf8(listed).ok()?);
    if let Some(step) = tree.step(id)
        && !step.step.observation.is_empty()
    {
        let observation = &step.step.observation;
        text.push_str(&format!("again, your former observation: {observation}\n"));
    }
    text.push_str(AFTER);
    Some(text)
}
