//! What trajectories are read from, and what preparation leaves.

use std::io::Cursor;
use std::path::Path;

use glpft_data::{
    Dataset, DatasetWriter, ExampleSet, GiveUpPrompt, PreparedDataset, Prompts, ReadOptions,
    Source, Split, TokenExample, examples, sample,
};
use serde_json::json;

use crate::{Parser, put};

/// Reads a source to its examples, by both ways of reading.
pub(crate) fn read_source(path: &Path) {
    let Ok(source) = Source::open(path, None) else {
        return;
    };
    let Ok(prompts) = Prompts::builtin() else {
        return;
    };
    for options in [ReadOptions::PUBLISHED, ReadOptions::FIXED] {
        let Ok(read) = source.read_conversations(&options, &mut |_, _| ()) else {
            continue;
        };
        for conversation in &read.conversations {
            for dataset in Dataset::ALL {
                examples(0, conversation, dataset, &prompts, &mut GiveUpPrompt::Own);
            }
        }
    }
}

#[allow(
    clippy::expect_used,
    reason = "a fuzz target has nobody to report to but the fuzzer"
)]
fn folder_in(folder: &Path, name: &str) -> std::path::PathBuf {
    let inner = folder.join(name);
    std::fs::create_dir_all(&inner).expect("the temporary folder is writable");
    inner
}

fn carried(beginning: &str, count: usize) -> Vec<Vec<u8>> {
    let files = sample::source().iter();
    let files = files.filter(|(path, _)| path.starts_with(beginning));
    files
        .take(count)
        .map(|(_, text)| text.as_bytes().to_vec())
        .collect()
}

pub(crate) const ANSWER: Parser = Parser {
    name: "answer",
    read: |data, folder| {
        let group = folder_in(folder, "answer/G1_answer");
        put(&group.join("1_ChatGPT_DFS_woFilter_w2.json"), data);
        read_source(folder);
    },
    examples: || carried("answer/", 40),
    fixtures: &[
        "data/toolbench-sample/answer/G1_answer",
        "data/toolbench-sample/answer/G3_answer",
    ],
};

pub(crate) const STAGE_FILE: Parser = Parser {
    name: "stage_file",
    read: |data, folder| {
        let path = folder.join("raw_data.json");
        put(&path, data);
        read_source(&path);
    },
    examples: || {
        let turns = json!([
            {"from": "user", "value": "q"},
            {"from": "assistant", "value": "x é\nNext: caller."},
            {"from": "caller", "value": "Action: f\nAction Input: {\"a\": 1}"},
            {"from": "observation", "value": "{\"error\": \"\", \"response\": 1.5}"},
            {"from": "assistant", "value": "Next: conclusion."},
            {"from": "conclusion", "value": "done"},
        ]);
        let second = json!([{"tools": [{"Name": "f", "function_description": {"a": "x"}}],
            "instruction": "q", "conversations": turns}]);
        let first = json!([{"query": "q", "tools": [{"Name": "f"}], "instruction": "i",
            "chains": [{"thought": "t", "action": "f", "action_input": "{}", "observation": "o"}]}]);
        vec![
            second.to_string().into_bytes(),
            first.to_string().into_bytes(),
        ]
    },
    fixtures: &[
        "data/alpha-umi/train-example/raw_data",
        "data/toolbench-sample/expected",
    ],
};

pub(crate) const TEST_QUERIES: Parser = Parser {
    name: "test_queries",
    read: |data, folder| {
        let group = folder_in(folder, "answer/G1_answer");
        put(&group.join("1_x.json"), b"{}");
        put(
            &folder_in(folder, "test_query_ids").join("G1_tool.json"),
            data,
        );
        read_source(folder);
    },
    examples: || carried("test_query_ids/", 6),
    fixtures: &["data/toolbench-sample/test_query_ids"],
};

pub(crate) const PROMPTS: Parser = Parser {
    name: "prompts",
    read: |data, folder| {
        let path = folder.join("prompts.toml");
        put(&path, data);
        let _ = Prompts::open(Some(&path));
    },
    examples: || vec![Prompts::builtin_text().as_bytes().to_vec()],
    fixtures: &[],
};

pub(crate) const PREPARED: Parser = Parser {
    name: "prepared",
    read: |data, folder| {
        let path = folder.join("planner.safetensors");
        put(&path, data);
        let _ = PreparedDataset::read_fingerprint(&path);
        let Ok(dataset) = PreparedDataset::open(&path, 1000) else {
            return;
        };
        for index in 0..dataset.len() {
            let _ = (dataset.split(index), dataset.trajectory(index));
            let _ = dataset.example(index);
        }
    },
    examples: || prepared().into_iter().collect(),
    fixtures: &[],
};

fn prepared() -> Option<Vec<u8>> {
    let example = |tokens: &[u32], turn| TokenExample {
        tokens: tokens.to_vec(),
        label_start: 1,
        role_start: 0,
        trajectory: 0,
        turn,
    };
    let mut file = Cursor::new(Vec::new());
    let mut writer = DatasetWriter::new(&mut file, &"a".repeat(64)).ok()?;
    let tree = [example(&[1, 2, 3], 0), example(&[1, 2, 4, 5], 1)];
    writer.push(&tree, Split::Validation).ok()?;
    writer.finish().ok()?;
    Some(file.into_inner())
}
