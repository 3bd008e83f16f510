//! Live evaluation by a policy that does what it is told: what is written, and that an interrupted one goes on and comes
//! out as if it had not been interrupted.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use glpft_agent::{
    Api, Asked, Function, GenerateError, ModelCalls, Policy, PolicyMessage, Strategy, Task,
    ToolReply, ToolServer, Unreached,
};
use glpft_eval::judge::{
    AnswerStatus, Better, JUDGMENTS_FILE, Judge, JudgeError, Judgment, TaskStatus, WithoutJudgment,
};
use glpft_eval::live_evaluation::{
    ANSWERS_FOLDER, LIVE_FILE, LiveError, LiveEvaluation, LiveObserver, LiveReport, LiveSettings,
    LiveTask, ROLLOUTS_FILE, Reference, VERDICTS_FILE, read_rollouts, read_verdicts,
};
use glpft_eval::static_evaluation::{MANIFEST_FILE, Manifest, TIMES_FILE};
use glpft_eval::tool_eval::Outcome;
use glpft_eval::{End, RolloutRecord};
use serde_json::Map;

/// Seven tasks of two test sets.
fn tasks() -> Vec<LiveTask> {
    let task = |number: usize| LiveTask {
        task: Task {
            id: number.to_string(),
            query: format!("What is the weather in city {number}?"),
            functions: vec![Function {
                name: "now_for_weather".to_owned(),
                description: "The weather".to_owned(),
                parameters: Map::new(),
                api: Api {
                    category: "Weather".to_owned(),
                    tool: "weather".to_owned(),
                    name: "now".to_owned(),
                },
            }],
        },
        group: ["G1_tool", "G3_instruction"][number % 2].to_owned(),
    };
    (0..7).map(task).collect()
}

/// Replies with the arguments, but that from call `from` to call `to` it cannot be reached.
#[derive(Default)]
struct Echo {
    calls: AtomicUsize,
    down: std::ops::Range<usize>,
}

impl ToolServer for Echo {
    fn call(&self, _: &Api, arguments: &str) -> ToolReply {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let reply = ToolReply::new("", format!("rain in {arguments}"));
        match self.down.contains(&call) {
            true => reply.without_tool(Unreached::Status(404)),
            false => reply,
        }
    }
}

/// Calls once and answers; gives up task 3; answers task 5 at once. Counts what it is asked, and fails at `fails_at`.
#[derive(Default)]
struct Agent<'a> {
    asked: Option<&'a AtomicUsize>,
    fails_at: Option<usize>,
    calls: usize,
    /// Whether it is behind a server that fails at every fourth call.
    served: bool,
}

impl Policy for Agent<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        self.calls += 1;
        if self.fails_at.is_some_and(|at| self.calls >= at) {
            return Err(GenerateError::NoModel(glpft_agent::Role::Planner));
        }
        if let Some(count) = self.asked {
            count.fetch_add(asked.len(), Ordering::Relaxed);
        }
        let say = |one: &Asked<'_>| match (one.task.id.as_str(), one.count) {
            ("3", _) => PolicyMessage::give_up(Some("No.")),
            ("5", _) | (_, 1..) => PolicyMessage::answer(Some("I know."), "It rains."),
            _ => {
                PolicyMessage::from_message(Some("I ask."), "now_for_weather", "{\"city\": \"x\"}")
            }
        };
        Ok(asked.iter().map(say).collect())
    }

    fn server_calls(&self) -> ModelCalls {
        let (made, failed) = match self.served {
            true => (4 * self.calls, self.calls),
            false => (0, 0),
        };
        let failed = (failed > 0).then(|| ("status 429".to_owned(), failed));
        ModelCalls {
            made,
            failed: failed.into_iter().collect(),
        }
    }
}

/// Finds every answer solved but that of task 5; `rounds` as it is told, and from judgment `fails_at` on it has none.
struct Strict {
    rounds: usize,
    asked: AtomicUsize,
    fails_at: usize,
    /// A task, or an answer, that it gives no judgment of.
    refuses: Option<&'static str>,
}

impl Default for Strict {
    fn default() -> Self {
        Self {
            rounds: 3,
            asked: AtomicUsize::new(0),
            fails_at: usize::MAX,
            refuses: None,
        }
    }
}

