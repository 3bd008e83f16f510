//! Writes invented ToolBench answer files, to measure with: `generate_answers TO COUNT [SEED] [--small]`.
//!
//! File `n` is a pure function of seed and `n`. Layout, sizes and repetition are those of real answers: a search tree
//! and its candidates around an `answer_generation` whose `train_messages` are the growing beginnings of one chain,
//! 20 to 300 KB a file. One file in ten has no `train_messages`, one in ten is a test query's. `--small` leaves out the
//! search tree, which nothing reads, and takes short chains.

#![allow(clippy::print_stderr, reason = "a program that tells what it measures")]

use std::error::Error;
use std::path::Path;
use std::sync::LazyLock;

use glpft_data::{Purpose, Random};
use rayon::prelude::*;
use serde_json::{Value, json};

const GROUPS: [&str; 3] = ["G1_answer", "G2_answer", "G3_answer"];

/// Words of prose; those in front are drawn more often.
const WORDS: &str = "the to of a and for in is you that this with on are by can from it be I as user information \
    your need have which will list available about provide current data function call get find details name tool \
    weather city date price search result given latest team match number restaurant hotel flight song recipe stock \
    market currency news article language country address email phone account order package tracking status game \
    player score season movie actor rating review category product brand image video channel playlist artist album \
    distance route station temperature forecast humidity wind exchange rate conversion amount total average highest \
    lowest popular recent upcoming previous specific relevant additional alternative unfortunately successfully \
    retrieved however therefore because without between during several different following including organizing \
    planning birthday conference exhibition neighbourhood accommodation transportation recommendations";

/// Draws without end from one sequence.
struct Draw {
    random: Random,
    at: u64,
}

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.at += 1;
        self.random.below(bound as u64, self.at) as usize
    }

    fn word(&mut self) -> &'static str {
        static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());
        // Of two the one in front: nearer to how often words are used than an even draw.
        let (one, other) = (self.below(LIST.len()), self.below(LIST.len()));
        LIST[one.min(other)]
    }

    /// A name such as programs have, of syllables: rarely the same twice.
    fn name(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ra", "to", "mi", "ken", "sol", "da", "ve", "lu", "por", "an", "est", "ix", "go", "he",
            "ul", "cy",
        ];
        (0..2 + self.below(3))
            .map(|_| SYLLABLES[self.below(16)])
            .collect()
    }

    fn sentence(&mut self) -> String {
        let mut words: Vec<String> = Vec::new();
        for _ in 0..8 + self.below(16) {
            words.push(match self.below(12) {
                0 => format!("\"{}\"", self.name()),
                1 => self.below(100_000).to_string(),
                _ => self.word().to_owned(),
            });
        }
        let mut sentence = words.join(" ");
        sentence.push(['.', '.', '.', ',', '?'][self.below(5)]);
        sentence
    }

    fn prose(&mut self, sentences: usize) -> String {
        let sentences: Vec<String> = (0..sentences).map(|_| self.sentence()).collect();
        sentences.join(" ")
    }

    /// What a service returns: records of short fields.
    fn response(&mut self) -> Value {
        let record = |draw: &mut Self| {
            json!({
                "id": draw.below(1_000_000),
                draw.word(): draw.name(),
                "url": format!("https://{}.com/{}/{}", draw.name(), draw.word(), draw.below(10_000)),
                "price": draw.below(100_000) as f64 / 100.0,
                "title": draw.prose(1),
                "place": format!("{} café nº {}", draw.name(), draw.below(90)),
            })
        };
        (0..1 + self.below(6)).map(|_| record(self)).collect()
    }

    /// An observation as the tool server wrote it: JSON in a string, cut at 1024 characters.
    fn observation(&mut self) -> String {
        let text = match self.below(8) {
            0 => json!({"error": "Timeout error...", "response": ""}).to_string(),
            _ => json!({"error": "", "response": self.response().to_string()}).to_string(),
        };
        match text.char_indices().nth(1024) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }

    fn functions(&mut self, count: usize) -> Vec<Value> {
        let mut functions: Vec<Value> = (0..count)
            .map(|_| {
                let (name, tool) = (self.name(), self.name());
                let mut properties = serde_json::Map::new();
                for _ in 0..self.below(5) {
                    let key = format!("{}_{}", self.word(), self.name());
                    let property = json!({"type": "string", "description": self.prose(1), "example_value": self.name()});
                    properties.insert(key, property);
                }
                let required: Vec<String> = properties.keys().take(2).cloned().collect();
                let about = self.prose(1);
                json!({
                    "name": format!("{name}_for_{tool}"),
                    "description": format!(
                        "This is the subfunction for tool \"{tool}\", you can use this tool.The description of this \
                         function is: \"{about}\""
                    ),
                    "parameters": {
                        "type": "object", "properties": properties, "required": required, "optional": []
                    },
                })
            })
            .collect();
        functions.push(json!({
            "name": "Finish",
            "description": "If you believe that you have obtained a result that can answer the task, call this.",
            "parameters": {"type": "object", "properties": {"return_type": {"type": "string"}}},
        }));
        functions
    }

    /// The messages of a path from query to answer, or to a give-up.
    fn chain(&mut self, query: &str, functions: &[Value], steps: usize) -> Vec<Value> {
        let system = format!(
            "You are AutoGPT. {} Specifically: {}",
            self.prose(8),
            functions[0]["description"]
        );
        let mut chain = vec![
            json!({"role": "system", "content": system}),
            json!({"role": "user", "content": format!("\n{query}\nBegin!\n")}),
        ];
        for _ in 0..steps {
            let name = &functions[self.below(functions.len() - 1)]["name"];
            let arguments = json!({self.word(): self.name(), self.word(): self.below(1000)});
            let arguments = serde_json::to_string_pretty(&arguments).unwrap_or_default();
            let content = (self.below(2) == 0).then(|| self.prose(2));
            let call = json!({"name": name, "arguments": arguments});
            chain.push(json!({"role": "assistant", "content": content, "function_call": call}));
            let observation = self.observation();
            chain.push(json!({"role": "function", "name": name, "content": observation}));
        }
        let arguments = match self.below(4) {
            0 => json!({"return_type": "give_up_and_restart"}),
            _ => json!({"return_type": "give_answer", "final_answer": self.prose(6)}),
        };
        let arguments = serde_json::to_string_pretty(&arguments).unwrap_or_default();
        let (call, content) = (
            json!({"name": "Finish", "arguments": arguments}),
            self.prose(1),
        );
        chain.push(json!({"role": "assistant", "content": content, "function_call": call}));
        chain
    }

    /// The nodes of the search, as a path of nested children and as a list.
    fn search(&mut self, chain: &[Value]) -> (Value, Value) {
        let mut tree = json!({});
        let mut nodes = Vec::new();
        for (depth, message) in chain.iter().enumerate().rev() {
            let mut node = json!({
                "is_terminal": false, "pruned": false, "finished": true, "depth": depth,
                "node_type": "Action Input", "description": message["function_call"]["arguments"],
                "Elo": 1000.0, "observation": message["content"], "observation_code": 0,
                "child_count": 1, "expand_num": depth, "io_state": {},
            });
            nodes.push(node.clone());
            node["children"] = json!([tree]);
            tree = node;
        }
        (tree, json!([nodes.clone(), nodes]))
    }
}

