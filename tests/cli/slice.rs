//! The benchmark's slice of real trajectories is what its file says, where the data are at hand.

use std::path::Path;
use std::process::Command;

use crate::folder;
use crate::published::{fixture, model};

#[test]
fn the_slice_has_the_tokens_that_it_says() {
    let (Some(stage_1), Some(long), Some(model)) = (
        fixture("data/alpha-umi/train-example/raw_data/raw_data_stage_1.json"),
        fixture("data/alpha-umi/out_of_domain_300.json"),
        model("smollm2-135m-instruct"),
    ) else {
        return;
    };
    let here = folder();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/slice.py");
    let run = Command::new("python3")
        .arg(script)
        .args(["tokens", "--glpft", env!("CARGO_BIN_EXE_glpft"), "--model"])
        .arg(model)
        .arg("--stage1")
        .arg(stage_1)
        .arg("--long")
        .arg(long)
        .arg("--out")
        .arg(here.path())
        .output();
    let Ok(output) = run else {
        println!("skipped: the benchmark's slice: no python3");
        return;
    };
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    // The script compares each trajectory's text and tokens with the file.
    assert!(output.status.success(), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for (set, tokens) in [("planner", 6_651), ("backbone", 12_860), ("long", 9_844)] {
        let line = told
            .lines()
            .find(|line| line.starts_with(&format!("{set}: ")));
        let line = line.unwrap_or_else(|| panic!("no {set} in: {told}"));
        assert!(line.contains(&format!(" {tokens} tokens")), "{line}");
        let file = std::fs::read_to_string(here.path().join(format!("{set}.jsonl"))).unwrap();
        let lengths = file.lines().map(|line| {
            let line = crate::json(line);
            line["input_ids"].as_array().unwrap().len()
        });
        assert_eq!(lengths.sum::<usize>(), tokens);
    }
}
