//! Roles' prompts, completed: a served team as the roles of another.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::collections::BTreeMap;

use glpft_agent::{
    Api, Asked, Function, Generate, GenerateError, Generated, Measure, ModelServerSettings, Policy,
    PolicyMessage, PolicySettings, Request, Role, ServedModel, StopReason, Task, TeamPolicy,
};
use glpft_data::{Piece, Prompts, Speaker, Turn};
use glpft_serve::{ChatSettings, TeamSpeaker};
use serde_json::json;
use support::{Server, agent};

/// A team whose tokens are characters. It calls, and answers once it has observed something; its prompts' separators are told
/// from text that spells them.
struct Team;

impl Generate for Team {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        let answer = |request: &Request| {
            let prompt = request.prompt.to_string();
            let pieces = request.prompt.pieces().iter();
            let separators = pieces.filter(|piece| **piece == Piece::Separator).count();
            let whole = match request.role {
                Role::Planner if prompt.contains("rains") => {
                    format!("I know, {separators}.\n Next: conclusion.")
                }
                Role::Planner => format!("I ask, {separators}.\n Next: caller."),
                Role::Caller => "Action: weather\nAction Input: {\"city\": \"Oslo\"}".to_owned(),
                _ => format!("It rains after {} letters.", prompt.len()),
            };
            let text: String = whole.chars().take(request.limits.new_tokens).collect();
            Generated {
                finish: match text.len() < whole.len() {
                    true => StopReason::Length,
                    false => StopReason::EndOfSequence,
                },
                prompt_tokens: prompt.len(),
                cut_tokens: 0,
                cached_tokens: 1,
                new_tokens: text.len(),
                text,
            }
        };
        Ok(requests.iter().map(answer).collect())
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        if request.role == Role::Backbone {
            return Err(GenerateError::NoModel(request.role));
        }
        Ok(Some(Measure {
            prompt_tokens: request.prompt.to_string().len(),
            room: request.limits.room(4000),
            positions: 4000,
        }))
    }
}

/// Each role by a server of its own name.
struct Served(BTreeMap<Role, ServedModel>);

impl Generate for Served {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        let mut all = Vec::new();
        for request in requests {
            let model = self.0.get_mut(&request.role).unwrap();
            all.append(&mut model.generate(std::slice::from_ref(request))?);
        }
        Ok(all)
    }
}

fn server() -> Server {
    Server::speaker(
        ChatSettings::new("stub"),
        Box::new(|| {
            let settings = PolicySettings::greedy();
            let team = TeamSpeaker::new(Box::new(Team), Prompts::open(None)?, settings, false);
            Ok(Box::new(team) as _)
        }),
    )
}

#[test]
fn a_served_team_is_the_roles_of_another() {
    let server = server();
    let models = [Role::Planner, Role::Caller, Role::Summarizer].map(|role| {
        let address = format!("http://{}/v1#{}", server.address, role.name());
        let model = ServedModel::open(address.parse().unwrap(), ModelServerSettings::default());
        (role, model.unwrap())
    });
    let task = Task {
        id: "1".to_owned(),
        query: "Does it rain?".to_owned(),
        functions: vec![Function {
            name: "weather".to_owned(),
            description: String::new(),
            parameters: serde_json::Map::new(),
            api: Api {
                category: String::new(),
                tool: "sky".to_owned(),
                name: "weather".to_owned(),
            },
        }],
    };
    let turn = |from, value: &str| Turn {
        from,
        value: value.to_owned(),
    };
    let query = vec![turn(Speaker::User, "Does it rain?")];
    let mut later = query.clone();
    later.extend(PolicyMessage::from_message(Some("I ask."), "weather", "{}").turns);
    later.push(turn(Speaker::Observation, "It rains."));
    let asked: Vec<Asked<'_>> = [&query, &later]
        .map(|turns| Asked {
            task: &task,
            turns,
            instruction: 0,
            count: 0,
        })
        .into();
    let prompts = Prompts::open(None).unwrap();
    let settings = PolicySettings::greedy();
    let here = TeamPolicy::new(&mut Team, &prompts, settings)
        .say(&asked)
        .unwrap();
    let mut served = Served(models.into());
    let there = TeamPolicy::new(&mut served, &prompts, settings)
        .say(&asked)
        .unwrap();
    assert_eq!(there, here);
    assert_eq!(here[0].function, "weather");
    assert!(here[1].arguments.contains("It rains after"));
}

#[test]
fn what_cannot_be_completed_is_told() {
    let server = server();
    let url = format!("http://{}/v1/completions", server.address);
    let ask = |body: serde_json::Value| {
        let mut reply = agent()
            .post(&url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .unwrap();
        let status = reply.status().as_u16();
        (status, reply.body_mut().read_to_string().unwrap())
    };
    let (status, said) = ask(json!({"model": "planner", "prompt": "x", "max_tokens": 3}));
    assert_eq!(status, 200, "{said}");
    assert!(
        said.contains("\"text\":\"I a\"") && said.contains("\"finish_reason\":\"length\""),
        "{said}"
    );
    for (body, status, told) in [
        (
            json!({"model": "painter", "prompt": "x"}),
            404,
            "planner, caller, summarizer",
        ),
        (
            json!({"model": "backbone", "prompt": "x"}),
            400,
            "there is no model for the backbone",
        ),
        (json!({"model": "planner", "prompt": [1, 2]}), 400, "prompt"),
        (json!({"model": "planner", "prompt": ""}), 400, "prompt"),
        (
            json!({"model": "planner", "prompt": "x", "stream": true}),
            400,
            "stream",
        ),
        (json!({"model": "planner", "prompt": "x", "n": 2}), 400, "n"),
        (
            json!({"model": "planner", "prompt": "x ".repeat(3000)}),
            400,
            "context_length_exceeded",
        ),
        (json!({"model": "planner"}), 400, "prompt"),
    ] {
        let (found, said) = ask(body);
        assert_eq!(found, status, "{said}");
        assert!(said.contains(told), "{said}");
    }
}
