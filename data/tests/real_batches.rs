//! Plans and prefix trees on real trajectories: the same predictions as plain rows for less work.
//!
//! Reads `GLPFT_FIXTURES` and `GLPFT_MODELS` as `real_tokenizers.rs` does; what is absent is skipped.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test ends where something is amiss"
)]

mod support;

use glpft_data::{
    Batch, DatasetStatistics, DatasetWriter, EncodedExamples, ExampleSet, Plan, PreparedDataset,
    PromptTokenizer, Split, TokenExample, micro_batches, tree_tokens,
};
use glpft_recipes::{Packing, Sampling, Separators, Stage};
use std::collections::HashMap;
use std::fs::File;
use support::{cut, fixtures, models};

/// The examples of a published data file, trajectories told apart by their tools and instruction.
fn examples(tokenizer: &PromptTokenizer, dataset: &str) -> Option<Vec<TokenExample>> {
    let path = fixtures().join(format!("data/alpha-umi/train-example/train_{dataset}.json"));
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: no data at {}", path.display());
        return None;
    };
    let records: Vec<serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
    let mut trajectories = HashMap::new();
    let mut examples = Vec::new();
    for record in records {
        let key = (
            record["tools"].to_string(),
            record["history"][0].to_string(),
        );
        let next = trajectories.len() as u32;
        let trajectory = *trajectories.entry(key).or_insert(next);
        let input = format!("system: {}", record["input"].as_str().unwrap());
        let mut tokens = tokenizer.prefix().to_vec();
        tokens.extend(tokenizer.encode(&cut(&input), Separators::Eos).unwrap());
        let label_start = tokens.len();
        let target = format!("{}</s>", record["target"].as_str().unwrap());
        tokens.extend(tokenizer.encode(&cut(&target), Separators::Eos).unwrap());
        let turn = record["history"].as_array().unwrap().len() as u32;
        examples.push(TokenExample {
            tokens,
            label_start,
            role_start: 0,
            trajectory,
            turn,
        });
    }
    Some(examples)
}

/// What a batch predicts from which path, as hashes of the paths, sorted.
fn predictions(batch: &Batch) -> Vec<(u64, u32, f32)> {
    let mut path_hashes: Vec<u64> = Vec::with_capacity(batch.len());
    let mut path: Vec<usize> = Vec::new();
    for node in 0..batch.len() {
        path.truncate(batch.positions[node] as usize);
        let above = path.last().map_or(0, |&parent| path_hashes[parent]);
        path_hashes.push(
            (above ^ u64::from(batch.tokens[node] + 1))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29),
        );
        path.push(node);
    }
    let mut predictions: Vec<(u64, u32, f32)> = Vec::new();
    let mut all: Vec<(u64, u32, f32)> = batch
        .targets
        .iter()
        .map(|target| {
            (
                path_hashes[target.hidden as usize],
                target.token,
                target.weight,
            )
        })
        .collect();
    all.sort_by_key(|&(path, token, _)| (path, token));
    for (path, token, weight) in all {
        match predictions.last_mut() {
            Some(last) if (last.0, last.1) == (path, token) => last.2 += weight,
            _ => predictions.push((path, token, weight)),
        }
    }
    predictions
}

#[test]
fn trees_predict_what_rows_do() {
    let directory = models().join("smollm2-135m-instruct");
    if !directory.join("tokenizer.json").exists() {
        eprintln!("skipped: no tokenizer at {}", directory.display());
        return;
    }
    let tokenizer = PromptTokenizer::from_path(&directory).unwrap();
    for (dataset, stage) in [
        ("backbone", Stage::Global),
        ("planner", Stage::Planner),
        ("caller", Stage::Caller),
        ("summarizer", Stage::Summarizer),
    ] {
        let Some(examples) = examples(&tokenizer, dataset) else {
            continue;
        };
        let trajectories: Vec<u32> = examples.iter().map(|example| example.trajectory).collect();
        let plan = Plan::new(&trajectories, Sampling::Trajectory, 16, 1, stage);
        let (mut seen, mut computed, mut batches) = (0, 0, 0);
        for step in plan.epoch(0) {
            for indices in micro_batches(&examples, &step, Packing::Tree, 4096) {
                let chosen: Vec<&TokenExample> = indices
                    .iter()
                    .map(|&index| &examples[index as usize])
                    .collect();
                let (tree, rows) = (Batch::tree(&chosen), Batch::rows(&chosen));
                assert_eq!(predictions(&tree), predictions(&rows));
                assert!(tree.len() <= 4096 || chosen.len() == 1);
                seen += chosen.len();
                computed += tree.len();
                batches += 1;
            }
        }
        assert_eq!(seen, examples.len());
        let file = tempfile::tempdir().unwrap();
        let path = file.path().join("prepared.safetensors");
        let mut writer = DatasetWriter::new(File::create(&path).unwrap(), dataset).unwrap();
        let mut statistics = DatasetStatistics::default();
        for trajectory in examples.chunk_by(|a, b| a.trajectory == b.trajectory) {
            let nodes = writer.push(trajectory, Split::FirstHalf).unwrap();
            assert_eq!(nodes, tree_tokens(&trajectory.iter().collect::<Vec<_>>()));
            let encoded = EncodedExamples {
                examples: trajectory.to_vec(),
                ..EncodedExamples::default()
            };
            statistics.add(&encoded, nodes);
        }
        writer.finish().unwrap();
        let prepared = PreparedDataset::open(&path, tokenizer.vocab_size()).unwrap();
        for (index, example) in examples.iter().enumerate() {
            assert_eq!(&prepared.example(index).unwrap(), example);
        }
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!(
            bytes * 10 <= statistics.tree_tokens as u64 * 4 * 11,
            "{bytes} bytes"
        );
        println!(
            "{dataset}: {statistics:?}, sharing {:.2}; {batches} micro-batches compute {computed}",
            statistics.sharing()
        );
    }
}
