//! A tool server of one's own, and an agent that works on a task with it.
//!
//! The agent is scripted; with a trained team it is a `TeamPolicy` over a `glpft::Team`.
#![allow(clippy::print_stdout, reason = "an example that tells what it does")]

use std::error::Error;

use glpft_agent::{
    Api, Asked, Function, GenerateError, Policy, PolicyMessage, RolloutSettings, SearchSettings,
    Strategy, Task, ToolReply, ToolServer, run_rollouts,
};

struct Clock;

impl ToolServer for Clock {
    fn call(&self, api: &Api, _arguments: &str) -> ToolReply {
        match api.name.as_str() {
            "time" => ToolReply::new("", "12:00"),
            _ => ToolReply::new("API not working error...", ""),
        }
    }
}

/// Calls the first function, then answers.
struct Script;

impl Policy for Script {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        let say = |asked: &Asked<'_>| match asked.count {
            0 => PolicyMessage::from_message(Some("I ask."), &asked.task.functions[0].name, "{}"),
            _ => PolicyMessage::answer(Some("I know it."), "It is noon."),
        };
        Ok(asked.iter().map(say).collect())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [category, tool, name] = ["Home", "clock", "time"].map(str::to_owned);
    let task = Task {
        id: "1".to_owned(),
        query: "How late is it?".to_owned(),
        functions: vec![Function {
            name: "time_for_clock".to_owned(),
            description: "Tells the time.".to_owned(),
            parameters: serde_json::Map::new(),
            api: Api {
                category,
                tool,
                name,
            },
        }],
    };
    let search = SearchSettings::published(Strategy::React { chains: 1 });
    let settings = RolloutSettings::new(search);
    for rollout in run_rollouts(&mut Script, &Clock, &[task], &settings, &mut ())? {
        for step in &rollout.path {
            println!("{} → {}", step.said.function, step.observation);
        }
        println!("{:?}", rollout.end);
    }
    Ok(())
}
