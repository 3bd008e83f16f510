use std::collections::BTreeMap;
use std::fs;

use glpft_recipes::{Behaviour, Recipe, Stage};
use scraper::{Html, Selector};
use serde_json::json;

use super::*;
use crate::report::Row;
use crate::score::Scorer;
use crate::static_evaluation::{DataCounts, Manifest, RoleStatistics, StaticReport, Times};

/// Text that is markup wherever it is not escaped, in element, attribute or style sheet.
const HOSTILE: &str = "\"'></style></title></p></pre><script>alert(1)</script><img src=//x.test onerror=alert(1)>\u{202e}&lt;";

fn stage(stage: Stage, steps: u64) -> StagePart {
    let point = |step: u64| StepPoint {
        step,
        epoch: step as f64 / steps as f64,
        loss: 1.0 + 6.0 / step as f64,
        lr: 1e-4 * (steps - step) as f64 / steps as f64,
        tokens: 1000,
        seconds: 0.5,
        memory: 100 << 20,
    };
    let validation = |step: u64| ValidationPoint {
        step,
        loss: 7.0 / (step + 1) as f64,
        seconds: 0.1,
    };
    StagePart {
        stage,
        state: StageState::Finished,
        from: Some("global".to_owned()),
        steps: (1..=steps).map(point).collect(),
        validations: vec![validation(0), validation(steps)],
        sources: Vec::new(),
    }
}

fn recipe() -> Recipe {
    Recipe::load_partial("sample", &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn page() -> RunPage {
    RunPage {
        recipe: recipe(),
        recipe_text: "seed = 42".to_owned(),
        stages: Stage::ALL.map(|one| stage(one, 120)).into(),
        source: Some(SourcePart {
            path: "builtin:sample".to_owned(),
            form: "raw".to_owned(),
            records: 56,
            kept: 51,
            ..SourcePart::default()
        }),
        datasets: vec![Dataset {
            name: "backbone".to_owned(),
            tokens: 57_637,
            ..Dataset::default()
        }],
        machine: Some(Machine {
            device: "cpu".to_owned(),
            threads: 2,
            version: "0.1.0".to_owned(),
            wall_seconds: 50.0,
        }),
        evaluations: Vec::new(),
        live: Vec::new(),
        problems: Vec::new(),
        version: "0.1.0".to_owned(),
    }
}

/// A line of a predictions file.
fn line(instruction: &str, reference: &str, predictions: &str) -> String {
    let entry = json!({
        "tools": [{"Name": "weather"}],
        "instruction": instruction,
        "reference": reference,
        "predictions": predictions,
    });
    format!("{entry}\n")
}

fn call(input: &str) -> String {
    format!("assistant: I ask. Next: caller.</s>caller: Action: weather\nAction Input: {input}</s>")
}

fn evaluation(lines: &[String], metrics: bool) -> (Option<EvaluationPart>, Vec<String>) {
    evaluation_of(lines, metrics, None)
}

/// The fingerprint that an evaluation tells of its planner, and those of the run's models.
type Models<'m> = (&'m str, BTreeMap<String, String>);

fn evaluation_of(
    lines: &[String],
    metrics: bool,
    models: Option<Models<'_>>,
) -> (Option<EvaluationPart>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let _ = fs::write(folder.path().join("predictions.jsonl"), lines.concat());
    if metrics {
        let report = StaticReport {
            scores: Scorer::new(Behaviour::Fixed)
                .finish(0)
                .unwrap_or_else(|metric| panic!("{metric}")),
            right: Row::default(),
            data: DataCounts::default(),
            roles: vec![RoleStatistics {
                role: "planner".to_owned(),
                requests: 429,
                prompts_cut: 17,
                ..RoleStatistics::default()
            }],
            plans_without_tag: 0,
            times: Times {
                planner: 61.0,
                ..Times::default()
            },
            evaluation: Manifest::default(),
        };
        let _ = fs::write(
            folder.path().join("metrics.json"),
            json!(report).to_string(),
        );
    }
    let mut now = BTreeMap::new();
    if let Some((planner, models)) = models {
        let manifest = json!({"decides": {"planner": planner, "behaviour": "fixed"}});
        let _ = fs::write(folder.path().join("evaluation.json"), manifest.to_string());
        now = models;
    }
    let mut problems = Vec::new();
    let part = EvaluationPart::read("static", folder.path(), &now, &mut problems);
    (part, problems)
}

fn parsed(page: &RunPage) -> Html {
    let html = Html::parse_document(&page.html());
    assert_eq!(html.errors, Vec::<String>::new());
    html
}

/// The texts of what a selector finds.
fn texts(html: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).unwrap_or_else(|error| panic!("{error}"));
    let found = html.select(&selector);
    found.map(|element| element.text().collect()).collect()
}

fn count(html: &Html, selector: &str) -> usize {
    texts(html, selector).len()
}

