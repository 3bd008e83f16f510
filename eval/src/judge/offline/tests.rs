use std::collections::BTreeMap;

use super::*;
use crate::rollout::Usage;
use glpft_agent::FINISH;
use glpft_world::Slot;
use serde_json::json;

fn slot(name: &str, accepted: &[&str]) -> Slot {
    Slot {
        name: name.to_owned(),
        accepted: accepted.iter().map(|&text| text.to_owned()).collect(),
    }
}

/// Knows one task, which asks for a temperature and a wind.
fn judge(solvable: bool, slots: Vec<Slot>) -> OfflineJudge<BTreeMap<String, Truth>> {
    let Value::Object(arguments) = json!({"city": "Oslo", "days": 3}) else {
        panic!("no object");
    };
    let truth = Truth {
        solvable,
        recoverable: false,
        slots,
        calls: vec![GoldCall {
            function: "weather".to_owned(),
            arguments,
            needs: Vec::new(),
        }],
    };
    OfflineJudge::new(BTreeMap::from([("1".to_owned(), truth)]))
}

fn weather() -> OfflineJudge<BTreeMap<String, Truth>> {
    let slots = vec![
        slot("temperature", &["21.5 °C", "21.5 degrees"]),
        slot("wind", &["north wind"]),
    ];
    judge(true, slots)
}

fn task() -> Task {
    Task {
        id: "1".to_owned(),
        query: "How is the weather in Oslo in the next 3 days?".to_owned(),
        functions: Vec::new(),
    }
}

fn step(function: &str, arguments: &str, observation: &str, code: u8) -> StepOfPath {
    StepOfPath {
        thought: None,
        function: function.to_owned(),
        arguments: arguments.to_owned(),
        observation: observation.to_owned(),
        code,
    }
}

fn rollout(answer: &str, observations: &[&str]) -> RolloutRecord {
    let mut path: Vec<StepOfPath> = observations
        .iter()
        .map(|observation| {
            step(
                "weather",
                "{\"city\": \"Oslo\", \"days\": \"3\"}",
                observation,
                0,
            )
        })
        .collect();
    path.push(step(FINISH, answer, "", 3));
    RolloutRecord {
        task: "1".to_owned(),
        group: "G1_tool".to_owned(),
        query: task().query,
        end: End::Answer,
        answer: Some(answer.to_owned()),
        query_count: path.len(),
        path,
        usage: Usage::default(),
        calls: glpft_agent::Calls::default(),
        answer_file: String::new(),
    }
}

fn said(judge: &impl Judge, answer: &str, observations: &[&str]) -> (AnswerStatus, String) {
    let judgment = judge
        .parse_answer_status(&task(), &rollout(answer, observations), 0)
        .unwrap_or_else(|error| panic!("{error}"));
    (judgment.said, judgment.reason)
}

const REPLY: &str = "{\"error\":\"\",\"response\":\"{\\\"temp\\\": \\\"21.50 °C\\\", \\\"wind\\\": \\\"North wind\\\"}\"}";
const RIGHT: &str = "It is 21.5 degrees Celsius, 21.5°C, with a north wind.";

#[test]
fn facts_that_were_read_are_solved_whatever_their_notation() {
    assert_eq!(
        said(&weather(), RIGHT, &["nothing", REPLY]).0,
        AnswerStatus::Solved
    );
    let check = weather().check_answer_status(&task(), RIGHT, 0);
    assert_eq!(
        check.map(|check| check.said).ok(),
        Some(AnswerStatus::Unsure),
        "an answer alone shows no replies"
    );
}

