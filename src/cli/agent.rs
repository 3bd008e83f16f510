//! `glpft agent`.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use glpft::Error;
use glpft::error::Interruption;
use glpft::evaluate::{Work, work};
use glpft_agent::{
    Calls, FINISH, Function, PathStep, Rollout, RolloutEnd, RolloutObserver, RolloutSettings, Task,
    readable, retrieve,
};
use glpft_recipes::counted;
use serde_json::json;

use super::eval::{policy, search, team, workplace};
use super::{AgentRunArgs, Flags, OutputArgs, complain, print};

/// The longest text of a step that is shown, in characters; answers are shown whole.
const SHOWN: usize = 600;

/// Runs `glpft agent run`.
pub(crate) fn run(args: &AgentRunArgs) -> Result<(), Error> {
    let team = team(&args.team)?;
    let workplace = workplace(&args.work)?;
    let tasks: Vec<Task> = match &args.query {
        Some(query) => {
            let tasks = workplace.tasks.iter().map(|one| &one.task);
            vec![own_task(query, tasks, args.functions)]
        }
        None => workplace.tasks.iter().map(|one| one.task.clone()).collect(),
    };
    let settings = RolloutSettings {
        search: search(&args.search, &team)?,
        together: args.search.together,
    };
    let device = glpft_model::device(&args.search.asking.device.device)?;
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let mut shown = Shown {
        tasks: &tasks,
        output: &args.output,
        stop: Arc::clone(&flags.stop),
    };
    let rollouts = work(
        &Work {
            models: args.search.asking.models(&team, &device),
            tasks: &tasks,
            server: workplace.server(),
            policy: policy(&args.search, &team)?,
            settings: &settings,
            out: args.out.as_deref(),
        },
        &mut shown,
    )?;
    let mut calls = Calls::default();
    rollouts.iter().for_each(|rollout| calls += &rollout.calls);
    if let Some(told) = calls
        .told()
        .filter(|_| calls.lacks_many() || !args.output.quiet)
    {
        let kind = if calls.lacks_many() { "warning: " } else { "" };
        complain(&format!("{kind}{told}"));
    }
    let repeats: usize = rollouts.iter().map(|one| one.usage.stopped_repeats).sum();
    if repeats > 0 && !args.output.quiet {
        complain(&format!(
            "{} ended because of repetition",
            counted(repeats, "text was", "texts were")
        ));
    }
    if let (Some(out), false) = (&args.out, args.output.quiet || args.output.json) {
        let files = rollouts.len();
        print(&format!(
            "{} in {}\n",
            counted(files, "answer file", "answer files"),
            out.display()
        ))?;
    }
    match rollouts.len() < tasks.len() {
        true => Err(Error::Interruption(Interruption::Work {
            done: rollouts.len(),
            of: tasks.len(),
        })),
        false => Ok(()),
    }
}

/// A request of the user's own, with those of all tasks' functions that it speaks of.
fn own_task<'t>(query: &str, tasks: impl Iterator<Item = &'t Task>, most: usize) -> Task {
    let mut functions: Vec<Function> = Vec::new();
    for function in tasks.flat_map(|task| &task.functions) {
        if !functions.iter().any(|known| known.name == function.name) {
            functions.push(function.clone());
        }
    }
    Task {
        id: "0".to_owned(),
        query: query.to_owned(),
        functions: retrieve(query, &functions, most),
    }
}

/// Shows steps as they come.
struct Shown<'a> {
    tasks: &'a [Task],
    output: &'a OutputArgs,
    stop: Arc<AtomicBool>,
}

impl Shown<'_> {
    fn id(&self, task: usize) -> &str {
        self.tasks.get(task).map_or("", |task| &task.id)
    }

    /// A closed pipe does not end the work.
    fn tell(&self, text: &str, value: &serde_json::Value) {
        let _ = match (self.output.json, self.output.quiet) {
            (true, _) => print(&format!("{value}\n")),
            (false, false) => print(text),
            (false, true) => Ok(()),
        };
    }
}

impl RolloutObserver for Shown<'_> {
    fn stepped(&mut self, task: usize, step: &PathStep) {
        let id = self.id(task);
        let said = &step.said;
        let mut text = format!("[{}] ", plain(id));
        if said.left_out > 0 {
            text += &format!(
                "(asked without the {} oldest turns: they do not fit)\n    ",
                said.left_out
            );
        }
        if let Some(too_long) = &said.too_long {
            text += &format!("{too_long}\n    ");
        }
        let thought = said.thought.as_deref().map(readable);
        if let Some(thought) = thought.filter(|text| !text.trim().is_empty()) {
            text += &format!("{}\n    ", shown(thought));
        }
        if said.function != FINISH {
            text += &format!(
                "{} {}\n    → {}",
                shown(&said.function),
                shown(&said.arguments),
                shown(&step.observation)
            );
        }
        let value = json!({
            "event": "step",
            "task": id,
            "thought": said.thought,
            "function": said.function,
            "arguments": said.arguments,
            "observation": step.observation,
            "code": step.code.number(),
            "left_out_turns": said.left_out,
            "too_long": said.too_long.as_ref().map(ToString::to_string),
        });
        self.tell(&format!("{}\n", text.trim_end()), &value);
    }

    fn finished(&mut self, task: usize, rollout: &Rollout) -> ControlFlow<()> {
        let id = self.id(task);
        let (told, end, answer) = match &rollout.end {
            RolloutEnd::Answer(answer) => (plain(readable(answer)), "answer", Some(answer)),
            RolloutEnd::GiveUp => ("gave up".to_owned(), "give_up", None),
            RolloutEnd::Nothing => ("ended without an answer".to_owned(), "nothing", None),
        };
        let query = plain(&rollout.query);
        let name = plain(id);
        let text = format!("[{name}] {query}\n[{name}] = {told}\n\n");
        let value = json!({
            "event": "rollout",
            "task": id,
            "query": rollout.query,
            "end": end,
            "answer": answer,
            "steps": rollout.query_count,
        });
        self.tell(&text, &value);
        ControlFlow::Continue(())
    }

    fn round(&mut self) -> ControlFlow<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// The beginning of a foreign text on one line.
fn shown(text: &str) -> String {
    let text = plain(text.trim()).replace('\n', " ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A foreign text without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    let visible = |letter: char| match letter {
        '\n' => letter,
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    text.chars().map(visible).collect()
}
