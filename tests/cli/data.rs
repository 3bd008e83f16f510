//! `glpft data inspect` and `glpft data export`.

use std::fs;

use serde_json::Value;

use crate::{folder, glpft, json, read_json, smoke};

#[test]
fn inspecting_writes_nothing_and_tells_what_preparing_does() {
    let here = folder();
    let looked = glpft(here.path(), ["data", "inspect", "sample"]).ok();
    assert!(
        looked.contains("backbone") && looked.contains("label tokens"),
        "{looked}"
    );
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
    glpft(here.path(), ["prepare", "sample"]).ok();
    assert_eq!(
        glpft(here.path(), ["data", "inspect", "sample"]).ok(),
        looked
    );
    let told = json(&glpft(here.path(), ["data", "inspect", "sample", "--json"]).ok());
    let report = read_json(&here.path().join("runs/sample/data/prepare.json"));
    assert_eq!(told, report);
}

#[test]
fn an_example_is_shown_as_text_and_as_tokens() {
    let here = folder();
    let arguments = ["data", "inspect", "sample", "--role=caller", "--index=3"];
    let shown = glpft(here.path(), arguments).ok();
    assert!(
        shown.starts_with("caller example 3: trajectory "),
        "{shown}"
    );
    for title in [
        "--- prompt, whole ---",
        "--- target ---",
        "decoded ---",
        "\"</s>\"",
    ] {
        assert!(shown.contains(title), "no {title} in {shown}");
    }
    let told = json(&glpft(here.path(), arguments.iter().chain(&["--json"])).ok());
    let (start, ids) = (
        told["label_start"].as_u64().unwrap() as usize,
        &told["input_ids"],
    );
    let ids = ids.as_array().unwrap();
    assert_eq!(told["learned"], serde_json::json!([start, ids.len()]));
    assert_eq!(
        told["labels_decoded"].as_array().unwrap().len(),
        ids.len() - start
    );
    assert_eq!(told["whole_tokens"], ids.len());
    let target = told["target"].as_str().unwrap();
    assert!(target.starts_with("Action: "), "{target}");
    let decoded = told["prompt_decoded"].as_str().unwrap();
    assert_eq!(
        decoded,
        format!("system: {}", told["prompt"].as_str().unwrap())
    );

    let last = [
        "data",
        "inspect",
        "sample",
        "--role=planner",
        "--index=99999",
    ];
    glpft(here.path(), last).fails(2, &["99999", "planner", "examples"]);
}

#[test]
fn truncation_is_told_where_it_happened() {
    let here = folder();
    let find = |more: &[&str]| {
        (0..200).find_map(|index| {
            let index = format!("--index={index}");
            let arguments = ["data", "inspect", "sample", "--role=planner", &index];
            let shown = glpft(here.path(), arguments.iter().chain(more)).ok();
            shown.contains("truncated from").then_some(shown)
        })
    };
    let oldest = find(&["--set=stage.planner.max_length=520"]).unwrap();
    assert!(oldest.contains("whole turns after token"), "{oldest}");
    let last = find(&[
        "--set=stage.planner.max_length=200",
        "--set=data.truncate=last",
    ])
    .unwrap();
    assert!(last.contains("the first tokens"), "{last}");
    assert!(last.contains("200 tokens: prompt 0.."), "{last}");
}

