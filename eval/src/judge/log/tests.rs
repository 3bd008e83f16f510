#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::*;
use crate::rollout::{End, Usage};

/// Says how often it was asked, but of the tasks that it is told to give no judgment of.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
    name: &'static str,
    without: Vec<(&'static str, WithoutJudgment)>,
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

    fn check_task_solvable(
        &self,
        task: &Task,
        _: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        let judgment = self.count(TaskStatus::Solvable);
        match self.without.iter().find(|(id, _)| *id == task.id) {
            None => judgment,
            Some(&(_, why)) => Err(JudgeError::Unjudged {
                url: "nowhere".to_owned(),
                reason: format!("no word on {}", task.id),
                why,
            }),
        }
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
        calls: glpft_agent::Calls::default(),
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

/// A judge that gives no judgment of these tasks; which of the tasks `a` to `h` have one, or the error that ended it.
fn asked(judge: &Logged<Counting>) -> Result<String, JudgeError> {
    let mut judged = String::new();
    for id in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        match judge.check_task_solvable(&task(id), 0) {
            Ok(_) => judged += id,
            Err(JudgeError::Unjudged { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    judge.settle()?;
    Ok(judged)
}

fn without(path: &Path, without: &[(&'static str, WithoutJudgment)]) -> Logged<Counting> {
    let judge = Counting {
        without: without.to_vec(),
        ..Counting::default()
    };
    Logged::open(judge, path).unwrap()
}

#[test]
fn a_question_without_a_judgment_is_kept_and_asked_again_only_when_told() {
    use WithoutJudgment::{Filtered, Refused, Unreadable};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let judge = without(&path, &[("a", Refused), ("b", Unreadable), ("d", Filtered)]);
    assert_eq!(asked(&judge).unwrap(), "cefgh");
    let whole = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&whole);
    assert!(text.contains("\"unjudged\":\"no word on a\""), "{text}");
    let judge = without(&path, &[]);
    assert_eq!(asked(&judge).unwrap(), "cefgh");
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 0);
    assert_eq!(fs::read(&path).unwrap(), whole);
    // The same where the process ended in between.
    let lines: Vec<&str> = text.lines().collect();
    fs::write(&path, lines[..3].join("\n") + "\n").unwrap();
    let judge = without(&path, &[("d", Filtered)]);
    assert_eq!(asked(&judge).unwrap(), "cefgh");
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 5);
    let judge = without(&path, &[("b", Refused)]).asking_again();
    assert_eq!(asked(&judge).unwrap(), "acdefgh");
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 3);
}

#[test]
fn a_judge_that_refuses_everything_is_an_error_and_nothing_is_kept() {
    use WithoutJudgment::{Filtered, Refused};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let all = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let refusing = |ids: &[&'static str], why| {
        let ids: Vec<_> = ids.iter().map(|id| (*id, why)).collect();
        without(&path, &ids)
    };
    let judge = refusing(&all, Refused);
    let error = asked(&judge).unwrap_err().to_string();
    assert!(
        error.contains("none of the first 5 questions") && error.contains("no word on e"),
        "{error}"
    );
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 5);
    // Where it says that the texts are why, all are asked first.
    let judge = refusing(&all, Filtered);
    assert!(asked(&judge).is_err());
    assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 8);
    assert!(fs::read(&path).unwrap().is_empty());
    // Fewer than that, and nothing answered.
    let judge = refusing(&["a"], Refused);
    assert!(judge.check_task_solvable(&task("a"), 0).is_err());
    assert!(matches!(judge.settle(), Err(JudgeError::RefusesAll { .. })));
    // One answer, and the same refusals are those of their questions.
    assert_eq!(asked(&refusing(&all[..4], Refused)).unwrap(), "efgh");
}

#[test]
fn a_judge_that_answered_and_then_refuses_everything_is_an_error() {
    use WithoutJudgment::{Filtered, Refused};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let ids = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"];
    for why in [Filtered, Refused] {
        let _ = fs::remove_file(&path);
        let refuses = ids.map(|id| (id, why));
        let judge = without(&path, &refuses);
        let ask = |id: &str| judge.check_task_solvable(&task(id), 0);
        // An answer in between, and they are not in a row.
        for id in &ids[..2] {
            assert!(matches!(ask(id), Err(JudgeError::Unjudged { .. })));
        }
        assert!(ask("a").is_ok());
        for id in &ids[2..11] {
            assert!(matches!(ask(id), Err(JudgeError::Unjudged { .. })), "{id}");
        }
        let error = ask("m").unwrap_err().to_string();
        assert!(
            error.contains("the last 10 questions") && error.contains("no word on m"),
            "{error}"
        );
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches("\"unjudged\"").count(), 12, "they are kept");
        // What was refused in a start that ended so is known in the next, which goes on.
        let judge = without(&path, &refuses);
        for id in ids {
            let known = judge.check_task_solvable(&task(id), 0);
            assert!(matches!(known, Err(JudgeError::Unjudged { .. })));
        }
        assert_eq!(judge.judge.asked.load(Ordering::Relaxed), 0);
        assert!(judge.check_task_solvable(&task("n"), 0).is_ok());
    }
}

#[test]
fn a_judge_that_fails_is_told_and_its_failures_are_not_kept() {
    use WithoutJudgment::Failing;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JUDGMENTS_FILE);
    let error = asked(&without(&path, &[("a", Failing)])).unwrap_err();
    assert!(matches!(error, JudgeError::Fails { .. }), "{error}");
    let some = [("b", Failing), ("d", Failing), ("e", Failing)];
    assert_eq!(asked(&without(&path, &some)).unwrap(), "acfgh");
    assert_eq!(asked(&without(&path, &some[..1])).unwrap(), "acdefgh");
    let error = asked(&without(
        &path.with_extension("other"),
        &[("b", Failing), ("c", Failing), ("d", Failing)],
    ));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("same command resumes"), "{error}");
}