impl Strict {
    fn say<T>(&self, said: T) -> Result<Judgment<T>, JudgeError> {
        match self.asked.fetch_add(1, Ordering::Relaxed) < self.fails_at {
            true => Ok(Judgment::new(said, "so it is")),
            false => Err(JudgeError::NoAnswer {
                url: "nowhere".to_owned(),
                attempts: 1,
                reason: "gone".to_owned(),
            }),
        }
    }
}

impl Judge for Strict {
    fn name(&self) -> String {
        "strict".to_owned()
    }

    fn rounds(&self) -> usize {
        self.rounds
    }

    fn check_task_solvable(&self, _: &Task, _: usize) -> Result<Judgment<TaskStatus>, JudgeError> {
        self.say(TaskStatus::Solvable)
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        if self
            .refuses
            .is_some_and(|refused| [task.id.as_str(), answer].contains(&refused))
        {
            self.asked.fetch_add(1, Ordering::Relaxed);
            return Err(JudgeError::Unjudged {
                url: "nowhere".to_owned(),
                reason: "status 400: not this text".to_owned(),
                why: WithoutJudgment::Filtered,
            });
        }
        self.say(match task.id == "5" {
            true => AnswerStatus::Unsolved,
            false => AnswerStatus::Solved,
        })
    }

    fn parse_answer_status(
        &self,
        _: &Task,
        _: &RolloutRecord,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.say(AnswerStatus::Unsure)
    }

    fn select_better_answer(
        &self,
        _: &Task,
        _: [&RolloutRecord; 2],
        _: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        self.say(Better::Neither)
    }
}

/// An evaluation of [`tasks`] by an agent, in `out`.
#[derive(Clone)]
struct Run<'a> {
    tasks: Vec<LiveTask>,
    out: &'a Path,
    strategy: Strategy,
    judge: &'a Strict,
    reference: Option<Reference>,
    overwrite: bool,
    stop: bool,
    down: std::ops::Range<usize>,
    ask_again: bool,
    whole: Option<usize>,
}

impl<'a> Run<'a> {
    fn new(out: &'a Path, judge: &'a Strict) -> Self {
        Self {
            tasks: tasks(),
            out,
            strategy: Strategy::REACT,
            judge,
            reference: None,
            overwrite: false,
            stop: false,
            down: 0..0,
            ask_again: false,
            whole: None,
        }
    }

    fn run(&self, agent: Agent<'_>) -> Result<LiveReport, LiveError> {
        self.observed(agent, &mut ())
    }

    fn observed(
        &self,
        agent: Agent<'_>,
        observer: &mut dyn LiveObserver,
    ) -> Result<LiveReport, LiveError> {
        let mut settings = LiveSettings {
            together: 2,
            ..LiveSettings::published(self.strategy)
        };
        settings.judging.ask_again = self.ask_again;
        let server = Echo {
            down: self.down.clone(),
            ..Echo::default()
        };
        let decides = [("policy".to_owned(), "scripted".to_owned())];
        let mut agent = Some(agent);
        LiveEvaluation {
            tasks: &self.tasks,
            whole: self.whole,
            server: &server,
            judge: self.judge,
            reference: self.reference.as_ref(),
            settings: &settings,
            manifest: Manifest {
                decides: decides.into(),
                about: BTreeMap::new(),
            },
            out: self.out,
            overwrite: self.overwrite,
            stop: &AtomicBool::new(self.stop),
        }
        .run::<LiveError>(&mut || Ok(Box::new(agent.take().unwrap())), observer)
    }
}

/// All files of a directory but times, with their contents.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if ![TIMES_FILE, ".lock"].contains(&name.as_str()) {
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[derive(Default)]
struct Start {
    done: usize,
    loads: usize,
}

impl LiveObserver for Start {
    fn start(&mut self, done: usize, _: usize) {
        self.done = done;
    }

    fn load(&mut self) {
        self.loads += 1;
    }
}

