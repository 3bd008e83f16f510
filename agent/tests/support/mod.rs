//! Scripted policies, tools that say what they are told, and models that answer from a table.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "a test ends where something is amiss"
)]

use std::collections::BTreeMap;

use glpft_agent::{
    Api, Asked, Function, Generate, GenerateError, Generated, Policy, PolicyMessage, Request, Role,
    Rollout, RolloutSettings, SearchSettings, StopReason, Strategy, Task, ToolReply, ToolServer,
    run_rollouts,
};
use glpft_data::{Purpose, Random, ReadOptions, Source, Speaker, Turn};
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

impl<F: FnMut(&Asked<'_>) -> PolicyMessage> Scripted<F> {
    pub fn new(script: F) -> Self {
        Self {
            script,
            asked: Vec::new(),
            largest: 0,
        }
    }
}

impl<F: FnMut(&Asked<'_>) -> PolicyMessage> Policy for Scripted<F> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
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
                cut_tokens: 0,
                cached_tokens: 4,
                new_tokens: 2,
            })
            .collect())
    }
}

/// One task's rollout, and all that its policy was asked.
pub fn run(
    script: impl FnMut(&Asked<'_>) -> PolicyMessage,
    tools: &Tools,
    settings: &SearchSettings,
) -> (Rollout, Vec<Vec<(String, String)>>) {
    let mut policy = Scripted::new(script);
    let settings = RolloutSettings::new(settings.clone());
    let mut rollouts = run_rollouts(&mut policy, tools, &[task("7")], &settings, &mut ()).unwrap();
    let asked = policy.asked.into_iter().map(|(_, turns)| turns).collect();
    (rollouts.remove(0), asked)
}

pub fn call(name: &str) -> PolicyMessage {
    PolicyMessage::from_message(
        Some(&format!("I try {name}.")),
        &format!("{name}_for_weather"),
        "{}",
    )
}

pub fn demands(turns: &[Turn]) -> usize {
    turns
        .iter()
        .skip(1)
        .filter(|turn| turn.from == Speaker::User)
        .count()
}

pub fn failed() -> Tools {
    Tools::default().with("broken", ToolReply::new("API not working error...", ""))
}

/// Reads an answer file as training does.
pub fn read_back(rollout: &Rollout, strategy: Strategy) -> Option<Vec<Turn>> {
    let folder = tempfile::tempdir().unwrap();
    let answers = folder.path().join("answer/G1_answer");
    std::fs::create_dir_all(&answers).unwrap();
    let file = answers.join(rollout.file_name(strategy));
    std::fs::write(file, rollout.file_text().unwrap()).unwrap();
    let source = Source::open(folder.path(), None).unwrap();
    let options = ReadOptions {
        valid_only: true,
        strict: true,
        ..ReadOptions::FIXED
    };
    let read = source.read_conversations(&options, &mut |_, _| {}).ok()?;
    let conversation = &read.conversations[0];
    assert_eq!(
        conversation.query,
        glpft_data::level_query(&conversation.instruction)
    );
    assert_eq!(conversation.instruction, "Is it warm in Malmö?");
    assert_eq!(conversation.tools.len(), 3);
    Some(conversation.turns.clone())
}

/// What a policy was asked last, and what it said.
pub fn turns(asked: &[(String, String)], rollout: &Rollout) -> Vec<Turn> {
    let speaker = |name: &str| {
        let all = [
            Speaker::User,
            Speaker::Assistant,
            Speaker::Caller,
            Speaker::Conclusion,
            Speaker::Observation,
        ];
        all.into_iter().find(|one| one.name() == name).unwrap()
    };
    let mut turns: Vec<Turn> = asked
        .iter()
        .map(|(from, value)| Turn {
            from: speaker(from),
            value: value.clone(),
        })
        .collect();
    turns.extend(rollout.path.last().unwrap().said.turns.clone());
    turns
}

pub fn random_step(seed: u64, count: usize, ends: u64) -> PolicyMessage {
    let random = Random::new(seed, None, count as u64, Purpose::Synthetic);
    let thought = (random.below(2, 0) == 0).then(|| format!("Thought {count}."));
    let thought = thought.as_deref();
    match random.below(ends, 1) {
        0 => PolicyMessage::answer(thought, "Yes."),
        1 | 2 => PolicyMessage::give_up(thought),
        other => PolicyMessage::from_message(
            thought,
            ["now_for_weather", "none", "tomorrow_for_weather"][other as usize % 3],
            "{}",
        ),
    }
}
