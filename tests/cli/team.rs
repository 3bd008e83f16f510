//! Trained models that answer: who they are, what they share, and what they refuse.

use std::path::Path;

use burn::tensor::Device;
use glpft::{Team, TeamSource};
use glpft_agent::{
    Generate, GenerateError, Generated, Limits, Request, Role, Sampling, StopReason,
};
use glpft_data::Text;
use glpft_recipes::Precision;

use super::{folder, small_model};

fn open(source: &TeamSource) -> Team {
    Team::open(source, &Device::flex(), Precision::F32).unwrap()
}

fn trio(planner: &Path, caller: &Path, summarizer: &Path) -> TeamSource {
    TeamSource::Trio {
        planner: planner.to_owned(),
        caller: caller.to_owned(),
        summarizer: summarizer.to_owned(),
    }
}

fn request(role: Role, text: &str) -> Request {
    let mut prompt = Text::new();
    prompt.push(text).separate().push(" assistant: ");
    Request {
        role,
        prompt,
        stop: Vec::new(),
        limits: Limits {
            prompt_tokens: 400,
            new_tokens: 12,
        },
        sampling: Sampling::Greedy,
    }
}

fn answer(team: &mut Team, request: &Request) -> Generated {
    let mut answers = team.generate(std::slice::from_ref(request)).unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

#[test]
fn answers_end_and_bad_requests_are_told() {
    let folder = folder();
    let model = small_model(folder.path());
    let mut team = open(&TeamSource::Single(model));
    let whole = request(Role::Backbone, "Where is it?");
    let found = answer(&mut team, &whole);
    assert_eq!(found.new_tokens, 12);
    assert_eq!(found.finish, StopReason::Length);
    // Inside the answer, from its second sign on.
    let stop: String = found.text.chars().skip(1).take(3).collect();
    let mut stopped = whole.clone();
    stopped.stop = vec!["never comes up".to_owned(), stop.clone()];
    let before = found.text.split(&stop).next().unwrap();
    let ended = answer(&mut team, &stopped);
    assert_eq!(
        (ended.text.as_str(), ended.finish),
        (before, StopReason::Stop(1))
    );
    assert_eq!(ended.prompt_tokens, found.prompt_tokens);
    assert_eq!(ended.cached_tokens, found.prompt_tokens - 1);
    // The last tokens stay.
    let mut short = whole.clone();
    short.limits.prompt_tokens = 5;
    assert_eq!(answer(&mut team, &short).prompt_tokens, 5);

    assert!(team.generate(&[]).unwrap().is_empty());
    let missing = team.generate(&[whole.clone(), request(Role::Caller, "x")]);
    assert!(matches!(missing, Err(GenerateError::NoModel(Role::Caller))));
    let mut empty = whole.clone();
    empty.prompt = Text::new();
    let error = team
        .generate(&[whole.clone(), empty])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("request 1") && error.contains("empty"),
        "{error}"
    );
    let mut long = whole.clone();
    long.prompt.push(&"word ".repeat(5000));
    long.limits.prompt_tokens = 100_000;
    let error = team.generate(&[long]).unwrap_err().to_string();
    assert!(error.contains("max_position_embeddings"), "{error}");
    let mut bad = whole;
    bad.sampling = Sampling::Random {
        temperature: -1.0,
        top_p: 1.0,
        top_k: None,
        seed: 0,
    };
    let error = team.generate(&[bad]).unwrap_err().to_string();
    assert!(error.contains("temperature"), "{error}");
}

#[test]
fn what_is_no_team_is_told() {
    let folder = folder();
    let directory = folder.path();
    let model = small_model(directory);
    let error = |source: TeamSource| {
        let opened = Team::open(&source, &Device::flex(), Precision::F32);
        opened.unwrap_err().to_string()
    };
    let told = error(TeamSource::Run(model.clone()));
    assert!(told.contains("recipe.toml"), "{told}");
    let told = error(trio(&model, &directory.join("nothing"), &model));
    assert!(told.contains("nothing"), "{told}");
    let run = directory.join("made");
    let told = error(trio(&model, &run, &model));
    assert!(told.contains("no finished model `caller`"), "{told}");
    // A run of one model answers for the backbone.
    let team = open(&TeamSource::Run(run));
    assert_eq!(team.roles().collect::<Vec<_>>(), [Role::Backbone]);
}
