//! What may change while a run is under way, and what may not.

use std::fs;
use std::path::Path;

use glpft::prepare::{PrepareProgress, prepare_in_memory};
use glpft_data::Dataset;
use glpft_recipes::Recipe;

use crate::{Outcome, folder, glpft, raw_source, set, smoke};

fn train(directory: &Path, stage: &str, more: &[&str]) -> Outcome {
    let stage = format!("--stage={stage}");
    smoke(directory, &[&["train", "sample", &stage], more].concat())
}

#[test]
fn what_decides_is_refused_by_name_unless_told_and_what_may_change_is_said() {
    let here = folder();
    train(here.path(), "global", &[]).ok();
    let rate = "--set=stage.planner.lr=1e-3";
    let parts = [
        "stage.planner.lr = 0.0005 there, 0.001 now",
        "--resume-anyway",
    ];
    train(here.path(), "planner", &[rate]).fails(2, &parts);
    let told = train(here.path(), "planner", &[rate, "--resume-anyway"]);
    let warning = "warning: resumes with another recipe: stage.planner.lr";
    assert!(told.err.contains(warning), "{}", told.err);
    told.ok();
    let recipe = fs::read_to_string(here.path().join("runs/sample/recipe.toml")).unwrap();
    assert!(recipe.contains("lr = 0.001"), "{recipe}");

    // How long a stage goes on may change until it is finished; what is written, always.
    let longer = "--set=stage.global.epochs=90";
    train(here.path(), "caller", &[rate, longer]).fails(2, &["stage.global.epochs"]);
    let may = [
        rate,
        "--set=stage.caller.epochs=90",
        "--set=stage.checkpoint_every=1",
        "--set=stage.keep_best=true",
    ];
    train(here.path(), "caller", &may).ok();
    let both = ["--overwrite", "--resume-anyway"];
    let told = train(here.path(), "caller", &both);
    assert!(
        told.code == 2 && told.err.contains("cannot be used with"),
        "{}",
        told.err
    );
}

#[test]
fn a_start_that_is_refused_leaves_the_recipe_as_it_is() {
    let here = folder();
    train(here.path(), "global", &[]).ok();
    let run = here.path().join("runs/sample");
    let recipe = fs::read(run.join("recipe.toml")).unwrap();
    // As a stage that was interrupted after its second step.
    fs::remove_dir_all(run.join("models/global")).unwrap();
    let fewer = [
        "train",
        "sample",
        "--stage=global",
        "--threads=1",
        "--max-steps=1",
    ];
    glpft(here.path(), fewer).fails(2, &["checkpoint-2 is of step 2", "1 steps now"]);
    let fewer = ["run", "sample", "--threads=1", "--max-steps=1"];
    glpft(here.path(), fewer).fails(2, &["checkpoint-2 is of step 2"]);
    assert!(fs::read(run.join("recipe.toml")).unwrap() == recipe);
    train(here.path(), "global", &[]).ok();
}

#[test]
fn the_recipe_says_what_was_trained_with_something_else() {
    let here = folder();
    train(here.path(), "global", &[]).ok();
    let run = here.path().join("runs/sample");
    let recipe = || fs::read_to_string(run.join("recipe.toml")).unwrap();
    let told = |line: &str| {
        let recipe = recipe();
        assert!(recipe.contains(&format!("#   {line}\n")), "{recipe}");
    };
    assert!(!recipe().contains("--resume-anyway"), "{}", recipe());

    // The middle of a stage.
    fs::remove_dir_all(run.join("models/global")).unwrap();
    let anyway = |stage: &str, set: &str| {
        let stage = format!("--stage={stage}");
        let arguments = [
            "train",
            "sample",
            &stage,
            set,
            "--resume-anyway",
            "--threads=1",
        ];
        glpft(here.path(), arguments.iter().chain(&["--max-steps=3"])).ok();
    };
    anyway("global", "--set=stage.global.lr=1e-3");
    told("global, up to step 2: lr was 0.002 and is 0.001");
    let state = crate::read_json(&run.join("stages/global/trainer_state.json"));
    let earlier = &state["state"]["earlier"][0];
    assert_eq!(
        (&earlier["steps"], &earlier["provenance"]["recipe"]["lr"]),
        (&2.into(), &"0.002".into())
    );

    // What a finished stage was trained with stays, of its own keys and of those of the whole run.
    anyway("planner", "--set=seed=7");
    told("global: seed was 42 and is 7");
    told("global, up to step 2: lr was 0.002 and is 0.001; seed was 42 and is 7");
    assert!(recipe().contains("seed = 7\n"), "{}", recipe());
    let stage = |name: &str| {
        let recipe = recipe();
        let (_, stage) = recipe.split_once(&format!("[stage.{name}]\n")).unwrap();
        stage.split_once("\n[").unwrap().0.to_owned()
    };
    assert!(
        stage("global").contains("\nlr = 0.001\n"),
        "{}",
        stage("global")
    );
    let page = glpft(here.path(), ["report", "runs/sample"]);
    page.ok();
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("seed was 42 and is 7"));
}

