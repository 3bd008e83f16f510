//! The files of a world.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, ReadOptions, Source, Speaker};
use glpft_world::{Size, World, generate, overlap};
use serde_json::Value;

fn read(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap();
                let content = std::fs::read(&path).unwrap();
                files.insert(name.to_str().unwrap().to_owned(), content);
            }
        }
    }
    files
}

const OPTIONS: ReadOptions = ReadOptions {
    strict: true,
    ..ReadOptions::FIXED
};

#[test]
fn a_world_is_written_as_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, seed| {
        let to = folder.path().join(name);
        generate(&World::new(seed, Size::tiny()), &to).unwrap();
        read(&to)
    };
    let first = write("one", 5);
    assert!(first == write("two", 5));
    assert!(first != write("three", 6));
    // Over an old one, of which nothing stays.
    std::fs::write(folder.path().join("three/old.json"), "old").unwrap();
    assert!(first == write("three", 5));
    assert_eq!(
        first
            .keys()
            .filter(|name| name.starts_with("answer/"))
            .count(),
        60
    );
    assert_eq!(
        first
            .keys()
            .filter(|name| name.starts_with("toolenv/"))
            .count(),
        24
    );
    assert_eq!(
        first.keys().filter(|name| name.starts_with("test")).count(),
        19
    );
    let truth: Value = serde_json::from_slice(&first["truth.json"]).unwrap();
    assert_eq!(truth["seed"], 5);
    assert_eq!(truth["tasks"].as_object().unwrap().len(), 96);
}

#[test]
fn a_file_in_the_way_stays() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("file");
    std::fs::write(&to, "mine").unwrap();
    let error = generate(&World::new(1, Size::tiny()), &to).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The real mix of ToolBench's steps is 74.1 % calls, 19.0 % conclusions and 6.9 % give-ups.
#[test]
fn the_answers_are_training_data() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("world");
    let world = World::new(
        1,
        Size {
            train_rows: 100,
            test_rows: 60,
            train_tasks: 400,
            test_tasks_per_group: 20,
            ..Size::small()
        },
    );
    let written = generate(&world, &to).unwrap();
    assert_eq!((written.answers, written.tests), (400, 120));
    let source = Source::open(&to, None).unwrap();
    assert_eq!(source.test_query_ids(), Some(120));
    let read = source.read_conversations(&OPTIONS, &mut |_, _| {}).unwrap();
    assert_eq!((read.report.test_queries, read.report.bad.len()), (0, 0));
    assert!(
        (1..15).contains(&read.report.without_messages),
        "{}",
        read.report
    );
    let (mut steps, mut tries, mut silent, mut invented) = ([0usize; 3], 0, 0, 0);
    for conversation in &read.conversations {
        for turn in &conversation.turns[1..] {
            let ends = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP];
            match turn.from {
                Speaker::User => tries += 1,
                Speaker::Assistant => {
                    let step = ends
                        .iter()
                        .position(|tag| turn.value.ends_with(tag))
                        .unwrap();
                    steps[step] += 1;
                    silent += usize::from(turn.value == format!(" {}", ends[step]));
                }
                Speaker::Caller => {
                    invented += usize::from(turn.value.contains(glpft_data::HALLUCINATED));
                }
                _ => {}
            }
        }
    }
    let all: usize = steps.iter().sum();
    for (count, share) in steps.into_iter().zip([0.741, 0.19, 0.069]) {
        let found = count as f64 / all as f64;
        assert!((found - share).abs() < 0.05, "{steps:?}");
    }
    assert!(
        tries > 5 && silent > 0 && invented > 0,
        "{tries} {silent} {invented}"
    );
    // The noise of the real driver's paths brings nothing of the tests into training.
    let trained = world.entities_in(read.conversations);
    let tests = Source::open(&to.join("test.json"), None).unwrap();
    let tests = tests.read_conversations(&OPTIONS, &mut |_, _| {}).unwrap();
    assert_eq!(tests.conversations.len(), 120);
    let tested = world.entities_in(tests.conversations);
    assert_eq!(trained.intersection(&tested).count(), 0);
    assert_eq!(overlap(&world).total(), 0);
}
