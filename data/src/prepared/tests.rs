//! Round trips and damaged files.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::random::{Purpose, Random};

const VOCAB: usize = 1000;

fn dataset(count: usize) -> PreparedDataset {
    let random = Random::new(1, None, 0, Purpose::Synthetic);
    let mut dataset = PreparedDataset {
        fingerprint: "f00d".to_owned(),
        ..PreparedDataset::default()
    };
    for index in 0..count {
        let tokens: Vec<u32> = (0..index * 7 % 40)
            .map(|at| random.stream(index as u64).below(1000, at as u64) as u32)
            .collect();
        let label_start = tokens.len() * (index % 3) / 2;
        dataset.examples.push(TokenExample {
            label_start,
            trajectory: index as u32 / 3,
            turn: index as u32 % 3,
            tokens,
        });
        dataset
            .splits
            .push(Split::from_u8((index % 3) as u8).unwrap());
    }
    dataset
}

fn written(dataset: &PreparedDataset) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caller.safetensors");
    dataset.write(&path).unwrap();
    (directory, path)
}

#[test]
fn round_trip() {
    for count in [0, 1, 2, 50] {
        let dataset = dataset(count);
        let (_directory, path) = written(&dataset);
        assert_eq!(PreparedDataset::read(&path, VOCAB).unwrap(), dataset);
        assert_eq!(
            PreparedDataset::read_fingerprint(&path).as_deref(),
            Some("f00d")
        );
    }
}

#[test]
fn examples_by_split() {
    let dataset = dataset(9);
    let turns = |examples: Vec<&TokenExample>| {
        examples
            .iter()
            .map(|example| example.turn)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        turns(dataset.training(true, true).collect()),
        [0, 1, 0, 1, 0, 1]
    );
    assert_eq!(turns(dataset.training(true, false).collect()), [0, 0, 0]);
    assert_eq!(turns(dataset.training(false, false).collect()), [1, 1, 1]);
    assert_eq!(turns(dataset.validation().collect()), [2, 2, 2]);
}

#[test]
fn truncated_files_are_errors() {
    let (_directory, path) = written(&dataset(20));
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        assert!(
            parse(&bytes[..length], VOCAB).is_err(),
            "{length} of {}",
            bytes.len()
        );
    }
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(
        PreparedDataset::read(&path, VOCAB),
        Err(PreparedError::Damaged { .. })
    ));
    std::fs::write(&path, &bytes[..6]).unwrap();
    assert_eq!(PreparedDataset::read_fingerprint(&path), None);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        PreparedDataset::read(&path, VOCAB),
        Err(PreparedError::Read { .. })
    ));
    assert_eq!(PreparedDataset::read_fingerprint(&path), None);
}

/// Any byte may be any other: reading answers, and what it takes is consistent.
#[test]
fn altered_files_do_not_panic() {
    let (_directory, path) = written(&dataset(12));
    let bytes = std::fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff, bytes[at] ^ 0x10] {
            let mut altered = bytes.clone();
            altered[at] = value;
            if let Ok(dataset) = parse(&altered, VOCAB) {
                assert_eq!(dataset.examples.len(), dataset.splits.len());
                for example in &dataset.examples {
                    assert!(example.label_start <= example.tokens.len());
                    assert!(example.tokens.iter().all(|&token| (token as usize) < VOCAB));
                }
            }
        }
    }
}

/// Header and arrays that are well-formed but do not belong together.
#[test]
fn contradictions_are_named() {
    let good = dataset(4);
    let mut file = Vec::new();
    good.write_to(&mut file).unwrap();
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let tokens = header + 8 * 5;
    let label_starts = tokens
        + 4 * good
            .examples
            .iter()
            .map(|example| example.tokens.len())
            .sum::<usize>();
    let altered = |at: usize, value: u32| {
        let mut file = file.clone();
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        parse(&file, VOCAB).unwrap_err()
    };
    assert!(parse(&file, VOCAB).is_ok());
    assert!(altered(tokens, 1000).contains("outside the vocabulary"));
    assert!(altered(label_starts, 77).contains("labels of example 0"));
    assert!(altered(header, 1).contains("offsets run from 1"));
    assert!(altered(header + 8, 999).contains("example 0 runs from 0 to 999"));
    assert!(altered(header + 16, 60).contains("example 1 runs from 0 to 60"));
    assert!(altered(header + 32, 3).contains("not 0 to"));
    let mut last = file.clone();
    *last.last_mut().unwrap() = 9;
    assert!(parse(&last, VOCAB).unwrap_err().contains("split 9"));
    let other = String::from_utf8_lossy(&file[8..header]).replace("prepared-1", "prepared-2");
    let other = [&file[..8], other.as_bytes(), &file[header..]].concat();
    assert!(parse(&other, VOCAB).unwrap_err().contains("format"));
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    let mut dataset = dataset(3);
    dataset.splits.pop();
    assert!(matches!(
        dataset.write(&path),
        Err(PreparedError::Damaged { .. })
    ));
    dataset.splits.push(Split::Validation);
    dataset.examples[0].label_start = 99;
    assert!(matches!(
        dataset.write(&path),
        Err(PreparedError::Damaged { .. })
    ));
    dataset.examples[0].label_start = 0;
    assert!(matches!(
        dataset.write(&directory.path().join("no/such")),
        Err(PreparedError::Write(_))
    ));
    assert!(!path.exists());
}