#[test]
fn a_run_has_its_parts() {
    let html = parsed(&page());
    let sections = [
        "Overview",
        "Training",
        "Evaluation",
        "Live evaluation",
        "Data",
        "Recipe",
        "Machine and versions",
    ];
    assert_eq!(texts(&html, "main > section > h2"), sections);
    assert_eq!(texts(&html, "nav a"), sections);
    assert_eq!(texts(&html, "h1 .chip"), ["finished"]);
    // Loss and learning rate of four stages.
    assert_eq!(count(&html, "#training figure svg.plot"), 4 * 2);
    assert_eq!(texts(&html, "#overview tbody tr th").len(), 4);
    let overview = texts(&html, "#overview tbody tr:first-child").concat();
    // The mean of the last six steps' losses; e to the held-out loss.
    for text in [
        "7.000 → 1.051",
        "7.000 → 0.058",
        "1.06",
        "120k",
        "2000",
        "100 MiB",
        "1 min 0 s",
    ] {
        assert!(overview.contains(text), "{text} in {overview}");
    }
    assert!(texts(&html, "#recipe pre").concat().contains("seed = 42"));
    assert!(
        texts(&html, "#evaluation .missing")
            .concat()
            .contains("glpft eval static")
    );
}

#[test]
fn what_is_missing_is_said() {
    let mut run = page();
    run.stages = vec![
        stage(Stage::Global, 10),
        stage(Stage::Planner, 10),
        stage(Stage::Caller, 10),
    ];
    run.stages[1].state = StageState::Begun;
    run.stages[1].validations.clear();
    run.stages[2].state = StageState::Waiting;
    run.stages[2].steps.clear();
    (run.source, run.datasets, run.machine) = (None, Vec::new(), None);
    run.problems = vec!["summary.json is no JSON".to_owned()];
    let html = parsed(&run);
    assert_eq!(texts(&html, "h1 .chip"), ["1 of 3 stages finished"]);
    assert_eq!(texts(&html, ".problem"), run.problems);
    assert_eq!(
        texts(&html, "#overview .state"),
        ["unfinished", "not begun"]
    );
    assert!(
        texts(&html, "#training")
            .concat()
            .contains("unfinished: 10 steps, epoch 1.00 of")
    );
    assert!(
        texts(&html, "#training .missing")
            .concat()
            .contains("Not begun")
    );
    assert!(
        texts(&html, "#data .missing")
            .concat()
            .contains("not prepared")
    );
    assert!(
        texts(&html, "#machine .missing")
            .concat()
            .contains("summary.json")
    );
}

#[test]
fn samples_are_shown_by_kind() {
    let finish = "assistant: I know. Next: conclusion.</s>conclusion: It rains in Oslo.</s>";
    let lines = [
        line(
            "one",
            &call("{\"city\": \"Oslo\"}"),
            &call("{\"city\": \"Oslo\"}"),
        ),
        line(
            "one",
            &call("{\"city\": \"Oslo\"}"),
            &call("{\"city\": \"Rome\"}"),
        ),
        line("two", &call("{}"), &call("{}").replace("weather", "wether")),
        line("two", finish, &call("{}")),
        line("two", finish, &finish.replace("It rains in Oslo", "No")),
    ];
    let (part, problems) = evaluation(&lines, true);
    assert_eq!(problems, Vec::<String>::new());
    let mut run = page();
    run.evaluations.extend(part);
    let html = parsed(&run);
    let kinds = [
        "Right",
        "Planner wrong",
        "Wrong action",
        "Wrong arguments",
        "Poor answer",
    ];
    assert_eq!(texts(&html, ".kind-name"), kinds);
    assert_eq!(count(&html, ".sample"), 5);
    assert_eq!(texts(&html, ".kind:nth-of-type(4) ins"), ["\"Rome\"}"]);
    assert_eq!(texts(&html, ".kind:nth-of-type(4) del"), ["\"Oslo\"}"]);
    assert_eq!(texts(&html, ".sample .bad").len(), 1);
    assert_eq!(texts(&html, ".metrics .value")[0], "80.0");
    let heat = texts(&html, ".matrix tbody tr:nth-child(2) .heat-count");
    assert_eq!(heat, ["1", "1", "0"]);
    assert!(texts(&html, "#overview .tile").concat().contains("80.0 %"));
    let evaluation = texts(&html, "#evaluation").concat();
    for text in ["planner", "429", "prompts cut", "17", "together 1 min 1 s"] {
        assert!(evaluation.contains(text), "{text}");
    }
}

#[test]
fn an_evaluation_under_way_is_shown_as_far_as_it_is() {
    let whole = line("one", &call("{}"), &call("{}"));
    let half = whole[..whole.len() / 2].to_owned();
    let lines = [whole.clone(), half];
    let (part, problems) = evaluation(&lines, false);
    assert_eq!(problems, Vec::<String>::new());
    let steps = |part: &Option<EvaluationPart>| {
        let scores = part.as_ref()?.scores.as_ref()?;
        Some(scores.counts.steps)
    };
    assert_eq!(steps(&part), Some(1));
    assert!(part.is_some_and(|part| !part.finished));
    // The same file of an evaluation that says it is finished is damaged.
    let (part, problems) = evaluation(&lines, true);
    assert_eq!((steps(&part), problems.len()), (Some(1), 1));
    let (part, _) = evaluation(&[], false);
    assert!(part.is_some_and(|part| part.scores.is_none()));
}

