//! Argument F1 (`f1`, and by the reference's difficulty `easy_f1` and `hard_f1`).

use glpft_agent::Decision;
use glpft_data::python::json;
use serde_json::{Map, Value};

use super::action_matches;
use crate::equality::python_equal;

/// What a step's arguments count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArgumentScore {
    /// Another tool than the reference's: 0 to `easy_f1`, `hard_f1` and `f1`, whatever the arguments.
    OtherAction,
    /// The reference has no arguments: to `easy_f1` and `f1`.
    Easy(f64),
    /// The reference has arguments: to `hard_f1` and `f1`.
    Hard(f64),
    /// Counts nowhere.
    Skipped(ArgumentSkip),
}

/// Why a step with the right action counts nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentSkip {
    /// The reference's own arguments are not JSON, so nothing can be compared with them.
    ReferenceNotJson,
}

/// Scores the arguments of a step; none where the reference calls nothing.
///
/// The first that holds:
/// 1. another action (`none` for a step that calls nothing): [`ArgumentScore::OtherAction`];
/// 2. the reference's arguments are no JSON: skipped;
/// 3. they are `{}`: 1 where the prediction's are JSON and equal `{}`, else 0 ([`ArgumentScore::Easy`]);
/// 4. they are no object, the prediction's are no JSON or no object, or no key is in both: 0 ([`ArgumentScore::Hard`]);
/// 5. with s = (keys of the reference with an equal value) + ½ (keys that are there with another value),
///    R = s / |reference|, P = s / |prediction|: F = 2RP / (R + P) ([`ArgumentScore::Hard`]).
///
/// Equality is Python's ([`python_equal`]). Source: α-UMi, `evaluate-multi_agent.py`, `evaluate_action_input_f1`.
pub fn argument_score(predicted: &Decision, reference: &Decision) -> Option<ArgumentScore> {
    let Decision::Call {
        input: reference_input,
        ..
    } = reference
    else {
        return None;
    };
    if action_matches(predicted, reference) != Some(true) {
        return Some(ArgumentScore::OtherAction);
    }
    let Ok(wanted) = json::loads(reference_input) else {
        return Some(ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson));
    };
    let given = match predicted {
        Decision::Call { input, .. } => json::loads(input).ok(),
        // A step that calls nothing counts as called without arguments.
        Decision::Finish { .. } | Decision::GiveUp => Some(Value::Object(Map::new())),
    };
    let given = given.as_ref().and_then(Value::as_object);
    Some(match (&wanted, given) {
        (Value::Object(wanted), given) if wanted.is_empty() => {
            let equal = given.is_some_and(Map::is_empty);
            ArgumentScore::Easy(if equal { 1.0 } else { 0.0 })
        }
        (Value::Object(wanted), Some(given)) => ArgumentScore::Hard(overlap(wanted, given)),
        _ => ArgumentScore::Hard(0.0),
    })
}

fn overlap(wanted: &Map<String, Value>, given: &Map<String, Value>) -> f64 {
    let mut matched = 0.0;
    for (key, value) in wanted {
        matched += match given.get(key) {
            Some(found) if python_equal(found, value) => 1.0,
            Some(_) => 0.5,
            None => 0.0,
        };
    }
    if matched == 0.0 {
        return 0.0;
    }
    let recall = matched / wanted.len() as f64;
    let precision = matched / given.len() as f64;
    2.0 * recall * precision / (recall + precision)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(action: &str, input: &str) -> Decision {
        Decision::Call {
            action: action.to_owned(),
            input: input.to_owned(),
        }
    }

    fn score(predicted: &str, reference: &str) -> Option<ArgumentScore> {
        argument_score(&call("f", predicted), &call("f", reference))
    }

    #[test]
    fn the_action_comes_first() {
        let other = Some(ArgumentScore::OtherAction);
        assert_eq!(argument_score(&call("g", "{}"), &call("f", "{}")), other);
        assert_eq!(
            argument_score(&call("g", "{}"), &call("f", "no JSON")),
            other
        );
        assert_eq!(argument_score(&Decision::GiveUp, &call("f", "{}")), other);
        assert_eq!(argument_score(&call("f", "{}"), &Decision::GiveUp), None);
        let finish = Decision::Finish {
            answer: "{}".to_owned(),
        };
        assert_eq!(argument_score(&call("f", "{}"), &finish), None);
        assert_eq!(argument_score(&finish, &call("f", "{}")), other);
    }

    #[test]
    fn what_calls_nothing_has_no_arguments() {
        let reference = |input| argument_score(&Decision::GiveUp, &call("none", input));
        assert_eq!(reference("{}"), Some(ArgumentScore::Easy(1.0)));
        assert_eq!(reference("{\"a\": 1}"), Some(ArgumentScore::Hard(0.0)));
    }

    #[test]
    fn a_reference_that_is_no_json_is_skipped() {
        let skipped = ArgumentScore::Skipped(ArgumentSkip::ReferenceNotJson);
        for reference in ["", "{\"a\": 1", "{'a': 1}", "{\"a\": 1}}", "\"a\nb\""] {
            assert_eq!(score("{}", reference), Some(skipped), "{reference}");
        }
    }

    #[test]
    fn a_reference_without_arguments_is_easy() {
        for (predicted, value) in [
            ("{}", 1.0),
            (" { }\n", 1.0),
            ("{\"a\": 1}", 0.0),
            ("[]", 0.0),
            ("null", 0.0),
            ("0", 0.0),
            ("", 0.0),
            ("{", 0.0),
        ] {
            assert_eq!(
                score(predicted, "{}"),
                Some(ArgumentScore::Easy(value)),
                "{predicted}"
            );
        }
    }

    #[test]
    fn a_reference_with_arguments_is_hard() {
        for (predicted, reference, value) in [
            ("{\"a\": 1}", "{\"a\": 1}", 1.0),
            ("{\"a\": true}", "{\"a\": 1.0}", 1.0),
            ("{\"a\": \"1\"}", "{\"a\": 1}", 0.5),
            ("{\"a\": NaN}", "{\"a\": NaN}", 0.5),
            ("{\"a\": [NaN]}", "{\"a\": [NaN]}", 1.0),
            ("{\"b\": 1}", "{\"a\": 1}", 0.0),
            ("{}", "{\"a\": 1}", 0.0),
            // s = 1.5, R = 1.5 / 2, P = 1.5 / 3.
            (
                "{\"a\": 1, \"b\": 0, \"c\": 3}",
                "{\"a\": 1, \"b\": 2}",
                0.6,
            ),
            // Of a key given twice the last value counts.
            ("{\"a\": 2, \"a\": 1}", "{\"a\": 1}", 1.0),
            ("[\"a\"]", "{\"a\": 1}", 0.0),
            ("{\"a\": 1", "{\"a\": 1}", 0.0),
            ("", "{\"a\": 1}", 0.0),
        ] {
            let Some(ArgumentScore::Hard(found)) = score(predicted, reference) else {
                panic!("{predicted} {reference}");
            };
            assert!(
                (found - value).abs() < 1e-12,
                "{predicted} {reference} {found}"
            );
        }
    }

    #[test]
    fn a_reference_that_is_no_object_is_hard_and_never_met() {
        for reference in ["[]", "[1]", "null", "1", "\"a\"", "false", "NaN"] {
            for predicted in [reference, "{}", "no JSON"] {
                assert_eq!(
                    score(predicted, reference),
                    Some(ArgumentScore::Hard(0.0)),
                    "{predicted} {reference}"
                );
            }
        }
    }
}