#[test]
fn a_right_guess_is_not_solved() {
    // The gold call was not made either: nothing shows the facts.
    let mut guess = rollout(RIGHT, &[]);
    guess
        .path
        .insert(0, step("time", "{}", REPLY.get(..20).unwrap_or(""), 0));
    let judgment = weather().parse_answer_status(&task(), &guess, 0);
    let judgment = judgment.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(judgment.said, AnswerStatus::Unsolved);
    assert!(
        judgment.reason.contains("temperature"),
        "{}",
        judgment.reason
    );
    // What the agent itself wrote is no reply.
    let mut own = rollout(RIGHT, &[]);
    own.path[0].observation = RIGHT.to_owned();
    let judgment = weather().parse_answer_status(&task(), &own, 0);
    assert_eq!(
        judgment.map(|one| one.said).ok(),
        Some(AnswerStatus::Unsolved)
    );
    // Nor is an error that says it again.
    let mut echoed = rollout(RIGHT, &[]);
    let error = format!("{{\"error\":\"No such function name: {RIGHT}\",\"response\":\"\"}}");
    echoed.path.insert(0, step(RIGHT, "{}", &error, 1));
    let judgment = weather().parse_answer_status(&task(), &echoed, 0);
    assert_eq!(
        judgment.map(|one| one.said).ok(),
        Some(AnswerStatus::Unsolved)
    );
}

#[test]
fn what_is_missing_or_made_up_is_unsolved() {
    for (answer, reason) in [
        ("It is 21.5 °C.", "does not state wind"),
        (
            "It is 121.5 °C with a north wind.",
            "does not state temperature",
        ),
        ("", "no answer"),
        ("It is 21.5 °C, or 22, with a north wind.", "states 22"),
    ] {
        let (status, told) = said(&weather(), answer, &[REPLY]);
        assert_eq!(status, AnswerStatus::Unsolved, "{answer}");
        assert!(told.contains(reason), "{answer}: {told}");
    }
    // A number of the query is nobody's invention.
    let known = "Over 3 days it is 21.5 °C with a north wind.";
    assert_eq!(said(&weather(), known, &[REPLY]).0, AnswerStatus::Solved);
}

#[test]
fn nothing_found_is_read_where_the_calls_that_show_it_were_replied_to() {
    let judge = judge(
        true,
        vec![slot("flights", &["no flights", "not any flight"])],
    );
    assert_eq!(
        said(&judge, "There are no flights.", &["[]"]).0,
        AnswerStatus::Solved
    );
    assert_eq!(
        said(&judge, "There are no flights.", &[]).0,
        AnswerStatus::Unsolved
    );
    let mut failed = rollout("There are no flights.", &["[]"]);
    failed.path[0].code = 5;
    let judgment = judge.parse_answer_status(&task(), &failed, 0);
    assert_eq!(
        judgment.map(|one| one.said).ok(),
        Some(AnswerStatus::Unsolved)
    );
    failed.path[0].code = 0;
    failed.path[0].arguments = "{\"city\": \"Rome\", \"days\": 3}".to_owned();
    let judgment = judge.parse_answer_status(&task(), &failed, 0);
    assert_eq!(
        judgment.map(|one| one.said).ok(),
        Some(AnswerStatus::Unsolved)
    );
}

#[test]
fn what_cannot_be_done_cannot_be_solved() {
    let judge = judge(false, Vec::new());
    assert_eq!(said(&judge, RIGHT, &[REPLY]).0, AnswerStatus::Unsolved);
    let solvable = judge.check_task_solvable(&task(), 0);
    assert_eq!(
        solvable.map(|one| one.said).ok(),
        Some(TaskStatus::Unsolvable)
    );
    let mut gave_up = rollout("", &[]);
    gave_up.end = End::GiveUp;
    let better = judge.select_better_answer(&task(), [&rollout(RIGHT, &[REPLY]), &gave_up], 0);
    assert_eq!(better.map(|one| one.said).ok(), Some(Better::Second));
}

#[test]
fn more_facts_are_better_then_fewer_steps() {
    let half = rollout("It is 21.5 °C.", &[REPLY]);
    let whole = rollout(RIGHT, &["{}", REPLY]);
    let shorter = rollout(RIGHT, &[REPLY]);
    for (pair, better) in [
        ([&half, &whole], Better::Second),
        ([&whole, &half], Better::First),
        ([&whole, &shorter], Better::Second),
        ([&whole, &whole], Better::Neither),
    ] {
        let found = weather().select_better_answer(&task(), pair, 0);
        assert_eq!(found.map(|one| one.said).ok(), Some(better));
    }
}

#[test]
fn a_task_that_nobody_knows_is_an_error() {
    let nothing: OfflineJudge<BTreeMap<String, Truth>> = OfflineJudge::new(BTreeMap::new());
    let error = nothing
        .known_solvable(&task())
        .err()
        .map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("\"1\"")));
}
