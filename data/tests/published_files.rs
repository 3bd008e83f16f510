//! The pipeline's files equal the published pipeline's, value for value and byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

mod fixtures;

use std::path::Path;

use fixtures::fixture;
use glpft_data::{
    Dataset, ExportError, GiveUpPrompt, Prompts, ReadOptions, Source, SourceForm, SourceReport,
    examples, export,
};
use glpft_recipes::GiveUpHistory;
use serde_json::Value;

const COMPAT: ReadOptions = ReadOptions {
    strict: true,
    ..ReadOptions::PUBLISHED
};

const DATASETS: [&str; 4] = [
    "train_backbone.json",
    "train_planner.json",
    "train_caller.json",
    "train_summarizer.json",
];

fn export_compat(source: &Source, directory: &Path) -> Result<SourceReport, ExportError> {
    let prompts = Prompts::builtin().unwrap();
    export(
        source,
        &COMPAT,
        &prompts,
        GiveUpHistory::Stale,
        directory,
        &mut |_, _| (),
    )
}

fn assert_same(made: &Path, expected: &Path) {
    let [made_text, expected_text] =
        [made, expected].map(|path| std::fs::read_to_string(path).unwrap());
    let [made_value, expected_value]: [Value; 2] =
        [&made_text, &expected_text].map(|text| serde_json::from_str(text).unwrap());
    let elements = made_value
        .as_array()
        .unwrap()
        .iter()
        .zip(expected_value.as_array().unwrap());
    for (index, (made_element, expected_element)) in elements.enumerate() {
        assert_eq!(
            made_element,
            expected_element,
            "{}[{index}]",
            expected.display()
        );
    }
    assert_eq!(
        made_value.as_array().unwrap().len(),
        expected_value.as_array().unwrap().len(),
        "{}",
        expected.display()
    );
    assert!(
        made_text == expected_text,
        "{} differs in its bytes only",
        expected.display()
    );
}

#[test]
fn raw_answers_become_all_six_files() {
    let Some(sample) = fixture("data/toolbench-sample") else {
        return;
    };
    let source = Source::open(&sample, None).unwrap();
    assert_eq!(source.form(), SourceForm::RAW);
    assert_eq!(source.test_query_ids(), Some(2));
    let directory = tempfile::tempdir().unwrap();
    let report = export_compat(&source, directory.path()).unwrap();
    assert_eq!(
        report.to_string(),
        "5 of 9 records kept; 2 of test queries, 2 without train_messages"
    );
    for file in ["raw_data_stage_1.json", "raw_data_stage_2.json"]
        .iter()
        .chain(&DATASETS)
    {
        assert_same(
            &directory.path().join(file),
            &sample.join("expected").join(file),
        );
    }
}

#[test]
fn a_stage_1_file_becomes_the_other_five() {
    let Some(example) = fixture("data/alpha-umi/train-example") else {
        return;
    };
    let raw = example.join("raw_data");
    let source = Source::open(&raw.join("raw_data_stage_1.json"), None).unwrap();
    assert_eq!(source.form(), SourceForm::STAGE_1);
    let directory = tempfile::tempdir().unwrap();
    export_compat(&source, directory.path()).unwrap();
    for file in ["raw_data_stage_1.json", "raw_data_stage_2.json"] {
        assert_same(&directory.path().join(file), &raw.join(file));
    }
    for file in DATASETS {
        assert_same(&directory.path().join(file), &example.join(file));
    }
}

#[test]
fn a_stage_2_file_becomes_the_four_datasets() {
    let Some(example) = fixture("data/alpha-umi/train-example") else {
        return;
    };
    let stage_2 = example.join("raw_data/raw_data_stage_2.json");
    let source = Source::open(&stage_2, None).unwrap();
    assert_eq!(source.form(), SourceForm::STAGE_2);
    let directory = tempfile::tempdir().unwrap();
    export_compat(&source, directory.path()).unwrap();
    assert!(!directory.path().join("raw_data_stage_1.json").exists());
    assert_same(&directory.path().join("raw_data_stage_2.json"), &stage_2);
    for file in DATASETS {
        assert_same(&directory.path().join(file), &example.join(file));
    }
}

#[test]
fn every_public_conversation_can_be_used() {
    let Some(path) = fixture("data/alpha-umi/out_of_domain_300.json") else {
        return;
    };
    let source = Source::open(&path, None).unwrap();
    let read = source.read_conversations(&COMPAT, &mut |_, _| ()).unwrap();
    assert_eq!((read.report.kept, read.report.bad.len()), (300, 0));
    let prompts = Prompts::builtin().unwrap();
    for dataset in Dataset::ALL {
        let mut count = 0;
        for (index, conversation) in read.conversations.iter().enumerate() {
            for example in examples(
                index,
                conversation,
                dataset,
                &prompts,
                &mut GiveUpPrompt::Own,
            ) {
                assert_eq!(example.trajectory, index);
                count += 1;
            }
        }
        assert!(count >= 200, "{}: {count}", dataset.name());
    }
}

#[test]
fn the_threads_do_not_matter() {
    let Some(sample) = fixture("data/toolbench-sample") else {
        return;
    };
    let read = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let source = Source::open(&sample, None).unwrap();
        pool.install(|| source.read_conversations(&COMPAT, &mut |_, _| ()).unwrap())
    };
    assert_eq!(read(1), read(7));
}
