#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use serde_json::Value;

use super::*;

fn round(text: &str) -> String {
    dumps(&loads(text).unwrap()).unwrap()
}

#[test]
fn separators_escapes_and_numbers_are_pythons() {
    assert_eq!(
        round(r#"{"a":[1,2.50,-0,1E3],"é":"ü😀\u007f\b\f\n\r\t\u0001\"\\/","e":{},"l":[]}"#),
        r#"{"a": [1, 2.5, 0, 1000.0], "\u00e9": "\u00fc\ud83d\ude00\u007f\b\f\n\r\t\u0001\"\\/", "e": {}, "l": []}"#
    );
    assert_eq!(
        round("123456789012345678901234567890"),
        "123456789012345678901234567890"
    );
}

#[test]
fn constants_survive() {
    assert_eq!(
        round(r#"[NaN,Infinity,-Infinity,1e400,"NaN -Infinity",-1]"#),
        r#"[NaN, Infinity, -Infinity, Infinity, "NaN -Infinity", -1]"#
    );
    for text in ["1NaN", "NaN1", "1Infinity", "-NaN", "Nan", "I", "[-]"] {
        assert!(loads(text).is_err(), "{text}");
    }
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    assert_eq!(loads(r#""a\ud83d""#).unwrap(), Value::from("a\u{fffd}"));
    assert_eq!(loads(r#""\ude00b""#).unwrap(), Value::from("\u{fffd}b"));
    assert_eq!(
        loads(r#""\uD83D\uDE00\ud83d\ud83d\ude00""#).unwrap(),
        Value::from("😀\u{fffd}😀")
    );
    assert_eq!(
        loads(r#""\\ud83d \ud83d\\ude00""#).unwrap(),
        Value::from("\\ud83d \u{fffd}\\ude00")
    );
    for text in [
        r#""\ud8"#,
        r#""\ud83"#,
        r#""\udé00"#,
        r#""\ud83d"#,
        "\"\\ud83d\\",
    ] {
        assert!(loads(text).is_err(), "{text}");
    }
}

#[test]
fn the_last_of_two_equal_keys_counts_at_the_first_ones_place() {
    assert_eq!(round(r#"{"a":1,"b":2,"a":3}"#), r#"{"a": 3, "b": 2}"#);
    assert_eq!(
        load_key(r#"{"a":1,"b":2,"a":3}"#, "a").unwrap(),
        Some(Value::from(3))
    );
}

#[test]
fn a_key_is_picked_without_building_the_rest() {
    // Deeper than any value that would be built may be.
    let deep = format!(
        r#"{{"tree":{}{},"a":"x"}}"#,
        "[".repeat(5000),
        "]".repeat(5000)
    );
    assert_eq!(load_key(&deep, "a").unwrap(), Some(Value::from("x")));
    assert_eq!(load_key("{}", "a").unwrap(), None);
    for text in ["[]", "3", r#"{"a":1"#, r#"{"a":1} x"#, ""] {
        assert!(load_key(text, "a").is_err(), "{text}");
    }
    assert!(loads(&"[".repeat(100_000)).is_err());
}

#[test]
fn elements_come_one_at_a_time() {
    let mut seen = Vec::new();
    load_elements("[1,2,3]", |value| {
        seen.push(value);
        true
    })
    .unwrap();
    assert_eq!(seen, [1, 2, 3]);
    let mut count = 0;
    load_elements("[1,2 broken", |_| {
        count += 1;
        false
    })
    .unwrap();
    assert_eq!(count, 1);
    assert!(load_elements("[1,2", |_| true).is_err());
    assert!(load_elements("{}", |_| true).is_err());
}

#[test]
fn elements_are_indented_as_in_python() {
    let element = |text: &str| {
        let value = loads(text).unwrap();
        String::from_utf8(dump_element(&value).unwrap()).unwrap()
    };
    assert_eq!(
        element(r#"{"a":[],"b":[1,{"c":"é\u007f"}],"d":{}}"#),
        "\n  {\n    \"a\": [],\n    \"b\": [\n      1,\n      {\n        \"c\": \"\\u00e9\\u007f\"\n      }\n    ],\n    \"d\": {}\n  }"
    );
    assert_eq!(element("2"), "\n  2");
}

#[test]
fn an_escaped_text_is_what_stands_between_the_quotes() {
    let every: String = (0..0x800).filter_map(char::from_u32).collect();
    let mut texts = vec![every, "😀\u{ffff}\u{10ffff}".to_owned(), String::new()];
    // Where blocks of bytes end.
    for length in 30..70 {
        texts.push("a".repeat(length));
        texts.push(format!("{}\"{}", "a".repeat(length), "b".repeat(length)));
        texts.push(format!("{}é", "~ ".repeat(length)));
    }
    for text in texts {
        let mut escaped = vec![b'"'];
        escape(&text, &mut escaped);
        escaped.push(b'"');
        assert_eq!(String::from_utf8(escaped).unwrap(), dumps(&text).unwrap());
    }
}
