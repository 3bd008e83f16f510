//! The forms of records: every file of `golden/` becomes the conversations that stand beside it.
//!
//! `GLPFT_GOLDEN=write` writes what stands beside them, to be read before it is kept.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use answers::FIXED;
use glpft_data::{
    Conversation, Dataset, GiveUpPrompt, Prompts, ReadOptions, Source, examples, python,
};
use glpft_recipes::Rationale;

/// Everything that a source becomes, as text.
fn told(path: &Path, options: &ReadOptions) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let here = path.parent().unwrap().display().to_string();
    let mut text = String::new();
    let source = match Source::open(path, None) {
        Ok(source) => source,
        Err(error) => return format!("{}\n", error.to_string().replace(&here, "")),
    };
    writeln!(text, "{}", source.form().name()).unwrap();
    let read = match source.read_conversations(options, &mut |_, _| ()) {
        Ok(read) => read,
        Err(error) => return format!("{text}{}\n", error.to_string().replace(&here, "")),
    };
    for bad in &read.report.bad {
        let record = bad.record.rsplit_once(&name).unwrap().1;
        writeln!(text, "bad {record}: {}", bad.reason).unwrap();
    }
    for fault in &read.report.first_faults {
        let record = fault.record.rsplit_once(&name).unwrap().1;
        writeln!(text, "step {record}: {}", fault.reason).unwrap();
    }
    for conversation in &read.conversations {
        text.push_str(&shown(conversation));
    }
    text
}

fn shown(conversation: &Conversation) -> String {
    let mut text = format!("\nquery {}\n", conversation.query);
    for tool in &conversation.tools {
        writeln!(
            text,
            "tool {}",
            python::json::dumps(tool.description()).unwrap()
        )
        .unwrap();
    }
    let marks = &conversation.marks;
    for (index, turn) in conversation.turns.iter().enumerate() {
        let begins = match marks.instructions.contains(&index) {
            true => " (a new instruction)",
            false => "",
        };
        writeln!(text, "{}{begins}: {:?}", turn.from.name(), turn.value).unwrap();
    }
    let prompts = Prompts::builtin().unwrap();
    for dataset in Dataset::ALL {
        let learned = examples(0, conversation, dataset, &prompts, &mut GiveUpPrompt::Own);
        let turns: Vec<String> = learned
            .iter()
            .map(|example| match &marks.example {
                None => example.turn.to_string(),
                Some(given) => {
                    format!("{:?} in {} turns", given.target, example.prompt.turns.len())
                }
            })
            .collect();
        writeln!(text, "{} learns {}", dataset.name(), turns.join(", ")).unwrap();
    }
    text
}

fn golden() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "txt"))
        .collect();
    files.sort_unstable();
    files
}

#[test]
fn every_file_becomes_the_conversations_beside_it() {
    let files = golden();
    assert!(files.len() >= 20, "{}", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let told = told(&path, &FIXED);
        let beside = path.with_extension("txt");
        if std::env::var("GLPFT_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::write(&beside, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&beside).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{}:\n{told}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A directory of one record a file, an array, lines and both compressed is one source, in the files' order.
#[test]
fn a_directory_is_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let chat = |question: &str| {
        serde_json::json!({"messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": "yes"},
        ]})
    };
    let put = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    put("b.jsonl", format!("{}\n{}\n", chat("2"), chat("3")));
    put("a.json", serde_json::to_string_pretty(&chat("1")).unwrap());
    put("c.json", format!("[{}]", chat("4")));
    put("d.json", "[".to_owned());
    put("README.md", "text".to_owned());
    put("dataset_info.json", r#"{"license": "mit"}"#.to_owned());
    let source = Source::open(folder.path(), None).unwrap();
    assert_eq!(source.form().name(), "OpenAI chat");
    let read = source.read_conversations(&FIXED, &mut |_, _| ()).unwrap();
    let queries: Vec<&str> = read
        .conversations
        .iter()
        .map(|one| one.query.as_str())
        .collect();
    assert_eq!(queries, ["1", "2", "3", "4"]);
    assert_eq!(read.report.bad.len(), 2);
    assert!(
        read.report.bad[0].record.ends_with("d.json"),
        "{:?}",
        read.report.bad
    );
}

#[test]
fn a_step_without_a_rationale_becomes_what_is_chosen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/xlam-ordinary.json");
    let planner = |rationale| {
        let options = ReadOptions { rationale, ..FIXED };
        let source = Source::open(&path, None).unwrap();
        let read = source.read_conversations(&options, &mut |_, _| ()).unwrap();
        assert!(read.report.steps.without_rationale > 0);
        let prompts = Prompts::builtin().unwrap();
        let conversation = &read.conversations[0];
        let learned = examples(
            0,
            conversation,
            Dataset::Planner,
            &prompts,
            &mut GiveUpPrompt::Own,
        );
        assert_eq!(learned.len(), read.report.steps.planner.min(1));
        learned.into_iter().next().map(|example| example.target)
    };
    assert_eq!(planner(Rationale::Keep).as_deref(), Some(" Next: caller."));
    assert_eq!(planner(Rationale::DropPlanner), None);
    assert_eq!(
        planner(Rationale::NameTheTool).as_deref(),
        Some("I call get_weather.\n Next: caller.")
    );
}

/// What the roles would lack is counted of what they learn.
#[test]
fn traces_without_an_answer_and_learned_steps_without_a_rationale_are_counted() {
    let chat = |name: &str, rest: serde_json::Value| {
        let call = serde_json::json!({"id": "1", "function": {"name": name, "arguments": "{}"}});
        let mut messages = vec![
            serde_json::json!({"role": "user", "content": "q"}),
            serde_json::json!({"role": "assistant", "tool_calls": [call]}),
            serde_json::json!({"role": "tool", "tool_call_id": "1", "content": "r"}),
        ];
        messages.extend(rest.as_array().unwrap().iter().cloned());
        serde_json::json!({"messages": messages, "tools": [{"name": "f"}]})
    };
    let answer = serde_json::json!([{"role": "assistant", "content": "a", "reasoning": "t"}]);
    let none = serde_json::json!([]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.json");
    let chats = [
        chat("f", answer.clone()),
        chat("f", none),
        // This call is not learned, and so is what comes before it.
        chat("g", answer),
    ];
    std::fs::write(&path, serde_json::json!(chats).to_string()).unwrap();
    let source = Source::open(&path, None).unwrap();
    let read = source.read_conversations(&FIXED, &mut |_, _| ()).unwrap();
    let steps = read.report.steps;
    assert_eq!((steps.caller, steps.without_answer), (2, 1));
    assert_eq!(steps.without_rationale, 2);
}

#[test]
fn every_example_of_the_page_on_data_is_read() {
    let page =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/your-own-trajectories.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut forms = Vec::new();
    for part in page.split("```json\n").skip(1) {
        let (example, _) = part.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.json");
        std::fs::write(&path, example).unwrap();
        let source = Source::open(&path, None).unwrap();
        let read = source.read_conversations(&FIXED, &mut |_, _| ()).unwrap();
        assert_eq!(read.report.kept, 1, "{example}");
        forms.push(source.form().name());
    }
    let expected = [
        "OpenAI chat",
        "Anthropic chat",
        "ShareGPT",
        "Hermes",
        "xLAM",
        "ToolLLaMA",
        "role examples",
    ];
    assert_eq!(forms, expected);
}