#[test]
fn the_published_files_need_no_model() {
    let here = folder();
    let source = "--set=data.source=builtin:sample";
    let arguments = ["data", "export", "alpha-umi-7b", source, "--to=out/new"];
    let told = glpft(
        here.path(),
        arguments
            .iter()
            .chain(&["--set=data.observations=response-or-error"]),
    );
    assert!(told.ok().contains("records kept"));
    let mut names: Vec<_> = fs::read_dir(here.path().join("out/new"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "raw_data_stage_1.json",
            "raw_data_stage_2.json",
            "train_backbone.json",
            "train_caller.json",
            "train_planner.json",
            "train_summarizer.json"
        ]
    );
    // What is read is not written over.
    let source_file = "--set=data.source=out/new/raw_data_stage_1.json";
    let over = [
        "data",
        "export",
        "alpha-umi-7b",
        source_file,
        "--to=out/new/../new",
    ];
    let before = fs::read(here.path().join("out/new/raw_data_stage_1.json")).unwrap();
    glpft(here.path(), over).fails(1, &["raw_data_stage_1.json", "is the source itself"]);
    let after = fs::read(here.path().join("out/new/raw_data_stage_1.json")).unwrap();
    assert_eq!(after, before);
    glpft(here.path(), ["data", "export", "alpha-umi-7b", "--to=out"])
        .fails(2, &["data.source", "--set data.source=PATH"]);
    glpft(
        here.path(),
        [
            "data",
            "export",
            "alpha-umi-7b",
            source,
            "--to=out",
            "--tokens",
        ],
    )
    .fails(2, &["model.base"]);
}

#[test]
fn token_files_hold_what_is_prepared() {
    let here = folder();
    glpft(
        here.path(),
        ["data", "export", "sample", "--to=out", "--tokens"],
    )
    .ok();
    let told = json(&glpft(here.path(), ["prepare", "sample", "--json"]).ok());
    for name in ["backbone", "planner", "caller", "summarizer"] {
        let lines = |split: &str| -> Vec<Value> {
            let path = here.path().join(format!("out/{split}_{name}.jsonl"));
            fs::read_to_string(path)
                .unwrap()
                .lines()
                .map(json)
                .collect()
        };
        let (train, validation) = (lines("train"), lines("validation"));
        let report = &told["report"]["datasets"][name];
        assert_eq!(report["training_examples"], train.len());
        assert_eq!(report["validation_examples"], validation.len());
        let mut learned = 0;
        for line in train.iter().chain(&validation) {
            let ids = line["input_ids"].as_array().unwrap();
            let labels = line["labels"].as_array().unwrap();
            assert_eq!(ids.len(), labels.len());
            let first = labels.iter().position(|label| *label != -100).unwrap();
            assert!(first > 0 && ids[first..] == labels[first..]);
            assert_eq!(ids[ids.len() - 1], 0, "ends in </s>");
            learned += ids.len() - first;
        }
        assert_eq!(report["label_tokens"], learned);
    }
}

/// Traces as people have them: a question, a call, an answer.
const TRACES: &str = concat!(
    r#"{"messages": [{"role": "user", "content": "Rain in Oslo?"}, "#,
    r#"{"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "#,
    r#""function": {"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}}]}, "#,
    r#"{"role": "tool", "tool_call_id": "1", "content": "rain"}, "#,
    r#"{"role": "assistant", "content": "Yes."}], "tools": [{"type": "function", "#,
    r#""function": {"name": "weather", "parameters": {"type": "object", "#,
    r#""properties": {"city": {"type": "string"}}, "required": ["city"]}}}]}"#,
    "\n",
);

