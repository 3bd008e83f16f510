//! What each role learns from a conversation, and what it reads.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod answers;

use answers::{COMPAT, answer, call, directory, read, returned};
use glpft_data::{Conversation, Dataset, Example, GiveUpPrompt, Piece, Prompts, examples};
use glpft_recipes::GiveUpHistory;
use serde_json::Value;

const GIVE_UP: &str = r#"{"return_type": "give_up_and_restart"}"#;
const HALLUCINATED: &str = "invalid_hallucination_function_name";

/// Conversations of raw answers with these paths, `q0`, `q1`, … their instructions.
fn conversations(paths: &[&[Value]]) -> Vec<Conversation> {
    let files: Vec<_> = paths
        .iter()
        .enumerate()
        .map(|(index, path)| {
            let text = answer(&format!("q{index}"), path).to_string();
            (
                format!("answer/G1_answer/{index}_x.json"),
                text.into_bytes(),
            )
        })
        .collect();
    let directory = directory(
        files
            .iter()
            .map(|(name, text)| (name.as_str(), text.clone())),
    );
    read(directory.path(), &COMPAT).unwrap().conversations
}

/// Templates that show nothing but what is filled in.
fn bare() -> Prompts {
    Prompts::parse(
        "test",
        "backbone = '{history}|'\nplanner = '{doc}{history}|'\n\
         caller = '{tool_names}|{history}|{thought}|'\nsummarizer = '{history}|'",
    )
    .unwrap()
}

fn made(paths: &[&[Value]], dataset: Dataset, history: GiveUpHistory) -> Vec<Example> {
    let mut give_up = GiveUpPrompt::new(history);
    conversations(paths)
        .iter()
        .enumerate()
        .flat_map(|(index, conversation)| {
            examples(index, conversation, dataset, &bare(), &mut give_up)
        })
        .collect()
}

fn shown(examples: &[Example]) -> Vec<(usize, usize, String, &str)> {
    examples
        .iter()
        .map(|example| {
            let input = example.prompt.text().to_string();
            (
                example.trajectory,
                example.turn,
                input,
                example.target.as_str(),
            )
        })
        .collect()
}

