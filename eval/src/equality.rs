//! Python's `==` on what `json.loads` makes.

use std::borrow::Cow;

use glpft_data::python::json;
use serde_json::Value;

/// Whether Python finds two parsed JSON values equal.
///
/// Numbers are equal by value, whole or not: `1 == 1.0`, exactly, so `9007199254740993 != 9007199254740992.0`; truth
/// values are the numbers 0 and 1: `1 == true`. Objects are equal whatever the order of their keys. A NaN equals
/// nothing, yet inside of an array or object it equals a NaN: there Python first asks whether both are the same Python
/// object, and `json` has but one NaN.
///
/// Unlike in Python two different lone surrogates are equal, since both are read as U+FFFD
/// ([`glpft_data::python::json`]).
pub fn python_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_inside(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal_inside(a, b)))
        }
        _ => match (Number::of(a), Number::of(b)) {
            (Some(a), Some(b)) => a.equals(&b),
            _ => false,
        },
    }
}

fn equal_inside(a: &Value, b: &Value) -> bool {
    let is_nan = |value| matches!(Number::of(value), Some(Number::Float(float)) if float.is_nan());
    python_equal(a, b) || (is_nan(a) && is_nan(b))
}

/// What is a number to Python.
enum Number<'v> {
    /// Decimal digits with their sign: Python's integers have no largest.
    Integer(Cow<'v, str>),
    Float(f64),
}

impl Number<'_> {
    fn of(value: &Value) -> Option<Number<'_>> {
        match value {
            Value::Bool(truth) => Some(Number::Integer(Cow::Borrowed(match truth {
                true => "1",
                false => "0",
            }))),
            Value::Number(_) => {
                // What Python would print tells the kinds apart: a float's text always has a letter or a full stop.
                let text = json::dumps(value).ok()?;
                Some(match text.contains(['.', 'e', 'N', 'I']) {
                    true => Number::Float(match text.as_str() {
                        "Infinity" => f64::INFINITY,
                        "-Infinity" => f64::NEG_INFINITY,
                        "NaN" => f64::NAN,
                        finite => finite.parse().ok()?,
                    }),
                    false => Number::Integer(Cow::Owned(text)),
                })
            }
            _ => None,
        }
    }

    fn equals(&self, other: &Number<'_>) -> bool {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a == b,
            (Number::Float(a), Number::Float(b)) => a == b,
            (Number::Integer(integer), Number::Float(float))
            | (Number::Float(float), Number::Integer(integer)) => {
                // Without a fraction the text has every digit of the float's exact value.
                float.is_finite()
                    && float.fract() == 0.0
                    && *integer
                        == if *float == 0.0 {
                            "0".to_owned()
                        } else {
                            format!("{float:.0}")
                        }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|text| json::loads(text).unwrap_or_else(|e| panic!("{text}: {e}")));
        assert_eq!(python_equal(&a, &b), python_equal(&b, &a), "{a} {b}");
        python_equal(&a, &b)
    }

    #[test]
    fn equal_in_python() {
        for (a, b) in [
            ("1", "1.0"),
            ("1", "true"),
            ("1.0", "true"),
            ("0", "false"),
            ("-0.0", "false"),
            ("-0", "0"),
            ("0", "-0.0"),
            ("1e2", "100"),
            ("0.1", "1e-1"),
            ("9007199254740992", "9007199254740993.0"),
            ("99999999999999991611392", "1e23"),
            ("1e999", "Infinity"),
            ("\"a\"", "\"\\u0061\""),
            ("{\"a\": 1, \"b\": [true]}", "{\"b\": [1.0], \"a\": true}"),
            ("{\"a\": 1, \"a\": 2}", "{\"a\": 2}"),
            ("[NaN]", "[NaN]"),
            ("{\"a\": [NaN]}", "{\"a\": [NaN]}"),
            ("null", "null"),
            ("[]", "[ ]"),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn unequal_in_python() {
        for (a, b) in [
            ("\"1\"", "1"),
            ("9007199254740993", "9007199254740992.0"),
            ("100000000000000000000000", "1e23"),
            ("1", "1.5"),
            ("2", "true"),
            ("null", "false"),
            ("null", "0"),
            ("\"\"", "null"),
            ("[]", "{}"),
            ("[1]", "[1, 1]"),
            ("{\"a\": 1}", "{\"b\": 1}"),
            ("{\"a\": 1}", "{\"a\": 1, \"b\": 1}"),
            ("NaN", "NaN"),
            ("[NaN]", "[1]"),
            ("Infinity", "-Infinity"),
            ("Infinity", "1"),
            ("\"NaN\"", "NaN"),
        ] {
            assert!(!equal(a, b), "{a} {b}");
        }
    }
}
