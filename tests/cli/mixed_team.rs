//! A team of a real planner and a tiny caller and summarizer: they have nothing in common but text.
//!
//! Reads `GLPFT_MODELS` (by default `models` in `GLPFT_FIXTURES`); what is absent is skipped.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use glpft::{Team, TeamSource, evaluate};
use glpft_agent::{Generate, GenerateError, Generated, Limits, Request, Role};
use glpft_data::Prompts;
use glpft_eval::static_evaluation::{
    Answerer, Contestant, Manifest, StaticError, StaticEvaluation, StaticSettings,
};
use glpft_recipes::{Behaviour, Precision, Schemas};
use serde_json::Value;

use crate::{folder, glpft, json, small_model};

/// The team, whose planner always ends with the conclusion's tag: a model that was never trained to plan has none.
struct Concluding {
    team: Team,
    summarizer_read: Rc<RefCell<Vec<String>>>,
}

impl Generate for Concluding {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        let mut answers = self.team.generate(requests)?;
        for (request, answer) in requests.iter().zip(&mut answers) {
            match request.role {
                Role::Planner => answer.text.push_str(" Next: conclusion."),
                _ => self
                    .summarizer_read
                    .borrow_mut()
                    .push(request.prompt.to_string()),
            }
        }
        Ok(answers)
    }
}

/// The real model; none where it is absent, said on stdout.
fn planner() -> Option<PathBuf> {
    let models = std::env::var_os("GLPFT_MODELS").map(PathBuf::from);
    let path = models.map(|models| models.join("smollm2-135m-instruct"));
    let found = path.filter(|path| path.join("config.json").is_file());
    if found.is_none() {
        println!("skipped: smollm2-135m-instruct is not in GLPFT_MODELS");
    }
    found
}

#[test]
fn a_real_planner_hands_over_to_a_tiny_summarizer() {
    let Some(planner) = planner() else { return };
    let here = folder();
    let path = here.path();
    let tiny = small_model(path);
    glpft(path, ["data", "export", "sample", "--to=stages"]).ok();
    let data = path.join("stages/raw_data_stage_2.json");
    let conversations = evaluate::read(&data, Behaviour::Fixed, Schemas::Whole)
        .unwrap()
        .conversations;
    let source = TeamSource::Trio {
        planner: planner.into(),
        caller: tiny.clone().into(),
        summarizer: tiny.into(),
    };
    let team = Team::open(&source, &Device::flex(), Precision::F32).unwrap();
    assert_eq!(team.backbones(), 2, "caller and summarizer share one");
    let (big, small) = (
        team.tokenizer(Role::Planner),
        team.tokenizer(Role::Summarizer),
    );
    assert_ne!(big.unwrap().fingerprint(), small.unwrap().fingerprint());
    let summarizer_read = Rc::default();
    let mut team = Some(Concluding {
        team,
        summarizer_read: Rc::clone(&summarizer_read),
    });
    let settings = StaticSettings {
        steps: Some(3),
        limits: Limits {
            prompt_tokens: 300,
            new_tokens: 12,
            stop_repeats: None,
        },
        ..StaticSettings::default()
    };
    let out = path.join("eval");
    let evaluation = StaticEvaluation {
        conversations: &conversations,
        bad_records: 0,
        prompts: &Prompts::builtin().unwrap(),
        answerer: Answerer::Team,
        settings: &settings,
        manifest: Manifest::default(),
        out: &out,
        overwrite: false,
        stop: &AtomicBool::new(false),
    };
    let report = evaluation
        .run(
            &mut || Ok::<_, StaticError>(Contestant::Models(Box::new(team.take().unwrap()))),
            &mut (),
        )
        .unwrap();
    let asked = |role: &str| {
        let found = report.roles.iter().find(|one| one.role == role);
        found.map_or(0, |role| role.requests)
    };
    assert_eq!(
        (asked("planner"), asked("caller"), asked("summarizer")),
        (3, 0, 3)
    );
    // What the planner said, in its own tokens, is what the summarizer read and what stands in the predictions.
    let predictions = std::fs::read_to_string(out.join("predictions.jsonl")).unwrap();
    for (line, read) in predictions.lines().zip(summarizer_read.borrow().iter()) {
        let line: Value = json(line);
        let said = line["predictions"].as_str().unwrap();
        let (turn, answer) = said.split_once("</s>conclusion: ").unwrap();
        let turn = turn.strip_prefix("asssitant: ").unwrap();
        assert!(turn.ends_with("Next: conclusion.") && turn.len() > "Next: conclusion.".len() + 10);
        assert!(read.contains(&format!("assistant: {turn}</s>")), "{read}");
        assert!(!answer.is_empty());
    }
    assert_eq!(
        report.scores.confusion.finish.finish + report.scores.confusion.call.finish,
        3
    );
}
