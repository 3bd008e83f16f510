use serde_json::json;

use super::*;

fn read(text: &str) -> Option<(Value, Ending)> {
    read_lenient(text).map(|read| (read.value, read.ending))
}

#[test]
fn what_is_meant_is_read() {
    use Ending::{Cut, Unclosed, Whole};
    for (text, value, ending) in [
        // Strict JSON, of any kind.
        (r#"{"a": 1}"#, json!({"a": 1}), Whole),
        ("[1]", json!([1]), Whole),
        (r#""x""#, json!("x"), Whole),
        (" 3 ", json!(3), Whole),
        ("\u{feff}{}", json!({}), Whole),
        (r#"{"a": "{\"b\": 1}"}"#, json!({"a": "{\"b\": 1}"}), Whole),
        // Raw line breaks, tabs, escapes that JSON does not know.
        (
            "{\"a\": \"two\nlines\t.\"}",
            json!({"a": "two\nlines\t."}),
            Whole,
        ),
        (
            "{\"a\":\"two\nlines\"\n}",
            json!({"a": "two\nlines"}),
            Whole,
        ),
        (
            r#"{"a": "it\'s \d \_"}"#,
            json!({"a": r"it's \d \_"}),
            Whole,
        ),
        (
            "{\"a\": \"\\u00e9 \\ud83d\\ude00 \\ud83d \\uzz\n\"}",
            json!({"a": "é 😀 \u{fffd} \\uzz\n"}),
            Whole,
        ),
        // Python's.
        (
            "{'a': True, 'b': None, 'c': [False, 1.5], 'd': \"it's\"}",
            json!({"a": true, "b": null, "c": [false, 1.5], "d": "it's"}),
            Whole,
        ),
        (r"{'a': 'it\'s'}", json!({"a": "it's"}), Whole),
        (
            "{'a': 'it's fine', 'b': 'x'}",
            json!({"a": "it's fine", "b": "x"}),
            Whole,
        ),
        ("{a: 1, b_2: \"x\"}", json!({"a": 1, "b_2": "x"}), Whole),
        // Commas too many and too few.
        ("{\"a\": [1, 2,],}", json!({"a": [1, 2]}), Whole),
        (
            "{\"a\": \"x\"\n \"b\": 2}",
            json!({"a": "x", "b": 2}),
            Whole,
        ),
        // Quotes that are not escaped.
        (
            r#"{"a": "He said "hi", and left"}"#,
            json!({"a": "He said \"hi\", and left"}),
            Whole,
        ),
        (
            r#"{"a": "He said "hi""}"#,
            json!({"a": "He said \"hi\""}),
            Whole,
        ),
        (
            r#"{"t":"give_answer","a":"Titles: "A", "B" and "C".","z":1}"#,
            json!({"t": "give_answer", "a": "Titles: \"A\", \"B\" and \"C\".", "z": 1}),
            Whole,
        ),
        (
            r#"{"a": "a set {"x"} of "y"", "b": {"c": "d "e" f"}, "g": 1}"#,
            json!({"a": "a set {\"x\"} of \"y\"", "b": {"c": "d \"e\" f"}, "g": 1}),
            Whole,
        ),
        (
            r#"{"l": ["an "x" y", "z"], "m": [{"n": "o "p""}, {"q": 1}]}"#,
            json!({"l": ["an \"x\" y", "z"], "m": [{"n": "o \"p\""}, {"q": 1}]}),
            Whole,
        ),
        (
            r#"{"a": "say "x" now"} That is all."#,
            json!({"a": "say \"x\" now"}),
            Whole,
        ),
        // Text around, and fences.
        (
            "I finish: {\"a\": \"two\nlines\"} as \"asked\".",
            json!({"a": "two\nlines"}),
            Whole,
        ),
        ("```json\n{\"a\": 1}\n```", json!({"a": 1}), Whole),
        ("```\n[1, 2]\n```", json!([1, 2]), Whole),
        (
            "So:\n```json\n{\"a\": \"x \"y\" z\"}\n```\n",
            json!({"a": "x \"y\" z"}),
            Whole,
        ),
        ("Sets {x}, {1} and {\"a\": 1}", json!({"a": 1}), Whole),
        (
            "{\"a\": \"code:\n```x```\nend\"}",
            json!({"a": "code:\n```x```\nend"}),
            Whole,
        ),
        // The first brace missing, the end missing.
        (r#""a": 1, "b": "x"}"#, json!({"a": 1, "b": "x"}), Whole),
        (r#""a": 1, "b": "x""#, json!({"a": 1, "b": "x"}), Unclosed),
        (r#"{"a": "x""#, json!({"a": "x"}), Unclosed),
        (
            r#"{"a": {"b": [1, {"c": "x"}"#,
            json!({"a": {"b": [1, {"c": "x"}]}}),
            Unclosed,
        ),
        (r#"{"a": "x", "b"#, json!({"a": "x"}), Cut),
        (r#"{"a": "x", "b":"#, json!({"a": "x"}), Cut),
        (r#"{"a": "x","#, json!({"a": "x"}), Cut),
        (
            r#"{"a": "cut in the mid"#,
            json!({"a": "cut in the mid"}),
            Cut,
        ),
        (r#"{"a": "cut \"#, json!({"a": "cut "}), Cut),
        (r#"{"a": "cut \u00"#, json!({"a": "cut "}), Cut),
        (
            r#"{"a": "He said "hi", and le"#,
            json!({"a": "He said \"hi\", and le"}),
            Cut,
        ),
        (r#"{"a": 12"#, json!({"a": 12}), Cut),
        (r#"{"a": tr"#, json!({"a": null}), Cut),
        ("[1, {\"a\": 2", json!([1, {"a": 2}]), Cut),
        ("{", json!({}), Cut),
        (r#"{"a": "x", "b""#, json!({"a": "x"}), Cut),
        (r#"{"a": ["#, json!({"a": []}), Cut),
    ] {
        assert_eq!(read(text), Some((value, ending)), "{text}");
    }
}

#[test]
fn what_is_to_be_one_value_has_nothing_around_it() {
    for (text, value) in [
        (r#" {"a": "say "x" now"} "#, json!({"a": "say \"x\" now"})),
        (
            "[{'a': True},\n{\"b\": \"two\nlines\"}]",
            json!([{"a": true}, {"b": "two\nlines"}]),
        ),
    ] {
        assert_eq!(whole_lenient_json(text), Some(value), "{text}");
    }
    for text in [
        "{\"a\": \"two\nlines\"}\n{\"b\": 1}",
        "so {\"a\": 1}",
        "{\"a\": \"two\nlines\"",
        "3",
        "",
    ] {
        assert_eq!(whole_lenient_json(text), None, "{text}");
    }
}

#[test]
fn what_is_not_readable_stays_so() {
    for text in [
        "",
        " ",
        "broken",
        "He said \"hi\": no.",
        "see [1] and [2]",
        "{x} {1, 2} {\"a\"}",
        "[1] x",
        "}",
        "{\"a\": }",
        "{\"a\": hello}",
        "{\"a\" 1, \"b\": {\"c\": 2}}",
        "{\"a\": {\"b\": nothing}, \"c\": {\"d\": 1}}",
        "return_type: give_answer",
        "```python\nprint(1)\n```",
        "'",
        "\"",
    ] {
        assert_eq!(read_lenient(text), None, "{text}");
    }
}

#[test]
fn an_object_is_found_by_its_keys() {
    let keys = ["a", "b"];
    let found = |text: &str| lenient_object(text, &keys).map(|read| read.value);
    for (text, value) in [
        (r#"{"a": 1}"#, json!({"a": 1})),
        (r#"{"c": {"a": 2}} {"b": 1}"#, json!({"b": 1})),
        (r#"{"a": null} or {"b": 1}"#, json!({"b": 1})),
        (r#"[{"a": 1}"#, json!({"a": 1})),
        // A string in a string.
        (r#""{\"a\": \"x\"}""#, json!({"a": "x"})),
        (r#""{\"a\": \"two\nlines\"}""#, json!({"a": "two\nlines"})),
    ] {
        assert_eq!(found(text), Some(value), "{text}");
    }
    for text in [
        r#"{"c": "a"}"#,
        r#"{"c": {"a": 1}}"#,
        r#"{"a": null}"#,
        "a",
        "\"a\"",
        "[1]",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
}

/// Whatever the tolerant steps do, valid JSON is what the strict reader says.
#[test]
fn valid_json_is_read_alike_with_text_around() {
    for text in [
        r#"{"a": [1, -0.0, 1e400, NaN, -Infinity, "\ud83d\ude00 \u0000é"], "b": {"a": null}, "a": true}"#,
        r#"{"k": "\"}, {\"", "l": [[], {}, [[{}]]], "12": 12345678901234567890123}"#,
        r#"{"": "", "x": "\\", "y": "\\\"", "z": "a\\"}"#,
    ] {
        let strict = json::loads(text).ok();
        let around = read_lenient(&format!("so {text} and \"more\""));
        assert_eq!(around.map(|read| read.value), strict, "{text}");
    }
}

#[test]
fn any_cut_is_a_beginning_or_unreadable_and_large_texts_end() {
    let text =
        r#"{"return_type": "give_answer", "final_answer": "é \"x\" {y}", "n": [1, 2.5, true]}"#;
    for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
        let Some(read) = read_lenient(&text[..end]) else {
            assert_eq!(end, 0, "{end}");
            continue;
        };
        assert_ne!(read.ending, Ending::Whole);
        if let Some(kind) = read.value.get("return_type") {
            assert!(
                "give_answer".starts_with(kind.as_str().unwrap_or("?")),
                "{end}"
            );
        }
    }
    for piece in [
        "{",
        "[",
        "{\"a\":",
        "{\"a\": \"",
        "\"",
        "\" \"",
        "\"}",
        "'",
        "\", \"",
        "{{}",
        "\\",
        "\"a\",\"",
    ] {
        for start in ["", "{\"a\": \"x ", "{'a': ['"] {
            let text = format!("{start}{}", piece.repeat(100_000));
            let begun = std::time::Instant::now();
            let _ = read_lenient(&text);
            assert!(begun.elapsed().as_secs() < 2, "{start}{piece}");
        }
    }
}