#[test]
fn what_is_done_is_written_judged_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let report = Run::new(&out, &judge).run(Agent::default()).unwrap();
    assert_eq!((report.judge.as_str(), report.rounds), ("strict", 3));
    assert_eq!((report.tasks, report.steps), (7, 12));
    let ends = (report.ends.answer, report.ends.give_up, report.ends.nothing);
    assert_eq!(ends, (6, 1, 0));
    assert_eq!(report.calls(), (5, 0));
    let pass = report.scores.pass_rate.as_ref().unwrap();
    let groups: Vec<(&str, usize, f64)> = pass
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.tasks, group.rate.rate))
        .collect();
    assert_eq!(
        groups,
        [("G1_tool", 4, 1.0), ("G3_instruction", 3, 1.0 / 3.0)]
    );
    assert!((pass.average.rate - 2.0 / 3.0).abs() < 1e-12);
    let read: LiveReport = serde_json::from_slice(&fs::read(out.join(LIVE_FILE)).unwrap()).unwrap();
    assert_eq!(read, report);
    let rollouts = read_rollouts(&out).unwrap();
    assert_eq!(rollouts.len(), 7);
    assert_eq!(rollouts[3].end, End::GiveUp);
    assert_eq!(rollouts[0].answer(), "It rains.");
    assert!(rollouts[0].path[0].observation.contains("rain in"));
    for rollout in &rollouts {
        assert!(rollout.answer_file.starts_with(ANSWERS_FOLDER));
        let text = fs::read_to_string(out.join(&rollout.answer_file)).unwrap();
        assert!(text.contains("answer_generation"), "{text}");
    }
    let verdicts = read_verdicts(&out).unwrap();
    let passed: Vec<bool> = verdicts
        .iter()
        .map(|verdict| verdict.passing.passed)
        .collect();
    assert_eq!(passed, [true, true, true, false, true, false, true]);
}

#[test]
fn wherever_the_file_was_cut_the_result_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let judge = Strict::default();
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        let run = Run {
            strategy,
            ..Run::new(&whole, &judge)
        };
        run.run(Agent::default()).unwrap();
        let expected = contents(&whole);
        let bytes = &expected[ROLLOUTS_FILE];
        let ends: Vec<usize> = (1..=bytes.len())
            .filter(|&at| bytes[at - 1] == b'\n')
            .collect();
        assert_eq!(ends.len(), 7);
        let out = folder.path().join("cut");
        for cut in (0..bytes.len()).step_by(501).chain(ends.clone()) {
            fs::create_dir_all(&out).unwrap();
            fs::copy(whole.join(MANIFEST_FILE), out.join(MANIFEST_FILE)).unwrap();
            fs::write(out.join(ROLLOUTS_FILE), &bytes[..cut]).unwrap();
            let log = &expected[JUDGMENTS_FILE];
            fs::write(
                out.join(JUDGMENTS_FILE),
                &log[..log.len() * cut / bytes.len()],
            )
            .unwrap();
            let asked = AtomicUsize::new(0);
            let agent = Agent {
                asked: Some(&asked),
                ..Agent::default()
            };
            let mut start = Start::default();
            let again = Run {
                out: &out,
                ..run.clone()
            };
            again.observed(agent, &mut start).unwrap();
            let mut found = contents(&out);
            // Whole batches' answer files are there already when an evaluation goes on; here they were not copied.
            for (name, content) in &expected {
                if name.starts_with(ANSWERS_FOLDER) {
                    found.entry(name.clone()).or_insert_with(|| content.clone());
                }
            }
            assert_eq!(found, expected, "{cut}");
            // Two tasks a batch, the last has one: only whole batches count.
            let there = ends.iter().filter(|&&end| end <= cut).count();
            let done = if there == 7 { 7 } else { there / 2 * 2 };
            assert_eq!(
                (start.done, start.loads),
                (done, usize::from(done < 7)),
                "{cut}"
            );
            assert_eq!(asked.load(Ordering::Relaxed) == 0, done == 7);
            fs::remove_dir_all(&out).unwrap();
        }
        fs::remove_dir_all(&whole).unwrap();
    }
}

#[test]
fn what_was_done_before_a_failure_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    let good = Strict::default();
    Run::new(&whole, &good).run(Agent::default()).unwrap();
    let all_judgments = good.asked.load(Ordering::Relaxed);
    // The policy fails in the second batch.
    let failing = Agent {
        fails_at: Some(3),
        ..Agent::default()
    };
    let error = Run::new(&out, &good).run(failing).unwrap_err().to_string();
    assert!(error.contains("tasks 2 to 3"), "{error}");
    let left = "2 of 7 tasks are done";
    assert!(
        error.contains(left) && error.contains("goes on from there"),
        "{error}"
    );
    assert_eq!(read_rollouts(&out).unwrap().len(), 2);
    // It is told to stop.
    let stopped = Run {
        stop: true,
        ..Run::new(&out, &good)
    };
    let error = stopped.run(Agent::default()).unwrap_err();
    assert!(error.to_string().contains("2 of 7 tasks"), "{error}");
    // The judge fails half way.
    let bad = Strict {
        fails_at: 7,
        ..Strict::default()
    };
    let error = Run::new(&out, &bad).run(Agent::default()).unwrap_err();
    assert!(matches!(error, LiveError::Judge(_)), "{error}");
    assert!(!out.join(LIVE_FILE).exists());
    let rest = Strict::default();
    let asked = AtomicUsize::new(0);
    let agent = Agent {
        asked: Some(&asked),
        ..Agent::default()
    };
    Run::new(&out, &rest).run(agent).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(rest.asked.load(Ordering::Relaxed), all_judgments - 7);
    assert_eq!(contents(&out), contents(&whole));
    // Nothing is left to do or to ask.
    let nothing = Strict {
        fails_at: 0,
        ..Strict::default()
    };
    Run::new(&out, &nothing).run(Agent::default()).unwrap();
    assert_eq!(contents(&out), contents(&whole));
}