#[test]
fn other_data_is_refused_unless_told() {
    let here = folder();
    let source = raw_source(here.path());
    let source_is = set("data.source", &source);
    train(here.path(), "global", &[&source_is]).ok();
    fs::remove_file(source.join("answer/G1_answer/11_ChatGPT_DFS_woFilter_w2.json")).unwrap();
    let parts = ["toolbench has changed since", "--resume-anyway"];
    train(here.path(), "planner", &[&source_is]).fails(2, &parts);
    train(here.path(), "planner", &[&source_is, "--resume-anyway"]).ok();
}

#[test]
fn rollouts_that_come_to_a_source_are_told_wherever_they_lie() {
    for layout in ["rollouts/answers/G1_tool", "rollouts"] {
        let here = folder();
        let from = raw_source(here.path()).join("answer/G1_answer");
        let to = here.path().join(layout);
        fs::create_dir_all(&to).unwrap();
        let mut files: Vec<_> = fs::read_dir(from)
            .unwrap()
            .map(|one| one.unwrap())
            .collect();
        files.sort_by_key(fs::DirEntry::file_name);
        let last = files.pop().unwrap();
        let copy = |file: &fs::DirEntry, id: usize| {
            fs::copy(file.path(), to.join(format!("{id}_DFS_woFilter_w2.json"))).unwrap()
        };
        for (id, file) in files.iter().enumerate() {
            copy(file, id);
        }
        let source_is = set("data.source", here.path().join("rollouts"));
        train(here.path(), "global", &[&source_is]).ok();
        copy(&last, files.len());
        let parts = ["rollouts has changed since", "--resume-anyway"];
        train(here.path(), "planner", &[&source_is]).fails(2, &parts);
    }
}

#[test]
fn a_source_that_changes_while_it_is_read_is_told() {
    let here = folder();
    let source = raw_source(here.path());
    let setting = format!("data.source={}", source.display());
    let recipe = Recipe::load("sample", &[setting.parse().unwrap()]).unwrap();
    let answer = source.join("answer/G1_answer/11_ChatGPT_DFS_woFilter_w2.json");
    let mut text = fs::read(&answer).unwrap();
    text.push(b'\n');
    let mut observer = |progress| {
        // Its queries are known by now, and it is read a second time.
        if matches!(progress, PrepareProgress::Encoding { .. }) {
            fs::write(&answer, &text).unwrap();
        }
    };
    let error = prepare_in_memory(&recipe, &[Dataset::Planner], &mut observer).unwrap_err();
    assert!(
        matches!(error, glpft::Error::SourceChanged { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("toolbench changed while it was read"),
        "{error}"
    );
}

#[test]
fn a_table_of_earlier_data_is_not_shown() {
    let here = folder();
    let source = raw_source(here.path());
    let source_is = set("data.source", &source);
    let prepare = || glpft(here.path(), ["prepare", "sample", "-q", &source_is]).ok();
    let inspect = || glpft(here.path(), ["data", "inspect", "sample", &source_is]).ok();
    prepare();
    let table = here.path().join("runs/sample/data/prepare.json");
    let earlier = fs::read(&table).unwrap();
    let shown_earlier = inspect();
    fs::remove_file(source.join("answer/G1_answer/11_ChatGPT_DFS_woFilter_w2.json")).unwrap();
    prepare();
    let shown = inspect();
    assert_ne!(shown, shown_earlier);
    // As a process leaves it that is killed between the datasets and their table.
    fs::write(&table, &earlier).unwrap();
    assert_eq!(inspect(), shown);
}

/// Only where nothing can be written at all, whoever is asked.
#[cfg(target_os = "linux")]
#[test]
fn a_temporary_folder_that_is_of_no_use_is_named() {
    let here = folder();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_glpft"))
        .current_dir(here.path())
        .args(["run", "sample", "--dry-run"])
        .env("TMPDIR", "/proc/nothing")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    let parts = ["cannot write temporary files in /proc/nothing", "TMPDIR"];
    assert!(parts.iter().all(|part| told.contains(part)), "{told}");
}
