//! Which tasks a run learns from, and which it is measured on: never the same.

use std::collections::HashSet;
use std::path::Path;

use glpft_agent::HttpSettings;
use glpft_data::{Conversation, Marks, Source, level_query};
use glpft_eval::live_evaluation::LiveTask;
use glpft_recipes::DataRecipe;

use crate::Error;
use crate::error::OverlapError;
use crate::evaluate::{TaskSource, Workplace, read_tasks, shown, trained_on};

/// How many tasks an error names.
const NAMED: usize = 3;

/// Training tasks and held-out ones.
#[derive(Clone, Debug, PartialEq)]
pub struct ImproveTasks {
    /// What rounds learn from.
    pub training: Vec<LiveTask>,
    /// What they are measured on.
    pub held_out: Vec<LiveTask>,
    /// How many held-out tasks there are, if these are a part of them.
    pub held_out_of: usize,
}

/// How many tasks are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskLimits {
    /// The first training tasks, at most so many.
    pub training: Option<usize>,
    /// The first tasks of each held-out test set, at most so many.
    pub held_out: Option<usize>,
}

impl ImproveTasks {
    /// The tasks of a world, training and test, or those of a list of instructions with held-out ones in another list; and
    /// the server of their tools, as [`Workplace::open`] has it.
    ///
    /// # Errors
    /// Those of [`Workplace::open`], and a list without a held-out one.
    pub fn open(
        source: &TaskSource,
        held_out: Option<&Path>,
        limits: TaskLimits,
        server: Option<(&str, HttpSettings)>,
    ) -> Result<(Self, Workplace), Error> {
        let (tasks, workplace) = match (source, held_out) {
            (TaskSource::World { .. }, _) => {
                let workplace = Workplace::open(source, None, limits.held_out, server)?;
                let training = workplace.training_tasks();
                let tasks = Self {
                    training: first(training, limits.training),
                    held_out: workplace.tasks.clone(),
                    held_out_of: workplace.whole,
                };
                (tasks, workplace)
            }
            (TaskSource::Instructions(_), Some(file)) => {
                let workplace = Workplace::open(source, None, limits.training, server)?;
                let held_out = read_tasks(file)?;
                let tasks = Self {
                    training: workplace.tasks.clone(),
                    held_out_of: held_out.len(),
                    held_out: first(held_out, limits.held_out),
                };
                (tasks, workplace)
            }
            (TaskSource::Instructions(_), None) => {
                return Err(wrong(
                    "--held-out",
                    "tasks of a file need a file of others to be measured on",
                ));
            }
        };
        match tasks.training.is_empty() {
            true => Err(wrong("--tasks", "there is no training task")),
            false => Ok((tasks, workplace)),
        }
    }

    /// Refuses training tasks that are held out, or that the run's data say are test queries, and held-out tasks that the run
    /// was trained on. What users ask for is compared by its words.
    ///
    /// # Errors
    /// Such tasks, or the run's data cannot be read.
    pub(super) fn check(&self, data: &DataRecipe) -> Result<(), Error> {
        let held_out: HashSet<String> = self.held_out.iter().map(levelled).collect();
        refuse(&self.training, "training tasks are held out, too", |one| {
            held_out.contains(&levelled(one))
        })?;
        let (ids, texts) = Source::from_recipe(data)?.test_queries();
        refuse(
            &self.training,
            "training tasks are test queries of the run's data",
            |one| match texts.is_empty() {
                false => texts.contains(&levelled(one)),
                // Nothing else tells which queries they are.
                true => one.group != TRAINING && ids.contains(&one.task.id),
            },
        )?;
        let conversations: Vec<Conversation> = self.held_out.iter().map(conversation).collect();
        let trained = trained_on(&conversations, &[data])?;
        let trained: HashSet<&str> = trained.into_iter().collect();
        refuse(&self.held_out, "held-out tasks are trained on", |one| {
            trained.contains(one.task.query.as_str())
        })
    }
}

/// The group of a world's training tasks: its ids are none of the run's data.
const TRAINING: &str = "training";

fn levelled(one: &LiveTask) -> String {
    level_query(&one.task.query)
}

/// A conversation that begins as a task does.
fn conversation(one: &LiveTask) -> Conversation {
    Conversation {
        query: levelled(one),
        tools: Vec::new(),
        instruction: one.task.query.clone(),
        turns: Vec::new(),
        marks: Marks::default(),
    }
}

fn refuse(
    tasks: &[LiveTask],
    what: &'static str,
    is_wrong: impl Fn(&LiveTask) -> bool,
) -> Result<(), Error> {
    let wrong: Vec<&LiveTask> = tasks.iter().filter(|one| is_wrong(one)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let first = wrong.iter().take(NAMED);
    Err(Error::Overlap(OverlapError::Tasks {
        count: wrong.len(),
        of: tasks.len(),
        what,
        first: first.map(|one| shown(&one.task.query)).collect(),
    }))
}

fn first(mut tasks: Vec<LiveTask>, most: Option<usize>) -> Vec<LiveTask> {
    tasks.truncate(most.unwrap_or(usize::MAX));
    tasks
}

fn wrong(argument: &'static str, problem: &str) -> Error {
    Error::Argument {
        argument,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use glpft_recipes::Recipe;
    use glpft_world::Size;

    use super::*;

    fn tiny() -> ImproveTasks {
        let world = TaskSource::World {
            seed: 7,
            size: Size::tiny(),
        };
        let limits = TaskLimits {
            training: Some(5),
            held_out: Some(1),
        };
        let opened = ImproveTasks::open(&world, None, limits, None);
        opened.expect("a world needs nothing").0
    }

    #[test]
    fn a_worlds_training_tasks_and_test_tasks_are_apart() {
        let tasks = tiny();
        assert_eq!((tasks.training.len(), tasks.held_out.len()), (5, 6));
        assert_eq!(tasks.held_out_of, 36);
        assert!(tasks.training.iter().all(|one| one.group == TRAINING));
        let data = Recipe::load("sample", &[]).expect("a built-in recipe").data;
        tasks.check(&data).expect("nothing is in both");
    }

    #[test]
    fn what_is_on_both_sides_is_refused() {
        let data = Recipe::load("sample", &[]).expect("a built-in recipe").data;
        let refused = |tasks: &ImproveTasks, parts: &[&str]| {
            let told = tasks.check(&data).expect_err("refused").to_string();
            for part in parts {
                assert!(told.contains(part), "no {part:?} in {told}");
            }
        };
        // Spelled otherwise, it is the same.
        let mut both = tiny();
        both.training[1].task.query = both.held_out[0].task.query.to_uppercase();
        refused(&both, &["1 of 5 training tasks are held out, too"]);
        let source = Source::from_recipe(&data).expect("it is built in");
        let (ids, texts) = source.test_queries();
        assert!(!ids.is_empty());
        let text = texts.iter().min().expect("the sample has test queries");
        let mut tested = tiny();
        tested.training[2].task.query.clone_from(text);
        refused(
            &tested,
            &["1 of 5 training tasks are test queries", &text[..20]],
        );
        let mut query = None;
        let options = glpft_data::ReadOptions::from(&data);
        let read = source.read_conversations(&options, &mut |_, _| {});
        for one in read.expect("it is built in").conversations {
            if trained_on(std::slice::from_ref(&one), &[&data]).is_ok_and(|all| !all.is_empty()) {
                query = Some(one.instruction);
            }
        }
        let mut trained = tiny();
        trained.held_out[3].task.query = query.expect("some are trained on");
        refused(&trained, &["1 of 6 held-out tasks are trained on"]);
    }
}
