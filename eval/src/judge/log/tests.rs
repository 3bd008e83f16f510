#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::rollout::{End, Usage};

/// Says how often it was asked.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
    name: &'static str,
}

impl Counting {
    fn count<T>(&self, said: T) -> Result<Judgment<T>, JudgeError> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Judgment::new(said, format!("asked {asked} times before")))
    }
}

impl Judge for Counting {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn check_task_solvable(&self, _: &Task, _: usize) -> Result<Judgment<TaskStatus>, JudgeError> {
        self.count(TaskStatus::Solvable)
    }

    fn check_answer_status(
        &self,
        _: &Task,
        _: &str,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.count(AnswerStatus::Unsure)
    }

    fn parse_answer_status(
        &self,
        _: &Task,
        _: &RolloutRecord,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.count(AnswerStatus::Solved)
    }

    fn select_better_answer(
        &self,
        _: &Task,
        _: [&RolloutRecord; 2],
        _: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        self.count(Better::Second)
    }
}

fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        query: "Which day is it?".to_owned(),
        functions: Vec::new(),
    }
}

fn rollout() -> RolloutRecord {
    RolloutRecord {
        task: "1".to_owned(),
        group: "G1_tool".to_owned(),
        query: "Which day is it?".to_owned(),
        end: End::GiveUp,
        answer: None,
        path: Vec::new(),
        query_count: 3,
        usage: Usage::default(),
        answer_file: String::new(),
    }
}

/// Asks everything twice, in two rounds.
fn ask(judge: &impl Judge) -> Result<(), JudgeError> {
    for _ in 0..2 {
        for round in 0..2 {
            judge.check_task_solvable(&task("1"), round)?;
            judge.check_answer_status(&task("1"), "Monday", round)?;
            judge.check_answer_status(&task("2"), "Monday", round)?;
            judge.check_answer_status(&task("1"), "Tuesday", round)?;
            judge.parse_answer_status(&task("1"), &rollout(), round)?;
            judge.select_better_answer(&task("1"), [&rollout(), &rollout()], round)?;
        }
    }
    Ok(())
}

#[test]
fn a_judgment_is_asked_for_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let judge = Logged::open(Counting::default(), &path).unwrap();
    ask(&judge).unwrap();
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 12);
    drop(judge);
    // Another start, whose file was cut in its last line.
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 12);
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let judge = Logged::open(Counting::default(), &path).unwrap();
    ask(&judge).unwrap();
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 1);
    let told = judge.check_answer_status(&task("2"), "Monday", 1).unwrap();
    assert_eq!(told.said, AnswerStatus::Unsure);
    assert_eq!(told.reason, "asked 8 times before");
    // Another judge's judgments are others.
    let other = Counting {
        name: "other",
        ..Counting::default()
    };
    let judge = Logged::open(other, &path).unwrap();
    ask(&judge).unwrap();
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 12);
}

#[test]
fn a_settled_log_is_in_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let order = |ids: &[&str]| {
        let _ = fs::remove_file(&path);
        let judge = Logged::open(Counting::default(), &path).unwrap();
        for id in ids {
            judge.check_task_solvable(&task(id), 0).unwrap();
        }
        judge.settle().unwrap();
        judge.check_task_solvable(&task("later"), 0).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let ids = text.lines().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            value["task"].as_str().unwrap().to_owned()
        });
        ids.collect::<Vec<_>>()
    };
    assert_eq!(order(&["a", "b", "c"]), ["a", "b", "c", "later"]);
    assert_eq!(order(&["c", "a", "b"]), ["a", "b", "c", "later"]);
}

#[test]
fn what_is_no_judgment_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let judge = Logged::open(Counting::default(), &path).unwrap();
    judge.check_task_solvable(&task("1"), 0).unwrap();
    let line = fs::read_to_string(&path).unwrap();
    for bad in ["{}\n", "\n", "[1]\n", "\u{0}\n"] {
        fs::write(&path, format!("{line}{bad}")).unwrap();
        let error = Logged::open(Counting::default(), &path).err().unwrap();
        assert!(error.to_string().contains("judgments.jsonl:2"), "{error}");
    }
    // A judgment of another form than the question's is told where it is wanted.
    fs::write(&path, line.replace("Solvable", "Perhaps")).unwrap();
    let judge = Logged::open(Counting::default(), &path).unwrap();
    let error = judge.check_task_solvable(&task("1"), 0).err().unwrap();
    assert!(error.to_string().contains("check_task_solvable"), "{error}");
}