fn answer(draw: &mut Draw, small: bool) -> Value {
    let tools = 1 + draw.below(if small { 3 } else { 7 });
    let functions = draw.functions(tools);
    let query = draw.prose(2);
    let steps = 1 + draw.below(if small { 2 } else { 5 });
    let chain = draw.chain(&query, &functions, steps);
    let beginnings: Vec<&[Value]> = (3..=chain.len())
        .step_by(2)
        .map(|end| &chain[..end])
        .collect();
    let messages = match draw.below(10) {
        0 => json!(null),
        _ => json!(beginnings),
    };
    let (tree, candidates) = match small {
        true => (json!({}), json!([])),
        false => draw.search(&chain),
    };
    let mut generation = json!({
        "valid_data": draw.below(10) > 0, "query_count": steps, "total_tokens": 1000 * steps, "final_answer": "",
        "finish_type": "give_answer", "function": functions, "chain": [], "query": query,
    });
    if !messages.is_null() {
        generation["train_messages"] = messages;
    }
    json!({
        "win": true,
        "tree": {"size": chain.len(), "max_length": chain.len(), "tree": tree},
        "forward_args": {"single_chain_max_step": 12, "tree_beam_size": 2, "max_query_count": 200, "answer": 1},
        "compare_candidates": candidates,
        "answer_generation": generation,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let (small, arguments): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument == "--small");
    let [to, count, seed @ ..] = arguments.as_slice() else {
        return Err("usage: generate_answers TO COUNT [SEED] [--small]".into());
    };
    let (to, count) = (Path::new(to), count.parse::<usize>()?);
    let seed = seed.first().map_or(Ok(0), |seed| seed.parse())?;
    for group in GROUPS {
        std::fs::create_dir_all(to.join("answer").join(group))?;
    }
    std::fs::create_dir_all(to.join("test_query_ids"))?;
    let random = Random::new(seed, None, 0, Purpose::Synthetic);
    (0..count)
        .into_par_iter()
        .try_for_each(|number| {
            let random = random.stream(number as u64);
            let answer = answer(&mut Draw { random, at: 0 }, !small.is_empty());
            let name = format!("{number}_ChatGPT_DFS_woFilter_w2.json");
            let path = to.join("answer").join(GROUPS[number % 3]).join(name);
            std::fs::write(path, serde_json::to_vec_pretty(&answer)?)?;
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })
        .map_err(|error| error.to_string())?;
    let tests: serde_json::Map<String, Value> = (0..count / 10)
        .map(|number| ((10 * number).to_string(), json!(0)))
        .collect();
    let text = serde_json::to_vec(&tests)?;
    std::fs::write(to.join("test_query_ids").join("G1_instruction.json"), text)?;
    eprintln!("{count} answers in {}", to.display());
    Ok(())
}