#[test]
fn a_task_that_the_judge_refuses_is_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict {
        refuses: Some("2"),
        ..Strict::default()
    };
    let run = Run::new(&out, &judge);
    let report = run.run(Agent::default()).unwrap();
    assert_eq!((report.tasks, report.unjudged.len()), (7, 1));
    let pass = report.scores.pass_rate.as_ref().unwrap();
    let counts: Vec<usize> = pass.groups.iter().map(|group| group.tasks).collect();
    assert_eq!(counts, [3, 3], "the denominators are of what was judged");
    let notes = report.notes();
    assert!(
        notes.len() == 1 && notes[0].0 && notes[0].1.contains("1 of 7 tasks have no judgment"),
        "{notes:?}"
    );
    assert!(
        notes[0]
            .1
            .contains("2 of G1_tool (status 400: not this text)"),
        "{notes:?}"
    );
    let verdicts = read_verdicts(&out).unwrap();
    assert!(verdicts.len() == 6 && verdicts.iter().all(|verdict| verdict.task != "2"));
    // Nothing is asked again, unless that is wanted.
    let (first, whole) = (judge.asked.load(Ordering::Relaxed), contents(&out));
    run.run(Agent::default()).unwrap();
    assert_eq!(judge.asked.load(Ordering::Relaxed), first);
    assert_eq!(contents(&out), whole);
    let willing = Strict::default();
    let again = Run {
        ask_again: true,
        judge: &willing,
        ..run
    };
    let report = again.run(Agent::default()).unwrap();
    assert!(report.unjudged.is_empty() && report.notes().is_empty());
    assert_eq!(willing.asked.load(Ordering::Relaxed), 3, "its three rounds");
}

#[test]
fn a_comparison_that_the_judge_refuses_is_missing_in_win_rates_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let good = Strict::default();
    Run::new(&first, &good).run(Agent::default()).unwrap();
    let mut rollouts = read_rollouts(&first).unwrap();
    rollouts[1].answer = Some("It snows.".to_owned());
    let lines = rollouts
        .iter()
        .map(|one| serde_json::to_string(one).unwrap() + "\n");
    fs::write(first.join(ROLLOUTS_FILE), lines.collect::<String>()).unwrap();
    let judge = Strict {
        refuses: Some("It snows."),
        ..Strict::default()
    };
    let run = Run {
        reference: Some(Reference {
            directory: first,
            name: "first".to_owned(),
        }),
        ..Run::new(&second, &judge)
    };
    let report = run.run(Agent::default()).unwrap();
    let tasks = |rates: &Option<glpft_eval::tool_eval::Rates>| -> usize {
        rates
            .iter()
            .flat_map(|rates| &rates.groups)
            .map(|group| group.tasks)
            .sum()
    };
    assert_eq!(
        (
            tasks(&report.scores.pass_rate),
            tasks(&report.scores.win_rate)
        ),
        (7, 6)
    );
    assert_eq!(report.unjudged.len(), 1);
    assert!(
        report.notes()[0]
            .1
            .contains("1 of 7 tasks are not compared"),
        "{:?}",
        report.notes()
    );
}