fn path() -> Vec<Value> {
    vec![
        call(Some("t1"), "f", "1"),
        returned(r#"{"error": "", "response": "r1"}"#),
        call(Some("t2"), HALLUCINATED, "2"),
        returned(r#"{"error": "", "response": "r2"}"#),
        call(Some("t3"), "f", "3"),
        call(
            None,
            "Finish",
            r#"{"return_type": "give_answer", "final_answer": "end"}"#,
        ),
    ]
}

#[test]
fn the_planner_learns_no_way_to_a_hallucinated_call() {
    let path = path();
    let examples = made(&[&path], Dataset::Planner, GiveUpHistory::Own);
    let doc = r#"{"Name": "f", "function": "does f", "input": {"a": "string, ", "b": "integer"}}"#;
    let first = format!("{doc}\nuser: q0</s>");
    let second = format!(
        "{first}assistant: t1\n Next: caller.</s>caller: Action: f\nAction Input: 1</s>observation: r1\
         assistant: t2\n Next: caller.</s>caller: Action: {HALLUCINATED}\nAction Input: 2</s>observation: r2"
    );
    let third =
        format!("{second}assistant: t3\n Next: caller.</s>caller: Action: f\nAction Input: 3</s>");
    assert_eq!(
        shown(&examples),
        [
            (0, 1, format!("{first}|"), "t1\n Next: caller."),
            (0, 7, format!("{second}|"), "t3\n Next: caller."),
            (0, 9, format!("{third}|"), " Next: conclusion."),
        ]
    );
    assert_eq!(examples[1].prompt.turns.len(), 7);
    assert_eq!(examples[1].prompt.before.to_string(), format!("{doc}\n"));
}

#[test]
fn the_caller_sees_no_hallucinated_call_and_the_thought_twice() {
    let path = path();
    let examples = made(&[&path], Dataset::Caller, GiveUpHistory::Own);
    let first = "f|user: q0</s>assistant: t1\n Next: caller.</s>";
    let second = format!(
        "{first}caller: Action: f\nAction Input: 1</s>observation: r1assistant: t2\n Next: caller.</s>\
         observation: r2assistant: t3\n Next: caller.</s>"
    );
    assert_eq!(
        shown(&examples),
        [
            (
                0,
                2,
                format!("{first}|t1\n Next: caller.|"),
                "Action: f\nAction Input: 1"
            ),
            (
                0,
                8,
                format!("{second}|t3\n Next: caller.|"),
                "Action: f\nAction Input: 3"
            ),
        ]
    );
}

#[test]
fn the_summarizer_learns_answers_but_not_their_absence() {
    let none = [
        call(None, "Finish", r#"{"return_type": "give_answer"}"#),
        call(None, "f", "{}"),
    ];
    let path = path();
    let examples = made(&[&none, &path], Dataset::Summarizer, GiveUpHistory::Own);
    assert_eq!(examples.len(), 1);
    assert_eq!((examples[0].trajectory, examples[0].turn), (1, 10));
    assert_eq!(examples[0].target, "end");
    let input = examples[0].prompt.text().to_string();
    assert!(
        input.ends_with("assistant:  Next: conclusion.</s>|"),
        "{input}"
    );
}

#[test]
fn the_backbone_learns_joined_steps() {
    let path = path();
    let examples = made(&[&path], Dataset::Backbone, GiveUpHistory::Own);
    let targets: Vec<_> = examples
        .iter()
        .map(|example| example.target.as_str())
        .collect();
    let hallucinated = format!("t2\nAction: {HALLUCINATED}\nAction Input: 2");
    assert_eq!(
        targets,
        [
            "t1\nAction: f\nAction Input: 1",
            &hallucinated,
            "t3\nAction: f\nAction Input: 3",
            "\nconclusion: end"
        ]
    );
    assert_eq!(
        examples[2].prompt.text().to_string(),
        format!(
            "user: q0</s>assistant: {}</s>observation: r1assistant: {hallucinated}</s>observation: r2|",
            targets[0]
        )
    );
}

#[test]
fn a_give_up_shows_its_own_history_or_the_last_prompt() {
    let paths: [&[Value]; 3] = [
        &[call(Some("stop"), "Finish", GIVE_UP)],
        &[
            call(None, "f", "1"),
            call(None, "f", "2"),
            call(None, "Finish", GIVE_UP),
        ],
        &[call(Some("again"), "Finish", GIVE_UP)],
    ];
    let give_ups = |history| {
        let examples = made(&paths, Dataset::Backbone, history);
        let shown = shown(&examples);
        let give_ups = shown
            .into_iter()
            .filter(|(.., target)| target.ends_with("conclusion: give up."));
        give_ups
            .map(|(index, turn, input, target)| (index, turn, input, target.to_owned()))
            .collect::<Vec<_>>()
    };
    let step = "user: q1</s>assistant: \nAction: f\nAction Input: 1</s>";
    let own = format!("{step}assistant: \nAction: f\nAction Input: 2</s>|");
    let targets = [
        "stop\nconclusion: give up.",
        "\nconclusion: give up.",
        "again\nconclusion: give up.",
    ];
    let expected = |inputs: [&str; 3]| {
        let places = [(0, 1), (1, 5), (2, 1)];
        let parts = places.into_iter().zip(inputs).zip(targets);
        parts
            .map(|(((index, turn), input), target)| {
                (index, turn, input.to_owned(), target.to_owned())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        give_ups(GiveUpHistory::Own),
        expected(["user: q0</s>|", &own, "user: q2</s>|"])
    );
    // Before the first prompt there is none to show again.
    let last = format!("{step}|");
    assert_eq!(
        give_ups(GiveUpHistory::Stale),
        expected(["user: q0</s>|", &last, &last])
    );
}

#[test]
fn content_never_becomes_a_separator() {
    let path = [
        call(Some("a</s>b"), "f", "</s>"),
        returned(r#"{"error": "", "response": "</s>"}"#),
        call(
            None,
            "Finish",
            r#"{"return_type": "give_answer", "final_answer": "</s>"}"#,
        ),
    ];
    for (dataset, separators) in [
        (Dataset::Backbone, 2),
        (Dataset::Planner, 3),
        (Dataset::Caller, 2),
        (Dataset::Summarizer, 4),
    ] {
        let examples = made(&[&path], dataset, GiveUpHistory::Own);
        let text = examples.last().unwrap().prompt.text();
        let count = text
            .pieces()
            .iter()
            .filter(|piece| **piece == Piece::Separator)
            .count();
        assert_eq!(count, separators, "{}", dataset.name());
    }
}

#[test]
fn a_turn_that_nothing_follows_is_history_only() {
    let mut conversation = conversations(&[&path()]).remove(0);
    conversation.turns.truncate(2);
    conversation.turns[1].value = "said".to_owned();
    for dataset in Dataset::ALL {
        assert!(examples(0, &conversation, dataset, &bare(), &mut GiveUpPrompt::Own).is_empty());
    }
}

#[test]
fn template_files_are_checked() {
    let error = |text: &str| Prompts::parse("mine.toml", text).unwrap_err().to_string();
    let builtin = Prompts::builtin_text();
    assert_eq!(
        Prompts::parse("built-in", builtin).unwrap(),
        Prompts::builtin().unwrap()
    );
    assert_eq!(
        Prompts::parse("built-in", &builtin.replace('\n', "\r\n")).unwrap(),
        Prompts::builtin().unwrap()
    );
    assert!(error("backbone = '{history}'").contains("missing field `planner`"));
    let unknown = error(&builtin.replace("planner =", "plannner ="));
    assert!(
        unknown.contains("mine.toml") && unknown.contains("unknown field `plannner`"),
        "{unknown}"
    );
    assert!(error("backbone = ").contains("mine.toml"));
    let placeholder = error(&builtin.replace("{thought}", "{thoughts}"));
    assert!(
        placeholder.contains("`caller`: line 6: unknown placeholder {thoughts}; known: {doc}"),
        "{placeholder}"
    );
    let absent = Prompts::open(Some(std::path::Path::new("absent.toml")))
        .unwrap_err()
        .to_string();
    assert!(absent.contains("absent.toml"), "{absent}");
}
