//! Numbers as Python's `json` module reads and writes them.

use std::borrow::Cow;

/// Stands for NaN in a number's text, which JSON has no literal for: no program writes this spelling of zero.
pub(super) const NAN_LITERAL: &str = "-0e-4919";
/// A literal beyond the range of a double: Python reads it as infinity.
pub(super) const INFINITY_LITERAL: &str = "1e999";
/// See [`INFINITY_LITERAL`].
pub(super) const NEGATIVE_INFINITY_LITERAL: &str = "-1e999";

/// What `json.dumps(json.loads(literal))` prints: integers digit by digit, anything else as a double's `repr`.
pub(super) fn canonical(literal: &str) -> Cow<'_, str> {
    if literal == NAN_LITERAL {
        return Cow::Borrowed("NaN");
    }
    if !literal.contains(['.', 'e', 'E']) {
        return Cow::Borrowed(if literal == "-0" { "0" } else { literal });
    }
    match literal.parse::<f64>() {
        Ok(value) => Cow::Owned(repr(value)),
        Err(_) => Cow::Borrowed(literal),
    }
}

/// `float.__repr__`, and the names that `json.dumps` gives to what is not finite.
fn repr(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // Both languages print the shortest digits that read back as the same double; only the layout differs.
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return scientific;
    };
    if (-4..16).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_python() {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("-0e0", "-0.0"),
            ("1.0", "1.0"),
            ("1.10", "1.1"),
            ("1E5", "100000.0"),
            ("1e15", "1000000000000000.0"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("1e16", "1e+16"),
            ("1.5e300", "1.5e+300"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.25e-7", "1.25e-07"),
            ("5e-324", "5e-324"),
            ("0.1", "0.1"),
            ("2.9574317932128906", "2.9574317932128906"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("123456789.12345678901", "123456789.12345679"),
            ("1e999", "Infinity"),
            ("-1e999", "-Infinity"),
            (NAN_LITERAL, "NaN"),
        ];
        for (literal, printed) in cases {
            assert_eq!(canonical(literal), printed, "{literal}");
        }
    }
}
