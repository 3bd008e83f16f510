//! Values as Python prints them.

use std::fmt::Write;

use serde_json::Value;

use super::json;

/// `str(value)` of what `json.loads` makes of a JSON value: a text as it is; anything else as [`repr`].
///
/// Tool servers cut this text, and StableToolBench's cache has it of the arguments as its key.
pub fn str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => repr(other),
    }
}

/// `repr(value)` of what `json.loads` makes of a JSON value, such as `{'a': [1, None, True]}`.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(_) => out.push_str(&number(value)),
        Value::String(text) => write_text(text, out),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(element, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_text(key, out);
                out.push_str(": ");
                write_value(value, out);
            }
            out.push('}');
        }
    }
}

/// A number prints as in JSON, but for the names of what is not finite.
fn number(value: &Value) -> String {
    let text = json::dumps(value).unwrap_or_else(|_| value.to_string());
    match text.as_str() {
        "NaN" => "nan".to_owned(),
        "Infinity" => "inf".to_owned(),
        "-Infinity" => "-inf".to_owned(),
        _ => text,
    }
}

/// In single quotes, but in double quotes where it holds a single one and no double one.
fn write_text(text: &str, out: &mut String) {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    out.push(quote);
    for character in text.chars() {
        let escaped = match character {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\\' => out.write_str("\\\\"),
            _ if character == quote => write!(out, "\\{character}"),
            _ if is_printable(character) => out.write_char(character),
            '\0'..='\u{ff}' => write!(out, "\\x{:02x}", u32::from(character)),
            '\u{100}'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(character)),
            _ => write!(out, "\\U{:08x}", u32::from(character)),
        };
        // Writing to a string does not fail.
        debug_assert!(escaped.is_ok());
    }
    out.push(quote);
}

/// `char.isprintable()`: all but control, format, unassigned and private characters and separators other than the space.
///
/// Rust's debug format escapes by the same categories, but for marks that would join what stands before a text: behind a
/// letter it leaves them.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return (' '..='~').contains(&character);
    }
    let mut behind_letter = String::from("a");
    behind_letter.push(character);
    behind_letter.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_in_python() {
        // What Python 3.11 prints of `json.loads` of the left.
        for (text, printed) in [
            (
                r#"{"a": [1, null, true], "b": {}}"#,
                "{'a': [1, None, True], 'b': {}}",
            ),
            (
                r#"[1.50, 1e5, 1e16, -0.0, 12345678901234567890]"#,
                "[1.5, 100000.0, 1e+16, -0.0, 12345678901234567890]",
            ),
            (
                r#"[NaN, Infinity, -Infinity, false]"#,
                "[nan, inf, -inf, False]",
            ),
            (
                r#"{"q": "it's", "r": "it's \"so\"", "s": "\"so\""}"#,
                r#"{'q': "it's", 'r': 'it\'s "so"', 's': '"so"'}"#,
            ),
            (
                r#"["a\nb\t\\\r\u0000\u007f\u00a0\u00ad"]"#,
                r"['a\nb\t\\\r\x00\x7f\xa0\xad']",
            ),
            (
                r#"["é日\u0301\u200b\ue000\ud83d\ude00\udb80\udc00"]"#,
                "['é日\u{301}\\u200b\\ue000😀\\U000f0000']",
            ),
            (r#""it's""#, r#""it's""#),
        ] {
            let value = json::loads(text).expect("JSON");
            assert_eq!(repr(&value), printed, "{text}");
        }
        assert_eq!(str(&Value::from("it's")), "it's");
        assert_eq!(str(&json::loads("[\"a\"]").expect("JSON")), "['a']");
    }
}
