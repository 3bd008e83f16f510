//! A policy, tools and a judge that do what they are told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use glpft_agent::{
    Api, Asked, Function, GenerateError, ModelCalls, Policy, PolicyMessage, Strategy, Task,
    ToolReply, ToolServer, Unreached,
};
use glpft_eval::RolloutRecord;
use glpft_eval::judge::{
    AnswerStatus, Better, Judge, JudgeError, Judgment, TaskStatus, WithoutJudgment,
};
use glpft_eval::live_evaluation::{
    LiveError, LiveEvaluation, LiveObserver, LiveReport, LiveSettings, LiveTask, Reference,
};
use glpft_eval::static_evaluation::{Manifest, TIMES_FILE};
use serde_json::Map;

/// Seven tasks of two test sets.
pub fn tasks() -> Vec<LiveTask> {
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
pub struct Echo {
    pub calls: AtomicUsize,
    pub down: std::ops::Range<usize>,
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
pub struct Agent<'a> {
    pub asked: Option<&'a AtomicUsize>,
    pub fails_at: Option<usize>,
    pub calls: usize,
    /// Whether it is behind a server that fails at every fourth call.
    pub served: bool,
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
pub struct Strict {
    pub rounds: usize,
    pub asked: AtomicUsize,
    pub fails_at: usize,
    /// A task, or an answer, that it gives no judgment of.
    pub refuses: Option<&'static str>,
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
    pub fn say<T>(&self, said: T) -> Result<Judgment<T>, JudgeError> {
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
pub struct Run<'a> {
    pub tasks: Vec<LiveTask>,
    pub out: &'a Path,
    pub strategy: Strategy,
    pub judge: &'a Strict,
    pub reference: Option<Reference>,
    pub overwrite: bool,
    pub stop: bool,
    pub down: std::ops::Range<usize>,
    pub ask_again: bool,
    pub whole: Option<usize>,
}

impl<'a> Run<'a> {
    pub fn new(out: &'a Path, judge: &'a Strict) -> Self {
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

    pub fn run(&self, agent: Agent<'_>) -> Result<LiveReport, LiveError> {
        self.observed(agent, &mut ())
    }

    pub fn observed(
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
pub fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
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
pub struct Start {
    pub done: usize,
    pub loads: usize,
}

impl LiveObserver for Start {
    fn start(&mut self, done: usize, _: usize) {
        self.done = done;
    }

    fn load(&mut self) {
        self.loads += 1;
    }
}