#[test]
fn traces_are_looked_at_converted_and_compared_without_a_recipe() {
    let here = folder();
    fs::write(here.path().join("traces.jsonl"), TRACES).unwrap();
    let told = glpft(here.path(), ["data", "check", "traces.jsonl"]).ok();
    for part in [
        "OpenAI chat",
        "1 of 1 record used",
        "2 planner, 1 caller, 1 summarizer",
        "2 steps have no rationale",
        "--set data.source=traces.jsonl",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    for (form, file) in [
        ("openai", "again.jsonl"),
        ("sharegpt", "again.json"),
        ("stage2", "again.json"),
    ] {
        let arguments = [
            "data",
            "convert",
            "traces.jsonl",
            "--form",
            form,
            "--to",
            file,
        ];
        let told = glpft(here.path(), arguments).ok();
        assert!(told.contains("1 written to"), "{told}");
        let told = glpft(here.path(), ["data", "overlap", "traces.jsonl", file]).ok();
        assert!(told.contains("1 in both"), "{told}");
    }
    let onto_itself = [
        "data",
        "convert",
        "traces.jsonl",
        "--form=openai",
        "--to=traces.jsonl",
    ];
    glpft(here.path(), onto_itself).fails(2, &["--to", "traces.jsonl"]);
    assert_eq!(
        fs::read_to_string(here.path().join("traces.jsonl")).unwrap(),
        TRACES
    );
    glpft(here.path(), ["data", "check", "none.jsonl"]).fails(1, &["none.jsonl"]);
    // What was found before a source that cannot be used is told.
    let checked = glpft(
        here.path(),
        ["data", "check", "traces.jsonl", "none.jsonl", "--json"],
    );
    assert_eq!(json(&checked.out).as_array().map(Vec::len), Some(1));
    checked.fails(1, &["none.jsonl"]);
}

/// Into a file or a pipe, as on a terminal.
#[test]
fn a_run_says_what_of_its_data_it_does_not_learn() {
    let here = folder();
    let uncalled =
        r#"{"messages": [{"role": "user", "content": "q"}, {"role": "tool", "content": "r"}]}"#;
    let traces = format!("{}{uncalled}\n", TRACES.repeat(3));
    fs::write(here.path().join("traces.jsonl"), traces).unwrap();
    let run = [
        "run",
        "sample",
        "--set=data.source=traces.jsonl",
        "--set=arrangement=single",
        "--set=data.validation_fraction=0",
        "--set=stage.global.max_length=165",
    ];
    let told = smoke(here.path(), &run);
    for part in [
        "warning: 1 of 4 records cannot be read; data/prepare.json lists them, the first is ",
        "warning: backbone: 3 of 6 examples are longer than max_length (165): 57 tokens are cut, 0 of them learned",
    ] {
        assert!(told.err.contains(part), "no {part:?} in {}", told.err);
    }
}

#[test]
fn traces_of_openais_form_are_trained_on() {
    let here = folder();
    fs::write(here.path().join("traces.jsonl"), TRACES.repeat(3)).unwrap();
    let set = [
        "--set",
        "data.source=traces.jsonl",
        "--set",
        "data.validation_fraction=0",
    ];
    let run = ["run", "sample", "--max-steps", "1", "--out", "run"];
    glpft(here.path(), run.iter().chain(&set)).ok();
    let report = read_json(&here.path().join("run/data/prepare.json"));
    assert_eq!(report["source"]["form"], "OpenAI chat");
    assert_eq!(report["source"]["report"]["duplicates"], 2);
}

#[test]
fn an_extra_source_leaves_the_others_splits_as_they_are() {
    let here = folder();
    let path = here.path();
    let traces = |answer: &str, questions: &mut dyn Iterator<Item = usize>| -> String {
        let of = |number: usize| {
            let question = format!("Rain in town {number}?");
            format!(
                "{}\n",
                TRACES
                    .trim()
                    .replace("Rain in Oslo?", &question)
                    .replace("Oslo", answer)
            )
        };
        questions.map(of).collect()
    };
    fs::write(path.join("a.jsonl"), traces("Oslo", &mut (0..6))).unwrap();
    let more = traces("Rome", &mut (0..6).chain(100..106));
    fs::write(path.join("b.jsonl"), more).unwrap();
    glpft(path, ["recipe", "copy", "sample", "my.toml"]).ok();
    let base = fs::read_to_string(path.join("my.toml")).unwrap();
    let prepared = |name: &str, sources: &str| -> Value {
        let lines = base
            .lines()
            .map(|line| match line.starts_with("source = ") {
                true => sources,
                false => line,
            });
        let recipe = lines.collect::<Vec<_>>().join("\n");
        fs::write(path.join("my.toml"), recipe).unwrap();
        let command = ["prepare", "my.toml", "--quiet", "--out", name];
        let set = [
            "--set=data.fraction=0.5",
            "--set=data.validation_fraction=0.5",
        ];
        glpft(path, command.iter().chain(&set)).ok();
        read_json(&path.join(name).join("data/prepare.json"))
    };
    let alone = prepared("alone", "source = \"a.jsonl\"");
    let both = prepared(
        "both",
        "sources = [{ path = \"a.jsonl\" }, { path = \"b.jsonl\", extra = true }]",
    );
    // Of six queries three are used, one of them to validate: with the other source, too.
    assert_eq!(alone["queries"]["validation"], 1);
    assert_eq!(alone["queries"], both["queries"]);
    let planner = &both["datasets"]["planner"]["sources"];
    for key in ["training_examples", "validation_examples"] {
        assert_eq!(
            planner["a.jsonl"][key], alone["datasets"]["planner"][key],
            "{key}"
        );
    }
    // All of it trains but what the other source validates on.
    let steps = |key: &str| planner["b.jsonl"][key].as_u64().unwrap();
    assert_eq!(
        (steps("training_examples"), steps("validation_examples")),
        (22, 2)
    );
    let recipe = fs::read_to_string(path.join("both/recipe.toml")).unwrap();
    assert!(recipe.contains("extra = true"), "{recipe}");
}

#[test]
fn several_sources_are_told_apart_in_table_log_and_report() {
    let here = folder();
    let traces = |questions: std::ops::Range<usize>| -> String {
        let of =
            |number: usize| TRACES.replace("Rain in Oslo?", &format!("Rain in town {number}?"));
        questions.map(of).collect()
    };
    fs::write(here.path().join("a.jsonl"), traces(0..6)).unwrap();
    fs::write(here.path().join("b.jsonl"), traces(100..106)).unwrap();
    glpft(here.path(), ["recipe", "copy", "sample", "my.toml"]).ok();
    let recipe = fs::read_to_string(here.path().join("my.toml")).unwrap();
    let sources = "sources = [{ path = \"a.jsonl\", weight = 2.0 }, { path = \"b.jsonl\", roles = [\"planner\", \"caller\"] }]";
    let lines = recipe
        .lines()
        .map(|line| match line.starts_with("source = ") {
            true => sources,
            false => line,
        });
    let recipe = lines.collect::<Vec<_>>().join("\n");
    assert!(recipe.contains(sources), "{recipe}");
    fs::write(here.path().join("my.toml"), recipe).unwrap();
    let set = ["--set", "data.validation_fraction=0.5"];
    let run = ["run", "my.toml", "--max-steps", "2", "--out", "run"];
    glpft(here.path(), run.iter().chain(&set)).ok();
    let report = read_json(&here.path().join("run/data/prepare.json"));
    let planner = &report["datasets"]["planner"];
    let of = |source: &str, key: &str| planner["sources"][source][key].as_u64().unwrap();
    // Each question is two steps of a planner, and those of the first source are read twice.
    assert_eq!(of("a.jsonl", "trajectories"), 12);
    assert_eq!(of("b.jsonl", "trajectories"), 6);
    for key in [
        "tokens",
        "label_tokens",
        "training_examples",
        "validation_examples",
    ] {
        let sum = of("a.jsonl", key) + of("b.jsonl", key);
        assert_eq!(planner[key].as_u64(), Some(sum), "{key}");
    }
    let summarizer = &report["datasets"]["summarizer"]["sources"];
    assert_eq!(summarizer["b.jsonl"]["trajectories"], 0);
    let log = fs::read_to_string(here.path().join("run/stages/planner/train_log.jsonl")).unwrap();
    let last = log.lines().rfind(|line| line.contains("validation_loss"));
    let last = json(last.unwrap());
    assert!(
        last["source_validation"]["a.jsonl"]["loss"].is_f64(),
        "{last}"
    );
    let told = glpft(here.path(), ["prepare", "run"]).ok();
    assert!(told.contains("b.jsonl"), "{told}");
    // Measured on what it was trained on, it says so; on other questions it says nothing.
    let eval = ["eval", "static", "run", "--steps=1", "--max-new-tokens=2"];
    let on = |data: &str| glpft(here.path(), eval.iter().copied().chain([data]));
    let told = on("--data=a.jsonl");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(
        told.err.contains("ask for what the run was trained on"),
        "{}",
        told.err
    );
    fs::write(here.path().join("new.jsonl"), traces(200..202)).unwrap();
    let told = on("--data=new.jsonl");
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(!told.err.contains("trained on"), "{}", told.err);
}
