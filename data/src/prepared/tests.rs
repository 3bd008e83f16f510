//! Round trips and damaged files.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use super::*;
use crate::batch::tree_tokens;
use crate::random::{Purpose, Random};
use std::io::Cursor;

const VOCAB: usize = 1000;

/// Trajectories of up to four examples: beginnings of a common path, each with an end of its own.
fn trajectories(count: u32) -> Vec<(Vec<TokenExample>, Split)> {
    let random = Random::new(1, None, 0, Purpose::Synthetic);
    let trajectory = |number: u32| {
        let stream = random.stream(number.into());
        let draw = |at: u64, below: u64| stream.below(below, at);
        let path: Vec<u32> = (0..40).map(|at| draw(at, 1000) as u32).collect();
        let examples = (0..draw(40, 5)).map(|turn| {
            let mut tokens = path[..draw(50 + turn, 40) as usize].to_vec();
            tokens.extend((0..draw(60 + turn, 9)).map(|at| draw(100 * turn + at, 1000) as u32));
            TokenExample {
                label_start: tokens.len() * (turn as usize % 3) / 2,
                role_start: 0,
                trajectory: number,
                turn: turn as u32,
                tokens,
            }
        });
        (
            examples.collect(),
            Split::from_u8((number % 3) as u8).unwrap(),
        )
    };
    (0..count).map(trajectory).collect()
}

fn bytes(trajectories: &[(Vec<TokenExample>, Split)]) -> Vec<u8> {
    let mut writer = DatasetWriter::new(Cursor::new(Vec::new()), "f00d").unwrap();
    for (examples, split) in trajectories {
        let nodes = writer.push(examples, *split).unwrap();
        assert_eq!(nodes, tree_tokens(&examples.iter().collect::<Vec<_>>()));
    }
    writer.finish().unwrap().into_inner()
}

fn opened(bytes: &[u8]) -> Result<PreparedDataset, PreparedError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caller.safetensors");
    std::fs::write(&path, bytes).unwrap();
    PreparedDataset::open(&path, VOCAB)
}

fn all(dataset: &PreparedDataset) -> Result<Vec<TokenExample>, PreparedError> {
    (0..dataset.len())
        .map(|index| dataset.example(index))
        .collect()
}

#[test]
fn round_trip() {
    for count in [0, 1, 2, 50] {
        let trajectories = trajectories(count);
        let dataset = opened(&bytes(&trajectories)).unwrap();
        let expected: Vec<TokenExample> = trajectories
            .iter()
            .flat_map(|(examples, _)| examples.clone())
            .collect();
        assert_eq!(all(&dataset).unwrap(), expected);
        for (index, example) in expected.iter().enumerate() {
            assert_eq!(dataset.length(index), example.tokens.len());
            assert_eq!(dataset.trajectory(index), example.trajectory);
            assert_eq!(
                dataset.split(index),
                trajectories[example.trajectory as usize].1
            );
        }
        assert_eq!(dataset.fingerprint(), "f00d");
    }
}

/// Four bytes a tree token and a tenth more, where trajectories have a real one's length.
#[test]
fn a_tree_token_costs_four_bytes() {
    let path: Vec<u32> = (0..3000).map(|at| at % 1000).collect();
    let steps = (1..7).map(|turn| TokenExample {
        tokens: path[..turn as usize * 500].to_vec(),
        label_start: 0,
        role_start: 0,
        trajectory: 0,
        turn,
    });
    let steps: Vec<TokenExample> = steps.collect();
    let file = bytes(&vec![(steps, Split::FirstHalf); 20]);
    let dataset = opened(&file).unwrap();
    assert_eq!(dataset.tree_tokens(), 20 * 3000);
    assert!(
        file.len() * 10 <= dataset.tree_tokens() * 4 * 11,
        "{}",
        file.len()
    );
}

#[test]
fn examples_by_split() {
    let example = |trajectory| TokenExample {
        tokens: vec![1, 2],
        label_start: 1,
        role_start: 0,
        trajectory,
        turn: 0,
    };
    let trajectories: Vec<(Vec<TokenExample>, Split)> = (0..6)
        .map(|one| (vec![example(one)], Split::from_u8((one % 3) as u8).unwrap()))
        .collect();
    let dataset = opened(&bytes(&trajectories)).unwrap();
    let training = |global, reuse| dataset.training(global, reuse).collect::<Vec<_>>();
    assert_eq!(training(true, true), [0, 1, 3, 4]);
    assert_eq!(training(true, false), [0, 3]);
    assert_eq!(training(false, false), [1, 4]);
    assert_eq!(dataset.validation().collect::<Vec<_>>(), [2, 5]);
}