#[test]
fn calls_that_reach_no_tool_are_counted_and_an_error_where_all_are() {
    let folder = tempfile::tempdir().unwrap();
    let (some, all) = (folder.path().join("some"), folder.path().join("all"));
    let judge = Strict::default();
    let run = Run {
        down: 2..3,
        ..Run::new(&some, &judge)
    };
    let report = run.run(Agent::default()).unwrap();
    assert_eq!(
        (report.tool_calls.made, report.tool_calls.unreached()),
        (5, 1)
    );
    let notes = report.notes();
    assert_eq!(
        notes,
        [(
            true,
            "1 of 5 calls reached no tool (status 404: 1)".to_owned()
        )]
    );
    // The counts are of the rollouts, whoever made them.
    let down = Run {
        down: 0..usize::MAX,
        ..run.clone()
    };
    assert_eq!(down.run(Agent::default()).unwrap(), report);
    // Nor does it matter where it is interrupted: the last task's only call is none of the first ones.
    let file = some.join(ROLLOUTS_FILE);
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().take(6).collect();
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let report = down.run(Agent::default()).unwrap();
    assert_eq!(
        (report.tool_calls.made, report.tool_calls.unreached()),
        (5, 2)
    );
    let down = Run { out: &all, ..down };
    let error = down.run(Agent::default()).unwrap_err().to_string();
    assert!(
        error.contains("2 of 2 calls reached no tool (status 404: 2)"),
        "{error}"
    );
    assert!(
        read_rollouts(&all).unwrap().is_empty(),
        "nothing is kept of it"
    );
}

#[test]
fn a_part_is_called_a_part_and_failed_calls_of_servers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let judge = Strict::default();
    let of = |served, fails_at| Agent {
        served,
        fails_at,
        ..Agent::default()
    };
    let out = folder.path().join("local");
    let run = Run {
        whole: Some(7),
        ..Run::new(&out, &judge)
    };
    let report = run.run(of(false, None)).unwrap();
    assert_eq!((report.part_of, report.model_calls.made), (None, 0));
    assert_eq!(report.date.len(), 10);
    let told = |report: &LiveReport, what: &str| {
        let notes = report.notes();
        notes.into_iter().find(|(_, note)| note.contains(what))
    };
    assert_eq!(told(&report, "a part"), None);
    let out = folder.path().join("served");
    let run = Run {
        whole: Some(70),
        out: &out,
        ..run
    };
    let report = run.run(of(true, None)).unwrap();
    let part = "a part: 7 of 70 tasks were asked; rates are of these";
    assert_eq!(told(&report, "a part"), Some((false, part.to_owned())));
    let calls = report.model_calls.clone();
    assert_eq!(calls.made, 4 * calls.failed());
    let (warns, note) = told(&report, "calls of model servers").unwrap();
    assert!(warns && note.contains("(status 429: "), "{note}");
    // Interrupted by a server that fails for good, the calls before it count all the same, and so do those of the batch that
    // had to be begun again: the first of its rounds each time, which is the one that fails.
    let out = folder.path().join("interrupted");
    let run = Run { out: &out, ..run };
    run.run(of(true, Some(3))).unwrap_err();
    run.run(of(true, Some(1))).unwrap_err();
    let rest = run.run(of(true, None)).unwrap();
    assert_eq!(rest.model_calls.failed(), calls.failed() + 2);
    assert_eq!(rest.model_calls.made, calls.made + 8);
    let mut as_before = rest;
    as_before.model_calls = calls;
    assert_eq!(as_before.scores, report.scores);
}

#[test]
fn win_rates_are_against_the_reference_of_the_same_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let judge = Strict::default();
    Run::new(&first, &judge).run(Agent::default()).unwrap();
    // The same agent, but its task 3 ended without anything in the reference, and task 5 was answered by another.
    let mut rollouts = read_rollouts(&first).unwrap();
    rollouts[0].end = End::Nothing;
    let lines: Vec<String> = rollouts
        .iter()
        .map(|rollout| serde_json::to_string(rollout).unwrap() + "\n")
        .collect();
    fs::write(first.join(ROLLOUTS_FILE), lines.concat()).unwrap();
    let against = Run {
        reference: Some(Reference {
            directory: first.clone(),
            name: "first".to_owned(),
        }),
        ..Run::new(&second, &judge)
    };
    let report = against.run(Agent::default()).unwrap();
    assert_eq!(report.reference.as_deref(), Some("first"));
    let verdicts = read_verdicts(&second).unwrap();
    let outcomes: Vec<Outcome> = verdicts
        .iter()
        .map(|verdict| verdict.against.as_ref().unwrap().outcome)
        .collect();
    let mut expected = [Outcome::Tie; 7];
    expected[0] = Outcome::Win;
    assert_eq!(outcomes, expected);
    let win = report.scores.win_rate.unwrap();
    assert!((win.average.rate - (2.5 / 4.0 + 0.5) / 2.0).abs() < 1e-12);
    // Without one of the tasks it is no reference.
    fs::write(first.join(ROLLOUTS_FILE), lines[1..].concat()).unwrap();
    let error = against.run(Agent::default()).unwrap_err().to_string();
    assert!(error.contains("no rollout of task \"0\""), "{error}");
    // Nor with another world's task, which has the same id.
    rollouts[0].query.push('?');
    let other = serde_json::to_string(&rollouts[0]).unwrap() + "\n" + &lines[1..].concat();
    fs::write(first.join(ROLLOUTS_FILE), other).unwrap();
    let error = against.run(Agent::default()).unwrap_err().to_string();
    assert!(error.contains("no rollout of task \"0\""), "{error}");
}

