use serde_json::json;

use super::*;

const CALL: &str = "t</s>Action: f\nAction Input: {\"a\": 1}";
const NO_ARGUMENTS: &str = "t</s>Action: f\nAction Input: {}";
const FINISH: &str = "t Next: conclusion.</s>conclusion: It is so.";
const GIVE_UP: &str = "t Next: give up.";

fn entry(reference: &str, predictions: &str) -> Entry {
    Entry {
        tools: vec!["f".to_owned()],
        reference: reference.to_owned(),
        predictions: predictions.to_owned(),
        instruction: None,
    }
}

fn report(entries: &[Entry], behaviour: Behaviour) -> Result<MetricReport, &'static str> {
    let mut scorer = Scorer::new(behaviour);
    for entry in entries {
        scorer
            .add(entry)
            .unwrap_or_else(|error| panic!("{entry:?}: {error}"));
    }
    scorer.finish(0)
}

fn fixed(entries: &[Entry]) -> MetricReport {
    report(entries, Behaviour::Fixed).unwrap_or_else(|metric| panic!("{metric}"))
}

#[test]
fn every_metric_is_over_its_own_steps() {
    let entries = [
        entry(CALL, CALL),
        entry(CALL, "t</s>Action: g\nAction Input: {\"a\": 1}"),
        entry(NO_ARGUMENTS, NO_ARGUMENTS),
        entry(FINISH, GIVE_UP),
        entry(GIVE_UP, "t</s>Action: g"),
    ];
    let report = fixed(&entries);
    let metrics = report.metrics;
    assert_eq!(metrics.plan_em, Some(3.0 / 5.0));
    assert_eq!(metrics.action_em, Some(2.0 / 3.0));
    assert_eq!(metrics.hallu_rate, Some(2.0 / 5.0));
    assert_eq!(metrics.rouge, Some(0.0));
    // The other action counts in all three.
    assert_eq!(metrics.easy_f1, Some(1.0 / 2.0));
    assert_eq!(metrics.hard_f1, Some(1.0 / 2.0));
    assert_eq!(metrics.f1, Some(2.0 / 3.0));
    let told = json!(report);
    assert_eq!(
        told["counts"],
        json!({
            "steps": 5,
            "reference": {"call": 3, "finish": 1, "give_up": 1},
            "predicted": {"call": 4, "finish": 0, "give_up": 1},
            "easy": 1, "hard": 1, "other_action": 1,
            "hallucinated": 2, "hallucinated_references": 0,
        })
    );
    assert_eq!(told["confusion"]["call"]["call"], 3);
    assert_eq!(
        told["confusion"]["finish"],
        json!({"call": 0, "finish": 0, "give_up": 1})
    );
    assert_eq!(told["confusion"]["give_up"]["call"], 1);
    assert_eq!(told["intervals"]["over"], "steps");
    assert_eq!(told["f1"], json!(2.0 / 3.0));
    assert_eq!(told["notes"], json!([]));
}

#[test]
fn what_no_step_counts_for_is_absent_or_an_error() {
    let report = |entries: &[Entry], behaviour| report(entries, behaviour).map(|told| told.metrics);
    let told = json!(fixed(&[entry(GIVE_UP, GIVE_UP)]));
    for key in [
        "rouge",
        "action_em",
        "easy_f1",
        "hard_f1",
        "f1",
        "intervals",
    ] {
        assert!(told.get(key).is_none(), "{key}");
    }
    assert_eq!(
        (&told["plan_em"], &told["hallu_rate"]),
        (&json!(1.0), &json!(0.0))
    );
    let only = |step: &str| report(&[entry(step, step)], Behaviour::Compat);
    assert_eq!(only(GIVE_UP), Err("easy_f1"));
    assert_eq!(only(CALL), Err("easy_f1"));
    assert_eq!(only(NO_ARGUMENTS), Err("hard_f1"));
    assert_eq!(report(&[], Behaviour::Compat), Err("plan_em"));
    assert_eq!(report(&[], Behaviour::Fixed), Ok(crate::Metrics::default()));
}

#[test]
fn the_published_means_are_never_zero() {
    let entries = [entry(CALL, "t</s>Action: g")];
    let told = report(&entries, Behaviour::Compat).map(|told| told.metrics);
    let expected = crate::Metrics {
        rouge: Some(0.0),
        plan_em: Some(1.0),
        action_em: Some(0.0),
        easy_f1: Some(1e-30),
        hard_f1: Some(1e-30),
        f1: Some(1e-30),
        hallu_rate: Some(1.0),
    };
    assert_eq!(told, Ok(expected));
    assert_eq!(fixed(&entries).metrics.f1, Some(0.0));
}

#[test]
fn skipped_and_mended_steps_are_counted_and_named() {
    let broken = "t</s>Action: f\nAction Input: {";
    let report = fixed(&[
        entry(CALL, CALL),
        entry(broken, CALL),
        entry("no tag", ""),
        entry(FINISH, "t Next: conclusion.</s>conclusion: ."),
        entry(
            "Next: conclusion conclusion:",
            "Next: conclusion conclusion:",
        ),
    ]);
    assert_eq!(report.counts.steps, 5);
    assert_eq!(report.skipped.reference_arguments_not_json, 1);
    let mended = Mended {
        predictions_without_separator: 1,
        references_without_separator: 1,
        predictions_without_answer: 1,
        references_without_answer: 1,
        empty_answers: 1,
    };
    assert_eq!(report.mended, mended);
    let notes: Vec<_> = report
        .notes
        .iter()
        .map(|note| (note.entry, note.which))
        .collect();
    assert_eq!(
        notes,
        [
            (1, Which::Reference),
            (2, Which::Reference),
            (2, Which::Prediction),
            (3, Which::Prediction),
            (4, Which::Reference),
            (4, Which::Prediction)
        ]
    );
    let many = vec![entry("no tag", CALL); 50];
    let report = fixed(&many);
    assert_eq!(report.notes.len(), MAX_NOTES);
    assert_eq!(report.mended.references_without_separator, 50);
}

#[test]
fn trajectories_are_told_apart_by_instruction_and_tools() {
    let of = |instruction: &str, tool: &str| Entry {
        tools: vec![tool.to_owned()],
        instruction: Some(instruction.to_owned()),
        ..entry(CALL, CALL)
    };
    let mut entries = vec![of("a", "f"), of("b", "f"), of("a", "f"), of("a", "g")];
    let report = fixed(&entries);
    assert_eq!(report.counts.trajectories, Some(3));
    assert_eq!(
        report.intervals.map(|found| found.over),
        Some(Over::Trajectories)
    );
    // One entry that does not tell, anywhere, and steps are drawn.
    entries.insert(1, entry(CALL, CALL));
    let report = fixed(&entries);
    assert_eq!(report.counts.trajectories, None);
    assert_eq!(report.intervals.map(|found| found.over), Some(Over::Steps));
}

#[test]
fn a_step_that_has_no_score_is_not_taken_in() {
    let mut scorer = Scorer::new(Behaviour::Compat);
    assert!(scorer.add(&entry(CALL, "")).is_err());
    assert_eq!(scorer.finish(0), Err("plan_em"));
}