#[test]
fn truncated_files_are_errors() {
    let bytes = bytes(&trajectories(20));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caller.safetensors");
    for length in 0..bytes.len() {
        let part = &bytes[..length];
        assert!(Layout::of(part).is_err(), "{length} of {}", bytes.len());
    }
    assert!(Layout::of(&[&bytes[..], b"x"].concat()).is_err());
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let opened = |path: &Path| PreparedDataset::open(path, VOCAB);
    assert!(matches!(opened(&path), Err(PreparedError::Damaged { .. })));
    std::fs::write(&path, &bytes[..6]).unwrap();
    assert_eq!(PreparedDataset::read_fingerprint(&path), None);
    assert!(opened(&path).is_err());
    std::fs::write(&path, b"").unwrap();
    assert!(opened(&path).is_err());
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(
        PreparedDataset::read_fingerprint(&path).as_deref(),
        Some("f00d")
    );
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(opened(&path), Err(PreparedError::Read { .. })));
    assert_eq!(PreparedDataset::read_fingerprint(&path), None);
}

/// Any byte may be any other: reading answers, and what it takes is consistent.
#[test]
fn altered_files_do_not_panic() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = bytes(&trajectories(4));
    io::Write::write_all(&mut file, &bytes).unwrap();
    let mut taken = 0;
    for at in 0..bytes.len() {
        let original = bytes[at];
        for value in [0, 1, 0x7f, 0xff, original ^ 0x10] {
            bytes[at] = value;
            let Ok((layout, fingerprint)) = Layout::of(&bytes) else {
                continue;
            };
            taken += 1;
            // The layout alone decides where is read; the bytes are mapped so that all of reading runs.
            std::fs::write(file.path(), &bytes).unwrap();
            let dataset = PreparedDataset::open(file.path(), VOCAB).unwrap();
            assert_eq!(dataset.layout, layout);
            assert_eq!(dataset.fingerprint(), fingerprint);
            if let Ok(examples) = all(&dataset) {
                for example in examples {
                    assert!(example.label_start <= example.tokens.len());
                    assert!(example.tokens.iter().all(|&token| (token as usize) < VOCAB));
                }
            }
        }
        bytes[at] = original;
    }
    assert!(taken > bytes.len());
}

/// Header and arrays that are well-formed but do not belong together.
#[test]
fn contradictions_are_named() {
    let example = |tokens: &[u32], label_start| TokenExample {
        tokens: tokens.to_vec(),
        label_start,
        role_start: 0,
        trajectory: 3,
        turn: 1,
    };
    let trajectory = vec![example(&[1, 2, 3], 1), example(&[1, 2, 4, 5], 2)];
    let file = bytes(&[(trajectory, Split::Validation)]);
    let data = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let (tokens, examples) = (data, data + 4 * 5);
    let altered = |at: usize, value: u32| {
        let mut file = file.clone();
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let found = opened(&file).and_then(|dataset| all(&dataset));
        found.unwrap_err().to_string()
    };
    let column = |example: usize, column: usize| examples + 4 * (9 * example + column);
    assert!(opened(&file).and_then(|dataset| all(&dataset)).is_ok());
    assert!(altered(tokens, 1000).contains("token id 1000 of example 0 is outside"));
    assert!(altered(column(0, 4), 77).contains("labels of example 0 start at 77 of 3"));
    assert!(altered(column(0, 0), 1).contains("first 1 of 5 tokens belong to no example"));
    assert!(altered(column(1, 0), 6).contains("example 1 run from 6 to 5 of 5"));
    assert!(altered(column(1, 1), 1).contains("example 1 run from 4294967299"));
    assert!(altered(column(1, 2), 1).contains("example 1 shares tokens with example 1"));
    assert!(altered(column(1, 3), 4).contains("shares 4 of the 3 tokens of example 0"));
    assert!(
        altered(column(1, 7), 3)
            .contains("role's text of example 1 starts at 3, behind its labels at 2")
    );
    assert!(altered(column(1, 8), 9).contains("split"));
    assert!(altered(column(1, 8), 256).contains("split"));
    let other = String::from_utf8_lossy(&file[8..data]).replace("prepared-3", "prepared-2");
    let other = [&file[..8], other.as_bytes(), &file[data..]].concat();
    assert!(opened(&other).unwrap_err().to_string().contains("format"));
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let mut trajectories = trajectories(50).into_iter().map(|(examples, _)| examples);
    let mut trajectory = trajectories.find(|one| !one.is_empty()).unwrap();
    trajectory[0].label_start = 99;
    let mut writer = DatasetWriter::new(Cursor::new(Vec::new()), "f00d").unwrap();
    assert!(writer.push(&trajectory, Split::FirstHalf).is_err());
    let long = "f".repeat(1000);
    let writer = DatasetWriter::new(Cursor::new(Vec::new()), &long).unwrap();
    assert!(writer.finish().is_err());
}
