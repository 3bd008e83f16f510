//! Several sources as one.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use std::path::Path;

use answers::FIXED;
use glpft_data::{Conversations, Dataset, GiveUpPrompt, Prompts, ReadOptions, Source, examples};
use glpft_recipes::{Recipe, Schemas};
use serde_json::json;

fn chats(folder: &Path, name: &str, questions: impl IntoIterator<Item = usize>) -> String {
    let lines: String = questions
        .into_iter()
        .map(|number| {
            let chat = json!({"messages": [
                {"role": "user", "content": format!("Question {number}?")},
                {"role": "assistant", "content": "An answer."},
            ]});
            format!("{chat}\n")
        })
        .collect();
    let path = folder.join(name);
    std::fs::write(&path, lines).unwrap();
    path.display().to_string()
}

fn read(data: &str) -> Conversations {
    let recipe = format!("[model]\nbase = \"x\"\n[data]\n{data}");
    let recipe = Recipe::parse(&recipe, "test", &[]).unwrap();
    // What is written is read again.
    assert_eq!(
        Recipe::parse(&recipe.to_toml(), "test", &[]).unwrap().data,
        recipe.data
    );
    let source = Source::from_recipe(&recipe.data).unwrap();
    source.read_conversations(&FIXED, &mut |_, _| ()).unwrap()
}

fn queries(read: &Conversations) -> Vec<&str> {
    read.conversations
        .iter()
        .map(|one| one.query.as_str())
        .collect()
}

#[test]
fn weights_repeat_or_take_nested_shares() {
    let folder = tempfile::tempdir().unwrap();
    let first = chats(folder.path(), "first.jsonl", 0..2);
    let second = chats(folder.path(), "second.jsonl", 100..300);
    let with = |weight: f64| {
        read(&format!(
            "[[data.sources]]\npath = {first:?}\nweight = 2.0\n[[data.sources]]\npath = {second:?}\nweight = {weight:?}\n"
        ))
    };
    let whole = with(1.0);
    assert_eq!(whole.conversations.len(), 204);
    assert_eq!(
        queries(&whole)[..4],
        ["Question 0?", "Question 0?", "Question 1?", "Question 1?"]
    );
    let report = &whole.report;
    assert_eq!(
        (report.records, report.repeated, report.left_out),
        (202, 2, 0)
    );
    assert_eq!(report.parts[0].name, "first.jsonl");
    assert_eq!(report.parts[1].report.steps.summarizer, 200);
    let (third, half) = (with(0.3), with(0.5));
    let (third, half) = (queries(&third), queries(&half));
    assert!((40..80).contains(&(third.len() - 4)), "{}", third.len());
    assert!((80..120).contains(&(half.len() - 4)), "{}", half.len());
    assert!(third.iter().all(|query| half.contains(query)));
    let more = with(1.5);
    assert_eq!(more.conversations.len(), 200 + half.len());
}

#[test]
fn roles_are_what_a_source_trains() {
    let folder = tempfile::tempdir().unwrap();
    let path = chats(folder.path(), "only.jsonl", 0..1);
    let read = read(&format!(
        "sources = [{{ path = {path:?}, name = \"mine\", roles = [\"summarizer\"] }}]\n"
    ));
    let prompts = Prompts::builtin().unwrap();
    for dataset in Dataset::ALL {
        let one = &read.conversations[0];
        let learned = examples(0, one, dataset, &prompts, &mut GiveUpPrompt::Own);
        assert_eq!(learned.len(), usize::from(dataset == Dataset::Summarizer));
    }
    assert_eq!(read.report.parts[0].name, "mine");
}

#[test]
fn duplicates_are_counted_and_left_out_where_that_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let first = chats(folder.path(), "first.jsonl", [1, 2, 1]);
    let second = chats(folder.path(), "second.jsonl", [2, 3]);
    let both = format!("sources = [{{ path = {first:?} }}, {{ path = {second:?} }}]\n");
    let kept = read(&both);
    assert_eq!((kept.conversations.len(), kept.report.duplicates), (5, 2));
    let dropped = read(&format!("{both}duplicates = \"drop\"\n"));
    assert_eq!(
        queries(&dropped),
        ["Question 1?", "Question 2?", "Question 3?"]
    );
    assert_eq!(dropped.report.duplicates, 2);
    let alone = read(&format!("source = {first:?}\nduplicates = \"drop\"\n"));
    assert_eq!((alone.conversations.len(), alone.report.duplicates), (2, 1));
}

