//! Generators that say what they are told to, and conversations to ask them about.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use glpft_agent::{
    Generate, GenerateError, Generated, Plan, PlannerTurn, Request, Role, StepPrompts, StopReason,
};
use glpft_data::{Conversation, Prompts, ReadOptions, Source, Speaker, Turn};
use glpft_eval::static_evaluation::{
    Answerer, Contestant, Manifest, StaticError, StaticEvaluation, StaticObserver, StaticReport,
    StaticSettings,
};

/// The fixture at `path` in `GLPFT_FIXTURES` (by default `shared` beside the repository), or none, said on stdout.
pub fn fixture(path: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let root = std::env::var_os("GLPFT_FIXTURES").map_or_else(default, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: fixtures not found: {}", found.display());
    None
}

/// The conversations of a file, at most `limit`.
pub fn conversations(path: &Path, limit: usize) -> Vec<Conversation> {
    let options = ReadOptions {
        strict: true,
        ..ReadOptions::FIXED
    };
    let source = Source::open(path, None).unwrap();
    let mut all = source
        .read_conversations(&options, &mut |_, _| {})
        .unwrap()
        .conversations;
    all.truncate(limit);
    all
}

/// Conversations from a stage-2 file of one `(speaker, text)` list each; every one may use `weather` and `time`.
pub fn small(folder: &Path, turns: &[&[(&str, &str)]]) -> Vec<Conversation> {
    let records: Vec<serde_json::Value> = turns
        .iter()
        .enumerate()
        .map(|(index, turns)| {
            let turns: Vec<serde_json::Value> = turns
                .iter()
                .map(|(from, value)| serde_json::json!({"from": from, "value": value}))
                .collect();
            serde_json::json!({
                "tools": [{"Name": "weather", "function": "w"}, {"Name": "time", "function": "t"}],
                "instruction": format!("Question {index}?"),
                "conversations": turns,
            })
        })
        .collect();
    let path = folder.join("small.json");
    std::fs::write(&path, serde_json::Value::from(records).to_string()).unwrap();
    conversations(&path, usize::MAX)
}

/// Answers by prompt; what it was not told ends the test.
#[derive(Clone)]
pub struct Scripted {
    pub answers: HashMap<(Role, String), String>,
    /// The longest prompt that it reads, in bytes: a model's own limit, whatever a request allows.
    pub room: usize,
    /// How many calls of `generate`, requests, and trajectories forgotten.
    pub calls: usize,
    pub requests: usize,
    pub forgotten: usize,
    /// Fails at this call.
    pub fails_at: Option<usize>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            answers: HashMap::new(),
            room: usize::MAX,
            calls: 0,
            requests: 0,
            forgotten: 0,
            fails_at: None,
        }
    }
}

impl Generate for &mut Scripted {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.calls += 1;
        if self.fails_at.is_some_and(|at| self.calls >= at) {
            return Err(GenerateError::NoModel(Role::Planner));
        }
        self.requests += requests.len();
        let answer = |request: &Request| {
            let key = (request.role, request.prompt.to_string());
            let text = self.answers.get(&key);
            let text = text.unwrap_or_else(|| panic!("no script for {key:?}"));
            Generated {
                text: text.clone(),
                finish: StopReason::EndOfSequence,
                prompt_tokens: key.1.len().min(self.room),
                cut_tokens: key.1.len().saturating_sub(self.room),
                cached_tokens: key.1.len().min(self.room) / 2,
                new_tokens: text.len(),
            }
        };
        Ok(requests.iter().map(answer).collect())
    }

    fn forget(&mut self) {
        self.forgotten += 1;
    }
}

/// What is said at a step: of its trajectory, its turn and the one that follows.
pub type Says<'s> = dyn FnMut(usize, &Turn, Option<&Turn>) -> (String, String) + 's;

impl Scripted {
    /// What `says` says of each step (trajectory, its turn and the one that follows it): the planner's and the other
    /// role's output, or a single model's and nothing.
    pub fn new(
        conversations: &[Conversation],
        settings: &StaticSettings,
        answerer: Answerer,
        says: &mut Says<'_>,
    ) -> Self {
        let prompts = Prompts::builtin().unwrap();
        let mut scripted = Self::default();
        for (index, conversation) in conversations.iter().enumerate() {
            let of = StepPrompts::new(
                conversation,
                &prompts,
                settings.behaviour,
                settings.system_prefix,
            );
            for (at, turn) in conversation.turns.iter().enumerate() {
                let following = conversation.turns.get(at + 1);
                if turn.from != Speaker::Assistant
                    || glpft_agent::reference_text(turn, following).is_none()
                {
                    continue;
                }
                let (first, second) = says(index, turn, following);
                let mut tell = |role, prompt: glpft_data::Text, text: &str| {
                    let answers = &mut scripted.answers;
                    answers.insert((role, prompt.to_string()), text.to_owned());
                };
                if answerer == Answerer::Single {
                    tell(Role::Backbone, of.backbone(at), &first);
                    continue;
                }
                tell(Role::Planner, of.planner(at), &first);
                let planner = PlannerTurn::read(&first);
                match planner.next {
                    Plan::Call => tell(Role::Caller, of.caller(at, &planner), &second),
                    Plan::Finish => tell(Role::Summarizer, of.summarizer(at, &planner), &second),
                    Plan::GiveUp => {}
                }
            }
        }
        scripted
    }

    /// Says what the data say.
    pub fn right(conversations: &[Conversation], settings: &StaticSettings) -> Self {
        Self::new(
            conversations,
            settings,
            Answerer::Team,
            &mut |_, turn, following| {
                let following = following.map_or("", |turn| &turn.value);
                (turn.value.clone(), following.to_owned())
            },
        )
    }
}

/// An evaluation of `conversations` by a team that `generator` plays, in `out`.
pub fn evaluate(
    conversations: &[Conversation],
    settings: &StaticSettings,
    answerer: Answerer,
    generator: &mut Scripted,
    out: &Path,
) -> Result<StaticReport, StaticError> {
    evaluate_observed(conversations, settings, answerer, generator, out, &mut ())
}

pub fn evaluate_observed(
    conversations: &[Conversation],
    settings: &StaticSettings,
    answerer: Answerer,
    generator: &mut Scripted,
    out: &Path,
    observer: &mut dyn StaticObserver,
) -> Result<StaticReport, StaticError> {
    let prompts = Prompts::builtin().unwrap();
    let mut manifest = Manifest::default();
    manifest
        .decides
        .insert("planner".to_owned(), "scripted".to_owned());
    let mut generator = Some(generator);
    StaticEvaluation {
        conversations,
        bad_records: 0,
        prompts: &prompts,
        answerer,
        settings,
        manifest,
        out,
        overwrite: false,
        stop: &AtomicBool::new(false),
    }
    .run::<StaticError>(
        &mut || Ok(Contestant::Models(Box::new(generator.take().unwrap()))),
        observer,
    )
}
