//! The answer file of ToolBench's format.

use serde_json::{Map, Value, json};

use super::chains::Chains;
use super::tree::{NodeId, NodeKind};
use super::{Progress, Search};
use crate::code::Code;
use crate::strategy::Strategy;

impl Search {
    /// The file's content. The keys, their order and their oddities (`is_terminal` is never true) are ToolBench's. Beyond
    /// it, chains that end with a give-up have `train_messages`, as trees do.
    pub(super) fn answer_file(&self) -> Value {
        let mut file = Map::new();
        let (chosen, trees) = match &self.progress {
            Progress::Chains(chains) => (chains.chosen(&self.tree), self.tries(chains)),
            Progress::DepthFirst(search) => (search.chosen(), self.whole_tree()),
        };
        let code = chosen.and_then(|node| self.tree.code(node));
        let answered = code == Some(Code::Answered);
        file.insert("win".to_owned(), answered.into());
        file.extend(trees);
        let compared = match chosen {
            Some(node) if answered => vec![self.chain(node)],
            _ => Vec::new(),
        };
        let forward = ("forward_args".to_owned(), self.forward_args());
        let compared = ("compare_candidates".to_owned(), compared.into());
        match self.progress {
            Progress::Chains(_) => file.extend([compared, forward]),
            Progress::DepthFirst(_) => file.extend([forward, compared]),
        }
        file.insert(
            "answer_generation".to_owned(),
            self.generation(chosen, code),
        );
        file.into()
    }

    fn generation(&self, chosen: Option<NodeId>, code: Option<Code>) -> Value {
        let mut functions: Vec<Value> = self.task.functions.iter().map(|f| f.to_json()).collect();
        functions.push(finish_function());
        let finish_type = match code {
            Some(Code::GaveUp) => "give_up",
            _ => "give_answer",
        };
        let answer = chosen.map(|node| self.tree.node(node).description.as_str());
        let mut generation = json!({
            "valid_data": chosen.is_some(),
            "query_count": self.query_count,
            "total_tokens": self.usage.total(),
            "final_answer": answer.unwrap_or_default(),
            "finish_type": finish_type,
            "function": functions,
            "chain": [],
        });
        // Absent where there is no path, as in ToolBench's trees.
        if let Some(node) = chosen {
            generation["train_messages"] = self.train_messages(node);
        }
        generation["query"] = self.task.query.as_str().into();
        generation
    }

    fn forward_args(&self) -> Value {
        match self.settings.strategy {
            Strategy::React { chains } => json!({
                "single_chain_max_step": self.settings.depth,
                "pass_at": chains,
                "answer": 1,
            }),
            Strategy::DepthFirst { width, filter } => json!({
                "single_chain_max_step": self.settings.depth,
                "tree_beam_size": width,
                "max_query_count": self.settings.queries,
                "answer": 1,
                "with_filter": filter,
            }),
        }
    }

    fn tries(&self, chains: &Chains) -> Vec<(String, Value)> {
        let tries: Vec<Value> = chains
            .ended
            .iter()
            .map(|&leaf| {
                json!({
                    "chain": self.chain(leaf),
                    "win": self.tree.code(leaf) == Some(Code::Answered),
                })
            })
            .collect();
        vec![
            ("try_count".to_owned(), tries.len().into()),
            ("trys".to_owned(), tries.into()),
        ]
    }

    fn whole_tree(&self) -> Vec<(String, Value)> {
        const ROOT: NodeId = 0;
        let (size, length) = self.tree.size(ROOT);
        let tree = json!({"size": size, "max_length": length, "tree": self.below(ROOT)});
        vec![("tree".to_owned(), tree)]
    }

    /// The nodes from the first to this one.
    fn chain(&self, node: NodeId) -> Value {
        let chain = self.tree.chain(node).into_iter();
        chain.map(|id| Value::Object(self.node(id))).collect()
    }

    fn below(&self, id: NodeId) -> Value {
        let mut node = self.node(id);
        let children = self.tree.node(id).children.iter();
        node.insert(
            "children".to_owned(),
            children.map(|&child| self.below(child)).collect(),
        );
        node.into()
    }

    fn node(&self, id: NodeId) -> Map<String, Value> {
        let node = self.tree.node(id);
        let mut json = Map::new();
        let mut put = |key: &str, value: Value| {
            json.insert(key.to_owned(), value);
        };
        put("is_terminal", false.into());
        put("pruned", node.pruned.into());
        put("finished", node.finished.into());
        put("depth", node.depth.into());
        put("node_type", node.kind.name().into());
        put("description", node.description.as_str().into());
        put("Elo", 1000.0.into());
        if let Some(step) = &node.step {
            if !step.step.observation.is_empty() {
                put("observation", step.step.observation.as_str().into());
            }
            put("observation_code", step.step.code.number().into());
        }
        put("child_count", node.children.len().into());
        put("expand_num", node.expand_num.into());
        if node.kind == NodeKind::ActionInput {
            put("io_state", Map::new().into());
        }
        json
    }
}

/// `Finish` as an element of the `function` list.
fn finish_function() -> Value {
    json!({
        "name": "Finish",
        "description": "Ends the task: gives the user the final answer, the only part that is shown, or gives up and \
                        restarts where the task cannot be done in the present state.",
        "parameters": {
            "type": "object",
            "properties": {
                "return_type": {"type": "string", "enum": ["give_answer", "give_up_and_restart"]},
                "final_answer": {
                    "type": "string",
                    "description": "The final answer, where \"return_type\" is \"give_answer\".",
                },
            },
            "required": ["return_type"],
        },
    })
}