#[test]
fn what_was_not_used_makes_nothing_a_duplicate() {
    let folder = tempfile::tempdir().unwrap();
    let first = chats(folder.path(), "first.jsonl", 0..40);
    let second = chats(folder.path(), "second.jsonl", 0..40);
    // Whatever of the first the weight leaves out comes of the second.
    let data = |first_keys: &str, second_keys: &str| {
        read(&format!(
            "duplicates = \"drop\"\nsources = [{{ path = {first:?}{first_keys} }}, {{ path = {second:?}{second_keys} }}]\n"
        ))
    };
    let shared = data(", weight = 0.5", "");
    let parts = &shared.report.parts;
    let (one, other) = (&parts[0].report, &parts[1].report);
    assert!(
        one.left_out > 0 && one.kept > 0,
        "{} {}",
        one.left_out,
        one.kept
    );
    assert_eq!(one.kept + one.left_out, 40);
    assert_eq!((other.kept, other.duplicates), (one.left_out, one.kept));
    assert_eq!(shared.conversations.len(), 40);
    // Steps are those of what is used.
    assert_eq!(one.steps.summarizer, one.kept);
    assert_eq!(shared.report.steps.summarizer, 40);

    // What the first trains other roles with is new to the second's.
    let by_role = data(
        ", roles = [\"planner\"]",
        ", roles = [\"planner\", \"summarizer\"]",
    );
    assert_eq!((by_role.report.duplicates, by_role.report.kept), (0, 80));
    let steps = |part: usize| by_role.report.parts[part].report.steps;
    assert_eq!((steps(0).planner, steps(0).summarizer), (40, 0));
    assert_eq!((steps(1).planner, steps(1).summarizer), (0, 40));
    let prompts = Prompts::builtin().unwrap();
    for dataset in Dataset::ALL {
        let learned: usize = by_role
            .conversations
            .iter()
            .map(|one| examples(0, one, dataset, &prompts, &mut GiveUpPrompt::Own).len())
            .sum();
        let expected = [Dataset::Planner, Dataset::Summarizer].contains(&dataset);
        assert_eq!(learned, 40 * usize::from(expected), "{}", dataset.name());
    }
}

#[test]
fn a_source_of_which_nothing_is_left_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let first = chats(folder.path(), "first.jsonl", 0..3);
    let second = chats(folder.path(), "second.jsonl", 0..3);
    let read = read(&format!(
        "duplicates = \"drop\"\nsources = [{{ path = {first:?} }}, {{ path = {second:?} }}]\n"
    ));
    assert_eq!(read.report.parts[1].report.kept, 0);
    assert_eq!(read.report.parts[1].report.duplicates, 3);
}

#[test]
fn what_is_cut_or_not_shown_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.jsonl");
    let schema = json!({"type": "object", "properties": {"a": {"type": "object", "patternProperties": {"^x": {}}}}});
    let chat = |reply: String| {
        json!({"messages": [
            {"role": "user", "content": "What?"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": reply},
        ], "tools": [{"type": "function", "function": {"name": "f", "description": "Does.", "parameters": schema}}]})
    };
    let lines = [chat("x".repeat(1024)), chat("y".repeat(1025))];
    std::fs::write(&path, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let options = ReadOptions {
        schemas: Schemas::Whole,
        ..FIXED
    };
    let source = Source::open(&path, None).unwrap();
    let read = source.read_conversations(&options, &mut |_, _| ()).unwrap();
    let report = &read.report;
    assert_eq!(report.cut_replies, 1);
    let told = report.warnings().join("\n");
    assert!(
        told.contains("1 reply of a tool is cut at 1024 characters"),
        "{told}"
    );
    assert_eq!(report.with_not_shown, 2, "{:?}", report.not_shown);
    assert!(told.contains("2 records have functions whose"), "{told}");
    assert!(told.contains("patternProperties"), "{told}");
}

#[test]
fn what_is_wrong_with_sources_is_told() {
    for (data, problem) in [
        (
            "sources = [{ name = \"x\" }]",
            "`data.sources[0]` has no `path`",
        ),
        ("sources = [\"x\"]", "a table with a `path`"),
        (
            "sources = [{ path = \"a/x\" }, { path = \"b/x\" }]",
            "two sources are called \"x\"",
        ),
        (
            "sources = [{ path = \"x\", wight = 1 }]",
            "did you mean `weight`?",
        ),
        ("sources = [{ path = \"x\", weight = 0 }]", "more than 0"),
        (
            "sources = [{ path = \"x\", roles = [\"poet\"] }]",
            "has \"poet\"",
        ),
        (
            "sources = [{ path = \"x\", roles = [] }]",
            "would train nothing",
        ),
        (
            "source = \"x\"\nsources = [{ path = \"x\" }]",
            "are both set",
        ),
        ("sources = 3", "an array of tables"),
    ] {
        let recipe = format!("[model]\nbase = \"x\"\n[data]\n{data}\n");
        let error = Recipe::parse(&recipe, "test", &[]).unwrap_err().to_string();
        assert!(error.contains(problem), "{data}: {error}");
    }
}
