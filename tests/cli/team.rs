//! Trained models that answer: who they are, what they share, and what they refuse.

use std::path::Path;

use burn::tensor::Device;
use glpft::{Team, TeamSource};
use glpft_agent::{
    Generate, GenerateError, Generated, Limits, Request, Role, Sampling, StopReason,
};
use glpft_data::Text;
use glpft_recipes::Precision;

use super::{copy_folder, folder, glpft, read_json, small_model, smoke};

const TRIO: [Role; 3] = [Role::Planner, Role::Caller, Role::Summarizer];

fn open(source: &TeamSource) -> Team {
    Team::open(source, &Device::flex(), Precision::F32).unwrap()
}

fn trio(planner: &Path, caller: &Path, summarizer: &Path) -> TeamSource {
    TeamSource::Trio {
        planner: planner.into(),
        caller: caller.into(),
        summarizer: summarizer.into(),
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
            stop_repeats: None,
        },
        sampling: Sampling::Greedy,
    }
}

fn answer(team: &mut Team, request: &Request) -> Generated {
    let mut answers = team.generate(std::slice::from_ref(request)).unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// A trained run of adapters on one base.
fn adapters(directory: &Path) {
    let arguments = [
        "run",
        "sample",
        "--out=team",
        "--set=stage.tune=lora",
        // Large enough that two steps make three different models.
        "--set=stage.lr=0.05",
    ];
    smoke(directory, &arguments).ok();
}

#[test]
fn adapters_share_their_base_and_answer_as_merged_models() {
    let folder = folder();
    let directory = folder.path();
    adapters(directory);
    let run = directory.join("team");
    let mut team = open(&TeamSource::Run(run.clone()));
    assert_eq!(team.roles().collect::<Vec<_>>(), TRIO);
    assert_eq!(team.backbones(), 1);
    let requests: Vec<Request> = ["Where is it?", "Where is it now?"]
        .into_iter()
        .flat_map(|text| TRIO.map(|role| request(role, text)))
        .collect();
    let answers = team.generate(&requests).unwrap();
    let merged = TRIO.map(|role| {
        let to = format!("merged-{}", role.name());
        let role = format!("--role={}", role.name());
        glpft(directory, ["export", "team", &role, "--merge", "--to", &to]).ok();
        directory.join(to)
    });
    let mut three = open(&trio(&merged[0], &merged[1], &merged[2]));
    assert_eq!(three.backbones(), 3);
    let texts = |answers: &[Generated]| -> Vec<String> {
        answers.iter().map(|answer| answer.text.clone()).collect()
    };
    assert_eq!(texts(&three.generate(&requests).unwrap()), texts(&answers));
    assert_ne!(answers[0].text, answers[1].text);
    // Roles do not read each other's cache; a role's second prompt begins like its first.
    let cached: Vec<bool> = answers.iter().map(|one| one.cached_tokens > 0).collect();
    assert_eq!(cached, [false, false, false, true, true, true]);
    // One after the other, and named one by one.
    let parts = TRIO.map(|role| run.join("models").join(role.name()));
    let mut team = open(&trio(&parts[0], &parts[1], &run));
    assert_eq!(team.backbones(), 1);
    for (request, expected) in requests.iter().zip(&answers) {
        assert_eq!(answer(&mut team, request).text, expected.text);
        team.forget();
    }
    // What nobody waits for ends at once, and nobody else notices.
    let waited = team.generate_while(&requests, &|at| at != 1).unwrap();
    assert!(answers[1].new_tokens > 1);
    assert_eq!(waited[1].new_tokens, 1);
    for at in [0, 2, 3, 4, 5] {
        assert_eq!(waited[at].text, answers[at].text);
    }
}

#[test]
fn each_role_has_its_own_tokenizer() {
    let folder = folder();
    let model = small_model(folder.path());
    let other = folder.path().join("other");
    copy_folder(&model, &other);
    // Without merges the same text is more tokens, and the same ids are other text.
    let file = other.join("tokenizer.json");
    let mut tokenizer = read_json(&file);
    tokenizer["model"]["merges"] = serde_json::json!([]);
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    let mut signs: Vec<_> = vocabulary
        .iter_mut()
        .filter(|(token, _)| token.chars().count() == 1)
        .map(|(_, id)| id)
        .collect();
    let mut ids: Vec<_> = signs.iter().map(|id| (*id).clone()).collect();
    ids.rotate_left(1);
    for (to, id) in signs.iter_mut().zip(ids) {
        **to = id;
    }
    std::fs::write(&file, tokenizer.to_string()).unwrap();

    let text = "a e a e a e";
    let said = |answer: &Generated| (answer.prompt_tokens, answer.text.clone());
    let single = |of: &Path| {
        let mut team = open(&TeamSource::Single(of.into()));
        said(&answer(&mut team, &request(Role::Backbone, text)))
    };
    let expected = [single(&model), single(&other)];
    assert!(expected[0].0 < expected[1].0, "{expected:?}");
    assert_ne!(expected[0].1, expected[1].1);
    let mut team = open(&trio(&model, &other, &model));
    let requests = [Role::Planner, Role::Caller].map(|role| request(role, text));
    let answers = team.generate(&requests).unwrap();
    assert_eq!(answers.iter().map(said).collect::<Vec<_>>(), expected);
}

/// A model without training goes round in circles sooner or later.
#[test]
fn a_text_that_repeats_itself_ends_where_it_is_asked_to() {
    let folder = folder();
    let model = small_model(folder.path());
    let mut team = open(&TeamSource::Single(model.into()));
    let mut whole = request(Role::Backbone, "Where is it?");
    whole.limits.new_tokens = 300;
    let found = answer(&mut team, &whole);
    for times in [2, 4] {
        let end = glpft_agent::loop_end(&found.text, times);
        let end = end.unwrap_or_else(|| panic!("no loop: {:?}", found.text));
        let mut stopped = whole.clone();
        stopped.limits.stop_repeats = Some(times);
        let ended = answer(&mut team, &stopped);
        assert_eq!(
            (ended.text.as_str(), ended.finish),
            (&found.text[..end], StopReason::Repeats)
        );
        assert!(ended.new_tokens < found.new_tokens, "{ended:?}");
    }
    // Where nothing repeats itself so often nothing changes.
    whole.limits.stop_repeats = Some(100_000);
    assert_eq!(answer(&mut team, &whole).text, found.text);
}

#[test]
fn answers_end_and_bad_requests_are_told() {
    let folder = folder();
    let model = small_model(folder.path());
    let mut team = open(&TeamSource::Single(model.into()));
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
    let cut = answer(&mut team, &short);
    assert_eq!(cut.prompt_tokens, 5);
    assert_eq!(cut.cut_tokens, found.prompt_tokens - 5);
    assert_eq!(found.cut_tokens, 0);
    // What is measured before is answered the same.
    let measured = team.measure(&whole).unwrap().unwrap();
    assert_eq!(measured.prompt_tokens, found.prompt_tokens);
    assert_eq!(answer(&mut team, &whole).text, found.text);

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
