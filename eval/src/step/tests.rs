use glpft_agent::ParseError;

use super::*;
use crate::metrics::ArgumentSkip;

fn entry(reference: &str, predictions: &str) -> Entry {
    Entry {
        tools: vec!["f".to_owned()],
        reference: reference.to_owned(),
        predictions: predictions.to_owned(),
        instruction: None,
    }
}

fn score(reference: &str, predictions: &str) -> StepScore {
    let entry = entry(reference, predictions);
    let fixed = score_step(&entry, Behaviour::Fixed)
        .unwrap_or_else(|error| panic!("{predictions}: {error}"));
    let compat = score_step(&entry, Behaviour::Compat);
    match fixed.mended.first() {
        None => assert_eq!(compat.as_ref(), Ok(&fixed)),
        Some(first) => assert_eq!(compat.as_ref(), Err(first)),
    }
    fixed
}

const CALL: &str = "assistant: t Next: caller.</s>caller: Action: f\nAction Input: {\"a\": 1}</s>";
const FINISH: &str = "assistant: t Next: conclusion.</s>conclusion: It is so.</s>";
const GIVE_UP: &str = "t Next: give up.";

#[test]
fn a_call_against_everything() {
    let same = score(CALL, "t</s>Action: f\nAction Input: {\"a\": true}");
    assert!(same.plan && !same.hallucinated && same.mended.is_empty());
    assert_eq!(same.action, Some(true));
    assert_eq!(same.arguments, Some(ArgumentScore::Hard(1.0)));
    assert_eq!(same.rouge, None);
    let hallucinated = score(CALL, "t</s>Action: g\nAction Input: {\"a\": 1}");
    assert!(hallucinated.plan && hallucinated.hallucinated);
    assert_eq!(hallucinated.action, Some(false));
    assert_eq!(hallucinated.arguments, Some(ArgumentScore::OtherAction));
    for other in [FINISH, GIVE_UP] {
        let other = score(CALL, other);
        assert!(!other.plan && !other.hallucinated);
        assert_eq!(other.action, Some(false));
        assert_eq!(other.arguments, Some(ArgumentScore::OtherAction));
        assert_eq!(other.rouge, None);
    }
}

#[test]
fn an_answer_against_everything() {
    let same = score(FINISH, FINISH);
    assert!(same.plan && same.rouge.is_some_and(|f| f > 0.999_999));
    assert_eq!((same.action, same.arguments), (None, None));
    // A call counts as the answer `none`, and still hallucinates.
    let call = score(FINISH, "t</s>Action: g");
    assert!(!call.plan && call.hallucinated);
    assert_eq!(
        (call.action, call.arguments, call.rouge),
        (None, None, Some(0.0))
    );
    let none = "assistant: t Next: conclusion.</s>conclusion: none</s>";
    assert!(score(none, GIVE_UP).rouge.is_some_and(|f| f > 0.999_999));
}

#[test]
fn a_give_up_counts_for_the_plan_alone() {
    for (predicted, plan) in [(GIVE_UP, true), (CALL, false), (FINISH, false)] {
        let found = score(GIVE_UP, predicted);
        assert_eq!(found.plan, plan);
        assert_eq!(
            (found.action, found.arguments, found.rouge),
            (None, None, None)
        );
    }
}

#[test]
fn hallucinated_references_count_as_any_other() {
    let reference = CALL.replace("Action: f", "Action: invalid_hallucination_function_name");
    let same = score(&reference, &reference);
    assert!(same.plan && same.hallucinated && same.reference_hallucinated);
    assert_eq!(same.action, Some(true));
    assert_eq!(same.arguments, Some(ArgumentScore::Hard(1.0)));
    let other = score(&reference, CALL);
    assert!(!other.hallucinated && other.reference_hallucinated);
    assert_eq!(other.action, Some(false));
}

#[test]
fn unparsable_reference_arguments_are_skipped_not_mended() {
    let reference = CALL.replace("{\"a\": 1}", "{\"a\": 1");
    let found = score(&reference, &reference);
    let skipped = ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson);
    assert_eq!(found.arguments, Some(skipped));
    assert_eq!(found.action, Some(true));
    assert!(found.mended.is_empty());
    // Another action is told first.
    let other = score(&reference, "t</s>Action: g");
    assert_eq!(other.arguments, Some(ArgumentScore::OtherAction));
}

#[test]
fn what_the_script_cannot_read_has_a_value() {
    let parse = |which, reason| StepError::Parse { which, reason };
    let found = score(CALL, "");
    assert_eq!(
        found.mended,
        [parse(Which::Prediction, ParseError::NoSeparator)]
    );
    assert_eq!(found.predicted, Plan::Call);
    assert!(!found.hallucinated, "it names no action");
    assert_eq!(found.arguments, Some(ArgumentScore::OtherAction));
    let found = score("no tag", "Action: f\nAction Input: {}");
    assert_eq!(
        found.mended,
        [
            parse(Which::Reference, ParseError::NoSeparator),
            parse(Which::Prediction, ParseError::NoSeparator)
        ]
    );
    assert_eq!((found.plan, found.action), (true, Some(false)));
    let found = score(FINISH, "t Next: conclusion.</s>conclusion:\nIt is so.");
    let reason = ParseError::NoSpaceAfterConclusion;
    assert_eq!(found.mended, [parse(Which::Prediction, reason)]);
    assert!(found.rouge.is_some_and(|f| f > 0.0));
}

#[test]
fn empty_answers_score_nothing() {
    for answer in ["", "...", "</s>"] {
        let empty = format!("t Next: conclusion.</s>conclusion: {answer}");
        let found = score(FINISH, &empty);
        assert_eq!(found.rouge, Some(0.0));
        assert_eq!(
            found.mended,
            [StepError::Rouge {
                reason: RougeError::EmptyHypothesis
            }]
        );
        let found = score(&empty, FINISH);
        assert_eq!(found.rouge, Some(0.0));
        assert_eq!(
            found.mended,
            [StepError::Rouge {
                reason: RougeError::EmptyReference
            }]
        );
    }
}

#[test]
fn answers_too_long_are_an_error_of_both() {
    let long = format!("t Next: conclusion.</s>conclusion: {}", "a ".repeat(20_000));
    for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
        let error = score_step(&entry(&long, &long), behaviour);
        assert!(matches!(
            error,
            Err(StepError::Rouge {
                reason: RougeError::TooLong { .. }
            })
        ));
    }
}
