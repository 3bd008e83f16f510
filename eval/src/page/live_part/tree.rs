//! A rollout's tree of steps, from an answer file of ToolBench's format.

use serde_json::Value;

use crate::rollout::RolloutRecord;

/// No more steps of a tree are shown.
const MOST: usize = 120;

/// A step of a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeStep {
    /// The thought.
    pub thought: String,
    /// The function that was called.
    pub function: String,
    /// Its arguments.
    pub arguments: String,
    /// What was replied.
    pub observation: String,
    /// What that means; none where the step was not taken to its end.
    pub code: Option<u8>,
    /// Whether the search turned back here.
    pub pruned: bool,
    /// The steps that were tried after it.
    pub children: Vec<TreeStep>,
}

/// The first steps of an answer file's tree, or of its chains.
pub(in crate::page) fn of_file(file: &Value) -> Vec<TreeStep> {
    let mut left = MOST;
    if let Some(root) = file.pointer("/tree/tree") {
        return below(root, &mut left);
    }
    let tries = file.get("trys").and_then(Value::as_array);
    let chains = tries
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("chain")?.as_array());
    chains
        .flat_map(|chain| of_chain(chain, &mut left))
        .collect()
}

/// The path that a rollout ended with.
pub(super) fn of_path(rollout: &RolloutRecord) -> Vec<TreeStep> {
    let steps = rollout.path.iter().take(MOST).map(|step| TreeStep {
        thought: step.thought.clone().unwrap_or_default(),
        function: step.function.clone(),
        arguments: step.arguments.clone(),
        observation: step.observation.clone(),
        code: Some(step.code),
        ..TreeStep::default()
    });
    linked(steps.collect())
}

/// Steps that follow each other, each the next one's only predecessor.
fn linked(steps: Vec<TreeStep>) -> Vec<TreeStep> {
    let last = steps.into_iter().rev();
    last.fold(Vec::new(), |after, mut step| {
        step.children = after;
        vec![step]
    })
}

/// The steps that begin below a node. A step is up to three nodes: thought, action, action input.
fn below(node: &Value, left: &mut usize) -> Vec<TreeStep> {
    let children = node.get("children").and_then(Value::as_array);
    let mut steps = Vec::new();
    for mut node in children.into_iter().flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let mut step = TreeStep::default();
        loop {
            add(&mut step, node);
            let next = node.pointer("/children/0");
            match next {
                Some(next) if kind(node) != "Action Input" => node = next,
                _ => break,
            }
        }
        if kind(node) == "Action Input" {
            step.children = below(node, left);
        }
        steps.push(step);
    }
    steps
}

fn of_chain(nodes: &[Value], left: &mut usize) -> Vec<TreeStep> {
    let mut steps = Vec::new();
    let mut step = TreeStep::default();
    for node in nodes {
        add(&mut step, node);
        if kind(node) == "Action Input" && *left > 0 {
            *left -= 1;
            steps.push(std::mem::take(&mut step));
        }
    }
    linked(steps)
}

/// Takes a node in as the part of a step that it is.
fn add(step: &mut TreeStep, node: &Value) {
    let text = |key: &str| match node.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    match kind(node) {
        "Thought" => step.thought = text("description"),
        "Action" => step.function = text("description"),
        "Action Input" => {
            step.arguments = text("description");
            step.observation = text("observation");
        }
        _ => {}
    }
    let code = node.get("observation_code").and_then(Value::as_u64);
    step.code = code.and_then(|code| u8::try_from(code).ok()).or(step.code);
    step.pruned |= node.get("pruned") == Some(&Value::Bool(true));
}

fn kind(node: &Value) -> &str {
    node.get("node_type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
