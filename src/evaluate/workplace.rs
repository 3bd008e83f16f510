//! What agents work on, with which tools, and who can judge it.

use std::path::{Path, PathBuf};

use glpft_agent::{HttpSettings, ToolServer, open_server, read_instructions};
use glpft_eval::judge::{HttpJudge, HttpJudgeSettings, Judge, OfflineJudge};
use glpft_eval::live_evaluation::{LiveTask, check_tasks};
use glpft_world::{Size, TestGroup, World};

use crate::error::Error;

/// Where tasks come from.
#[derive(Clone, Debug)]
pub enum TaskSource {
    /// A simulated world's test tasks.
    World {
        /// Its seed.
        seed: u64,
        /// Its size.
        size: Size,
    },
    /// A list of instructions of ToolBench's form; its test set is the file's name.
    Instructions(PathBuf),
}

/// Who judges.
#[derive(Clone, Debug)]
pub enum JudgeChoice {
    /// A world's truth.
    Offline,
    /// A model.
    Http(HttpJudgeSettings),
}

/// Tasks, and the server of their tools.
pub struct Workplace {
    /// What is to be done.
    pub tasks: Vec<LiveTask>,
    /// How many tasks the source has.
    pub whole: usize,
    /// What tells the server from others.
    pub server_name: String,
    world: Option<World>,
    server: Option<Box<dyn ToolServer + Send>>,
}

impl Workplace {
    /// The tasks of a source, of one test set or of all, at most `limit` of each; with the tools of `server` (an address, or
    /// the folder of a cache: [`open_server`], and how it is called), or, where there is none, of the world itself.
    ///
    /// # Errors
    /// The list cannot be read, the server cannot be used, no task is left, or tasks of a file have no server.
    pub fn open(
        source: &TaskSource,
        group: Option<&str>,
        limit: Option<usize>,
        server: Option<(&str, HttpSettings)>,
    ) -> Result<Self, Error> {
        let (mut tasks, world): (Vec<LiveTask>, _) = match source {
            TaskSource::World { seed, size } => {
                let world = World::new(*seed, *size);
                let groups = TestGroup::ALL.into_iter();
                let tasks = groups.flat_map(|group| world.test(group));
                (tasks.map(LiveTask::from).collect(), Some(world))
            }
            TaskSource::Instructions(file) => (read_tasks(file)?, None),
        };
        check_tasks(&tasks)?;
        let whole = tasks.len();
        if let Some(group) = group {
            tasks.retain(|task| task.group == group);
        }
        if let Some(limit) = limit {
            let mut counts = std::collections::BTreeMap::new();
            tasks.retain(|task| {
                let count = counts.entry(task.group.clone()).or_insert(0);
                *count += 1;
                *count <= limit
            });
        }
        if tasks.is_empty() {
            return Err(wrong("--group", "no task is of this test set"));
        }
        let (server, server_name) = match (server, &world) {
            (Some((at, settings)), _) => {
                let server = open_server(at, settings)?;
                (Some(server), at.to_owned())
            }
            (None, Some(world)) => (None, format!("world {} {:?}", world.seed(), world.size())),
            (None, None) => {
                return Err(wrong(
                    "--server",
                    "tasks of a file need the server of their tools: give its address, or the folder of its cache",
                ));
            }
        };
        Ok(Self {
            tasks,
            whole,
            server_name,
            world,
            server,
        })
    }

    /// The training tasks of the world; none where there is none.
    pub fn training_tasks(&self) -> Vec<LiveTask> {
        let training = self.world.as_ref().map_or(&[][..], World::training);
        training.iter().map(LiveTask::from).collect()
    }

    /// Who replies to calls.
    pub fn server(&self) -> &dyn ToolServer {
        match (&self.server, &self.world) {
            (Some(server), _) => server,
            (None, Some(world)) => world,
            // `open` makes none without both.
            (None, None) => &Nobody,
        }
    }

    /// The judge that is asked for.
    ///
    /// # Errors
    /// Where tasks without truth are to be judged offline; of [`HttpJudge::new`].
    pub fn judge(&self, choice: &JudgeChoice) -> Result<Box<dyn Judge + '_>, Error> {
        match (choice, &self.world) {
            (JudgeChoice::Http(settings), _) => Ok(Box::new(HttpJudge::new(settings.clone())?)),
            (JudgeChoice::Offline, Some(world)) => Ok(Box::new(OfflineJudge::new(world))),
            (JudgeChoice::Offline, None) => Err(wrong(
                "--judge",
                "only a world's tasks can be judged offline; give --judge http and --judge-model",
            )),
        }
    }
}

/// The tasks of a list of instructions of ToolBench's form; their test set is the file's name.
///
/// # Errors
/// The list cannot be read, or its tasks cannot be told apart.
pub fn read_tasks(file: &Path) -> Result<Vec<LiveTask>, Error> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let task = |task| LiveTask {
        task,
        group: stem.clone().into_owned(),
    };
    let tasks: Vec<LiveTask> = read_instructions(file)?.into_iter().map(task).collect();
    check_tasks(&tasks)?;
    Ok(tasks)
}

/// Replies to nothing.
struct Nobody;

impl ToolServer for Nobody {
    fn call(&self, _: &glpft_agent::Api, _: &str) -> glpft_agent::ToolReply {
        glpft_agent::ToolReply::new("API not working error...", "")
    }
}

fn wrong(argument: &'static str, problem: &str) -> Error {
    Error::Argument {
        argument,
        problem: problem.to_owned(),
    }
}
