//! What a user sees, whole: a change of a table or a message is seen in review (`tests/cli/snapshots/`).
//!
//! Directories, times and speeds are redacted, and losses to what no machine rounds otherwise. `GLPFT_GOLDEN=write` writes the
//! snapshots anew; without it a difference fails. `--help` is held by `docs/reference/command-line.md`.
#![cfg(unix)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use fancy_regex::Regex;
use serde_json::json;

use crate::{folder, glpft, small_model};

/// What differs between machines and runs, and what stands there instead.
const REDACTED: [(&str, &str); 9] = [
    (r"\b\d+(\.\d+)? s\b", "[time]"),
    (r"\b\d+ min( \d+ s)?\b", "[time]"),
    (r"(?m)\b\d+(?= +\[time\]$)", "[speed]"),
    (r"\b\d+( tokens/s)? +\d+\.\d GiB", "[speed]  [memory]"),
    (ROLE, "$1  [time]  [speed]"),
    (PART, "$1  [time]"),
    (r"\b\d{3,}\.\d{4}\b", "[perplexity]"),
    (r"\b(\d+)\.\d{4}\b", "${1}.…"),
    (r" {2,}(?=\S)", "  "),
];
/// A role's line in an evaluation's table: seconds and tokens a second stand last.
const ROLE: &str = r"(?m)^((?:planner|caller|summarizer) .*?) +\d+\.\d +\d+$";
/// A part's line in an evaluation's times.
const PART: &str = r"(?m)^([a-z][a-z, ]*?) +\d+\.\d\d$";

/// A text without the folder that it was made in and without what [`REDACTED`] lists.
fn redacted(text: &str, directory: &Path) -> String {
    let mut text = text.replace(&directory.display().to_string(), "[folder]");
    for (pattern, instead) in REDACTED {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, instead).into_owned();
    }
    text
}