#[test]
fn another_evaluation_is_refused_and_overwritten_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    Run::new(&out, &judge).run(Agent::default()).unwrap();
    let before = contents(&out);
    let other = Run {
        strategy: Strategy::DFSDT,
        ..Run::new(&out, &judge)
    };
    let error = other.run(Agent::default()).unwrap_err().to_string();
    assert!(
        error.contains("strategy: CoT@1, now DFS_woFilter_w2"),
        "{error}"
    );
    let mut fewer = Run::new(&out, &judge);
    fewer.tasks.pop();
    assert!(fewer.run(Agent::default()).is_err());
    assert_eq!(contents(&out), before);
    let overwriting = Run {
        overwrite: true,
        ..other
    };
    overwriting.run(Agent::default()).unwrap();
    assert!(contents(&out).keys().all(|name| !name.contains("CoT")));
    // A folder of somebody else's is left alone.
    let strange = folder.path().join("strange");
    fs::create_dir_all(strange.join(ANSWERS_FOLDER)).unwrap();
    let error = Run::new(&strange, &judge)
        .run(Agent::default())
        .unwrap_err();
    assert!(error.to_string().contains("no evaluation.json"), "{error}");
}

#[test]
fn hostile_files_are_told_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let run = Run::new(&out, &judge);
    run.run(Agent::default()).unwrap();
    let path = out.join(ROLLOUTS_FILE);
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let deep = "[".repeat(100_000) + "\n";
    for (content, place) in [
        ([lines[1], lines[0]].join("\n") + "\n", "rollouts.jsonl:1"),
        (format!("{good}{}\n", lines[0]), "rollouts.jsonl:8"),
        (format!("{}\n\u{0}\n", lines[0]), "rollouts.jsonl:2"),
        (format!("{}\n{deep}", lines[0]), "rollouts.jsonl:2"),
        (format!("{}\nnull\n", lines[0]), "rollouts.jsonl:2"),
        (
            good.replace("\"code\":3", "\"code\":999"),
            "rollouts.jsonl:1",
        ),
        (good.replace("\"answer\"", "\"else\""), "rollouts.jsonl:1"),
    ] {
        fs::write(&path, &content).unwrap();
        let told = run.run(Agent::default()).unwrap_err().to_string();
        assert!(told.contains(place), "{told}");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            content,
            "it stays as it is"
        );
    }
    fs::write(&path, &good).unwrap();
    for bad in ["{}\n", "{\"judge\": 3}\n"] {
        fs::write(out.join(JUDGMENTS_FILE), bad).unwrap();
        let told = run.run(Agent::default()).unwrap_err().to_string();
        assert!(told.contains("judgments.jsonl:1"), "{told}");
    }
    fs::write(out.join(VERDICTS_FILE), "{}\n").unwrap();
    assert!(read_verdicts(&out).is_err());
}

#[test]
fn tasks_that_cannot_be_told_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    let refused = |change: &dyn Fn(&mut Vec<LiveTask>), told: &str| {
        let mut run = Run::new(&out, &judge);
        change(&mut run.tasks);
        let error = run.run(Agent::default()).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
        assert!(!out.exists());
    };
    refused(&|tasks| tasks.clear(), "no task");
    refused(&|tasks| tasks[2].task.id = "0".to_owned(), "task 2, \"0\"");
    for id in ["", "a_b", "../../a", "a/b", "é", &"9".repeat(300)] {
        refused(&|tasks| tasks[1].task.id = id.to_owned(), "hyphens");
    }
    for group in ["..", ".", "a/b", ""] {
        refused(&|tasks| tasks[1].group = group.to_owned(), "not plain");
    }
}
