//! Scripted policies, tools that say what they are told, and models that answer from a table.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;

use glpft_agent::{
    Api, Asked, Function, Generate, GenerateError, Generated, Policy, Request, Role, Said,
    StopReason, Task, ToolReply, ToolServer,
};
use serde_json::{Map, Value, json};

pub fn parameters(names: &[&str]) -> Map<String, Value> {
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| {
            let property = json!({"type": "string", "description": format!("The {name}.")});
            ((*name).to_owned(), property)
        })
        .collect();
    let schema = json!({
        "type": "object", "properties": properties, "required": names, "optional": [],
    });
    schema.as_object().unwrap().clone()
}

pub fn function(name: &str) -> Function {
    Function {
        name: format!("{name}_for_weather"),
        description: format!("This is {name}."),
        parameters: parameters(&["city"]),
        api: Api {
            category: "Weather".to_owned(),
            tool: "weather".to_owned(),
            name: name.to_owned(),
        },
    }
}

pub fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        query: "Is it warm in Malmö?".to_owned(),
        functions: ["now", "tomorrow", "broken"].map(function).to_vec(),
    }
}

/// Replies with what stands for an API's name; with its arguments where nothing does.
#[derive(Default)]
pub struct Tools {
    pub replies: BTreeMap<String, ToolReply>,
    pub remote: bool,
}

impl Tools {
    pub fn with(mut self, api: &str, reply: ToolReply) -> Self {
        self.replies.insert(api.to_owned(), reply);
        self
    }
}

impl ToolServer for Tools {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        match self.replies.get(&api.name) {
            Some(reply) => reply.clone(),
            None => ToolReply::new("", format!("{}: {arguments}", api.name)),
        }
    }

    fn is_remote(&self) -> bool {
        self.remote
    }
}

/// A policy that is a function of what it is asked; it writes down all prompts.
pub struct Scripted<F> {
    pub script: F,
    pub asked: Vec<(String, Vec<(String, String)>)>,
    pub largest: usize,
}

impl<F: FnMut(&Asked<'_>) -> Said> Scripted<F> {
    pub fn new(script: F) -> Self {
        Self {
            script,
            asked: Vec::new(),
            largest: 0,
        }
    }
}

impl<F: FnMut(&Asked<'_>) -> Said> Policy for Scripted<F> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Said>, GenerateError> {
        self.largest = self.largest.max(asked.len());
        let mut said = Vec::new();
        for asked in asked {
            let turns = asked.turns.iter();
            let turns = turns.map(|turn| (turn.from.name().to_owned(), turn.value.clone()));
            self.asked.push((asked.task.id.clone(), turns.collect()));
            said.push((self.script)(asked));
        }
        Ok(said)
    }
}

/// A model that is a function of the request; counts calls.
pub struct Model<F> {
    pub answers: F,
    pub requests: Vec<Vec<Request>>,
}

impl<F: FnMut(&Request) -> String> Model<F> {
    pub fn new(answers: F) -> Self {
        Self {
            answers,
            requests: Vec::new(),
        }
    }

    pub fn of_role(&self, role: Role) -> Vec<&Request> {
        let all = self.requests.iter().flatten();
        all.filter(|request| request.role == role).collect()
    }
}

impl<F: FnMut(&Request) -> String> Generate for Model<F> {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.requests.push(requests.to_vec());
        Ok(requests
            .iter()
            .map(|request| Generated {
                text: (self.answers)(request),
                finish: StopReason::EndOfSequence,
                prompt_tokens: 10,
                cached_tokens: 4,
                new_tokens: 2,
            })
            .collect())
    }
}