/// Compares a text with the snapshot of this name.
#[track_caller]
fn assert_snapshot(name: &str, found: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    let path = folder.join(format!("{name}.txt"));
    if std::env::var_os("GLPFT_GOLDEN").is_some_and(|value| value == "write") {
        fs::write(&path, found).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let lines = there.lines().zip(found.lines());
    let differing = lines.filter(|(there, found)| there != found);
    let shown: String = differing
        .map(|(there, found)| format!("- {there}\n+ {found}\n"))
        .collect();
    assert!(
        there == found,
        "{} differs:\n{shown}\nfound:\n{found}\nif that is meant, GLPFT_GOLDEN=write writes it anew",
        path.display()
    );
}

/// A command with its stdout, redacted.
fn shown(directory: &Path, arguments: &[&str]) -> String {
    redacted(&glpft(directory, arguments).ok(), directory)
}

#[test]
fn a_dry_run() {
    let here = folder();
    let told = ["run", "sample", "--dry-run", "--threads=1"];
    assert_snapshot("a_dry_run", &glpft(here.path(), told).ok());
}

#[test]
fn a_prepared_dataset() {
    let here = folder();
    assert_snapshot(
        "a_prepared_dataset",
        &glpft(here.path(), ["prepare", "sample", "--out=made"]).ok(),
    );
}

#[test]
fn a_finished_run_and_its_evaluation() {
    let here = folder();
    let short = [
        "--max-steps=1",
        "--threads=1",
        "--set=arrangement=one-stage",
    ];
    let run = [&["run", "sample", "--out=made"], &short[..]].concat();
    assert_snapshot("a_finished_run", &shown(here.path(), &run));
    let export = ["data", "export", "sample", "--quiet", "--to=all"];
    glpft(here.path(), export).ok();
    let evaluate = [
        "eval",
        "static",
        "made",
        "--data=all/raw_data_stage_2.json",
        "--limit=1",
        "--steps=2",
        "--max-new-tokens=2",
        "--threads=1",
    ];
    assert_snapshot("a_static_evaluation", &shown(here.path(), &evaluate));
    assert_snapshot("a_status", &shown(here.path(), &["status", "made"]));
}

#[test]
fn a_study() {
    let here = folder();
    crate::study::held_out(here.path());
    let study = [
        "study",
        "sample",
        "--eval=held-out.json",
        "--arrangements=single,glpft",
        "--fractions=0.5",
        "--seeds=1",
        "--max-steps=1",
        "--eval-conversations=1",
        "--max-new-tokens=2",
        "--threads=1",
        "--out=made",
    ];
    let dry = [&study[..], &["--dry-run"]].concat();
    assert_snapshot("a_study_planned", &shown(here.path(), &dry));
    // What a model of one step says hangs on how sums are rounded.
    let percent = Regex::new(r"\*?\b\d+\.\d\d\b").unwrap();
    let told = shown(here.path(), &study);
    assert_snapshot("a_study", &percent.replace_all(&told, "[percent]"));
}

#[test]
fn scores_of_predictions() {
    let here = folder();
    let entry = |instruction: &str, reference: &str, predictions: &str| {
        json!({
            "tools": [{"Name": "weather", "function": "", "input": {}}],
            "instruction": instruction,
            "reference": reference,
            "predictions": predictions,
        })
    };
    let call = "assistant: I ask.\n Next: caller.</s>caller: Action: weather\nAction Input: {\"city\": \"Oslo\"}</s>";
    let misspelt =
        "assistant: I ask.\n Next: caller.</s>caller: Action: wether\nAction Input: {}</s>";
    let answer = "assistant: I know.\n Next: conclusion.</s>conclusion: It rains in Oslo.</s>";
    let entries = json!([
        entry("Does it rain?", call, misspelt),
        entry("Does it snow?", answer, answer),
    ]);
    fs::write(here.path().join("p.json"), entries.to_string()).unwrap();
    assert_snapshot(
        "scores_of_predictions",
        &glpft(here.path(), ["eval", "score", "p.json"]).ok(),
    );
}

/// Commands that fail, each with its exit code and all of its stderr.
fn refusals(directory: &Path, commands: &[&[&str]]) -> String {
    let mut text = String::new();
    for command in commands {
        let outcome = glpft(directory, *command);
        assert_ne!(outcome.code, 0, "{command:?}: {}", outcome.out);
        assert_eq!(outcome.out, "", "{command:?}");
        let told = redacted(&outcome.err, directory);
        writeln!(
            text,
            "$ glpft {}\n{told}[{}]\n",
            command.join(" "),
            outcome.code
        )
        .unwrap();
    }
    text
}

#[test]
fn errors_of_the_command_line() {
    let here = folder();
    fs::create_dir(here.path().join("empty")).unwrap();
    assert_snapshot(
        "errors_of_the_command_line",
        &refusals(
            here.path(),
            &[
                &["trian", "sample"],
                &["run", "sample", "--max-step=2"],
                &["run", "sample", "--threads=none"],
                &["train", "sample"],
                &["report", "absent"],
                &["status", "absent"],
                &["serve", "absent"],
                &["export", "absent", "--to=model"],
                &["eval", "score", "absent.json"],
                &["eval", "static", "--data=absent.json"],
            ],
        ),
    );
}

#[test]
fn errors_of_recipes() {
    let here = folder();
    fs::write(here.path().join("broken.toml"), "[data]\nsource = \"x\n").unwrap();
    fs::write(here.path().join("unknown.toml"), "[dta]\nsource = \"x\"\n").unwrap();
    assert_snapshot(
        "errors_of_recipes",
        &refusals(
            here.path(),
            &[
                &["run", "sampel"],
                &["run", "./absent.toml"],
                &["run", "smollm2-135m"],
                &["recipe", "validate", "broken.toml"],
                &["recipe", "validate", "unknown.toml"],
                &["run", "sample", "--set=stage.planner.epoch=3"],
                &["run", "sample", "--set=stage.lr=fast"],
                &["run", "sample", "--set=stage.batch=0"],
                &["run", "sample", "--set=data.packing=tre"],
                &[
                    "run",
                    "sample",
                    "--set=reuse=false",
                    "--set=arrangement=single",
                ],
            ],
        ),
    );
}

#[test]
fn errors_of_data() {
    let here = folder();
    let write = |name: &str, text: &str| fs::write(here.path().join(name), text).unwrap();
    fs::create_dir(here.path().join("empty")).unwrap();
    write("broken.jsonl", "{\"messages\": [}\n");
    write(
        "other.json",
        "[{\"question\": \"Does it rain?\", \"answer\": \"Yes.\"}]",
    );
    write("nothing.jsonl", "");
    write("notes.txt", "Does it rain?\n");
    assert_snapshot(
        "errors_of_data",
        &refusals(
            here.path(),
            &[
                &["data", "check", "absent.jsonl"],
                &["data", "check", "empty"],
                &["data", "check", "broken.jsonl"],
                &["data", "check", "other.json"],
                &["data", "check", "nothing.jsonl"],
                &["data", "check", "notes.txt"],
                &[
                    "prepare",
                    "sample",
                    "--set=data.source=other.json",
                    "--out=made",
                ],
                &["data", "overlap", "absent.jsonl", "other.json"],
                &["data", "inspect", "sample", "--role=planer"],
            ],
        ),
    );
}

#[test]
fn errors_of_models() {
    let here = folder();
    let model = small_model(here.path());
    let spoilt = |name: &str, file: &str, change: &dyn Fn(String) -> String| {
        let copy = here.path().join(name);
        crate::copy_folder(&model, &copy);
        let path = copy.join(file);
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    };
    let family = |text: String| text.replace("LlamaForCausalLM", "MambaForCausalLM");
    spoilt("mamba", "config.json", &family);
    let heads =
        |text: String| text.replace("\"num_attention_heads\": 4", "\"num_attention_heads\": 3");
    spoilt("heads", "config.json", &heads);
    let quantized = |text: String| {
        let settings = "{\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4},";
        text.replacen('{', settings, 1)
    };
    spoilt("gptq", "config.json", &quantized);
    crate::copy_folder(&model, &here.path().join("cut"));
    let weights = here.path().join("cut/model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    crate::copy_folder(&model, &here.path().join("pickle"));
    fs::remove_file(here.path().join("pickle/model.safetensors")).unwrap();
    fs::write(here.path().join("pickle/pytorch_model.bin"), "PK").unwrap();
    fs::write(here.path().join("cut.gguf"), "GGUF\u{3}\0\0\0").unwrap();
    fs::create_dir(here.path().join("empty")).unwrap();
    let commands: Vec<Vec<String>> = [
        "absent", "empty", "mamba", "heads", "gptq", "cut", "pickle", "cut.gguf",
    ]
    .map(|base| {
        let base = format!("--set=model.base={base}");
        let plain = "--set=model.tokenizer=builtin:sample";
        let source = "--set=data.source=builtin:sample";
        ["run", "smollm2-135m", source, plain, &base]
            .map(str::to_owned)
            .to_vec()
    })
    .to_vec();
    let commands: Vec<Vec<&str>> = commands
        .iter()
        .map(|command| command.iter().map(String::as_str).collect())
        .collect();
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    assert_snapshot("errors_of_models", &refusals(here.path(), &commands));
}