#[test]
fn an_evaluation_of_other_models_is_not_shown_as_the_runs() {
    let lines = [line("one", &call("{}"), &call("{}"))];
    let now = |planner: &str| BTreeMap::from([("planner".to_owned(), planner.to_owned())]);
    let shown = |models| {
        let (part, problems) = evaluation_of(&lines, true, Some(models));
        assert_eq!(problems, Vec::<String>::new());
        let mut run = page();
        run.evaluations.extend(part);
        let html = parsed(&run);
        let said = texts(&html, "#evaluation .missing").concat();
        (count(&html, ".sample"), said.contains("The planner that"))
    };
    assert_eq!(shown(("a", now("a"))), (1, false));
    assert_eq!(shown(("a", now("b"))), (0, true));
    assert_eq!(shown(("a", BTreeMap::new())), (0, true));
}

#[test]
fn nothing_of_a_run_becomes_markup() {
    let mut run = page();
    run.recipe.name = HOSTILE.to_owned();
    run.recipe.description = HOSTILE.to_owned();
    run.recipe_text = HOSTILE.to_owned();
    run.stages[0].from = Some(HOSTILE.to_owned());
    run.problems = vec![HOSTILE.to_owned()];
    run.version = HOSTILE.to_owned();
    if let Some(source) = &mut run.source {
        (source.path, source.form) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        source.bad = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
        source.left_out = vec![LeftOut {
            count: 3,
            reason: HOSTILE.to_owned(),
        }];
    }
    run.datasets[0].name = HOSTILE.to_owned();
    run.datasets[0].dropped = vec![LeftOut {
        count: 1,
        reason: HOSTILE.to_owned(),
    }];
    if let Some(machine) = &mut run.machine {
        (machine.device, machine.version) = (HOSTILE.to_owned(), HOSTILE.to_owned());
    }
    let step = format!(
        "assistant: {HOSTILE} Next: caller.</s>caller: Action: {HOSTILE}\nAction Input: {HOSTILE}</s>"
    );
    let (part, _) = evaluation(
        &[line(HOSTILE, &step, HOSTILE), line(HOSTILE, &step, &step)],
        true,
    );
    run.evaluations.extend(part);
    for evaluation in &mut run.evaluations {
        evaluation.name = HOSTILE.to_owned();
        evaluation.about = vec![(HOSTILE.to_owned(), HOSTILE.to_owned())];
        evaluation.times = vec![(HOSTILE.to_owned(), 1.0)];
        evaluation.roles = vec![RolePart {
            role: HOSTILE.to_owned(),
            ..RolePart::default()
        }];
    }
    let html = parsed(&run);
    for forbidden in [
        "script",
        "img",
        "[onerror]",
        "link",
        "iframe",
        "[src]",
        "[href]:not(nav a)",
    ] {
        assert_eq!(count(&html, forbidden), 0, "{forbidden}");
    }
    assert_eq!(count(&html, "style"), 1);
    // It is there, as text.
    let text = HOSTILE.replace('\u{202e}', "\u{fffd}");
    let all = html.root_element().text().collect::<String>();
    assert!(
        all.matches(&text).count() >= 20,
        "{}",
        all.matches(&text).count()
    );
    let html = run.html();
    assert!(!html.contains('\u{202e}') && html.contains("default-src 'none'"));
}

#[test]
fn several_sources_are_told_apart() {
    let mut run = page();
    let share = |name: &str, label_tokens, held_out_loss| SourceShare {
        name: name.to_owned(),
        label_tokens,
        held_out_loss,
    };
    run.stages[1].sources = vec![
        share("<b>mine</b>", 300, Some(1.25)),
        share("more", 100, None),
    ];
    let cells = texts(&parsed(&run), "#training tbody tr > *");
    let at = cells.iter().position(|text| text.contains("<b>mine</b>"));
    let at = at.unwrap_or_else(|| panic!("{cells:?}"));
    let row: Vec<&str> = cells[at + 1..at + 8]
        .iter()
        .map(|cell| cell.trim())
        .collect();
    assert_eq!(
        row,
        ["300", "75.0 %", "1.250", "more", "100", "25.0 %", "-"]
    );
}

#[test]
fn a_long_log_makes_a_small_page() {
    let mut run = page();
    run.stages[0] = stage(Stage::Global, 100_000);
    run.stages[0].validations = (0..10_000)
        .map(|at| ValidationPoint {
            step: 10 * at,
            loss: 2.0,
            seconds: 0.1,
        })
        .collect();
    run.stages[0].steps[54_321].loss = 99.0;
    let html = run.html();
    assert!(html.len() < 500_000, "{}", html.len());
    // The peak decides the axis.
    let ticks = texts(&parsed(&run), "#training svg text");
    assert!(ticks.iter().any(|text| text.trim() == "80"), "{ticks:?}");
}
