use super::*;

fn answer(text: &str) -> Finish {
    Finish::Answer(text.to_owned())
}

/// Arguments, and what is read of them by keys and by the published pipeline with the rationale `r`.
#[test]
fn arguments_by_keys_and_as_published() {
    let same = |finish: Finish| (Some(finish.clone()), finish);
    for (arguments, (by_keys, published)) in [
        (
            r#"{"return_type": "give_up_and_restart"}"#,
            same(Finish::GiveUp),
        ),
        (
            r#"{"return_type": "give_answer", "final_answer": "a\nb"}"#,
            same(answer("a\nb")),
        ),
        (
            r#"{"return_type": "give_answer", "final_answer": ""}"#,
            same(answer("")),
        ),
        (r#"{"return_type": "give_answer"}"#, same(answer("none"))),
        (
            r#"{"return_type": 3, "final_answer": "x"}"#,
            same(answer("x")),
        ),
        (
            r#"{"return_type": "give_answer", "final_answer": {"é": [1, 2.50]}}"#,
            same(answer(r#"{"\u00e9": [1, 2.5]}"#)),
        ),
        // An absent answer and a null one are the same.
        (
            r#"{"return_type": "give_answer", "final_answer": null}"#,
            (Some(answer("none")), answer("null")),
        ),
        (
            r#"{"return_type": "a", "return_type": "give_up_and_restart"}"#,
            same(Finish::GiveUp),
        ),
        (
            r#"{"return_type": "x", "final_answer": "cut \ud83d"}"#,
            same(answer("cut \u{fffd}")),
        ),
        (
            r#"{"return_type": "give_answer", "final_answer": "about give_up_and_restart"}"#,
            same(answer("about give_up_and_restart")),
        ),
        // Arguments that do not parse.
        (
            r#"{"return_type": "give_up_and_restart""#,
            same(Finish::GiveUp),
        ),
        (
            r#"{'return_type': 'give_up_and_restart', 'final_answer': None}"#,
            same(Finish::GiveUp),
        ),
        (
            r#"{"return_type":"give_answer","final_answer":"a "quote" of give_up_and_restart"}"#,
            (
                Some(answer("a \"quote\" of give_up_and_restart")),
                Finish::GiveUp,
            ),
        ),
        (
            r#"{"final_answer": "give_up_and_restart"}"#,
            (Some(answer("give_up_and_restart")), Finish::GiveUp),
        ),
        (r#"["give_up_and_restart"]"#, (None, Finish::GiveUp)),
        ("I give_up_and_restart", (None, Finish::GiveUp)),
        (
            r#"{"return_type": "give_answer", "final_answer": "cut"#,
            same(answer("cut")),
        ),
        (
            "{\"return_type\":\"give_answer\",\"final_answer\":\"two\nlines\"}",
            (Some(answer("two\nlines")), answer("r")),
        ),
        (
            "{\"final_answer\": \"two\nlines\"\n}",
            (Some(answer("two\nlines")), answer("two\nlines\"\n")),
        ),
        (r#"{"final_answer": }"quoted"}}"#, (None, answer("quoted"))),
        (
            r#"{"final_answer": "no return type"}"#,
            same(answer("no return type")),
        ),
        (
            r#"{"final_answer":"no space"}"#,
            (Some(answer("no space")), answer("r")),
        ),
        (
            "```json\n{\"return_type\": \"give_answer\", \"final_answer\": \"fenced\"}\n```",
            (Some(answer("fenced")), answer("fenced\"}\n```")),
        ),
        // A return type that was cut is the one that begins so, and none where both do.
        (
            r#"{"final_answer": "x", "return_type": "give_up_and_res"#,
            (
                Some(Finish::GiveUp),
                answer("x\", \"return_type\": \"give_up_and_res"),
            ),
        ),
        (
            r#"{"final_answer": "x", "return_type": "give_an"#,
            (Some(answer("x")), answer("x\", \"return_type\": \"give_an")),
        ),
        (
            r#"{"final_answer": "x", "return_type": "give_"#,
            (None, answer("x\", \"return_type\": \"give_")),
        ),
        // Nothing that is meant can be told.
        (
            r#"{"return_type": "give_answer", "final_"#,
            (None, answer("r")),
        ),
        (r#""a string""#, (None, answer("r"))),
        ("[1]", (None, answer("r"))),
        ("{}", (None, answer("r"))),
        ("", (None, answer("r"))),
    ] {
        assert_eq!(read_finish(arguments), by_keys, "{arguments}");
        let found = published_finish(arguments, Some("r"));
        assert_eq!(found, published, "{arguments}");
    }
    assert_eq!(published_finish("", None), answer("none"));
}

#[test]
fn what_is_not_readable_is_what_the_record_says() {
    let found = |recorded: Option<&str>| {
        let recorded = recorded.map(|text| RecordedEnd {
            final_answer: Some(text.to_owned()),
        });
        finish("broken", Some("r"), recorded.as_ref(), Arguments::Lenient)
    };
    for (recorded, meant) in [
        (Some("It rains."), Some(answer("It rains."))),
        (
            Some(r#"{"return_type": "give_answer", "final_answer": "x"}"#),
            Some(answer("x")),
        ),
        (
            Some(r#"{"return_type": "give_up_and_restart"}"#),
            Some(Finish::GiveUp),
        ),
        (Some("{broken"), None),
        (Some(" "), None),
        (None, None),
    ] {
        assert_eq!(found(recorded), meant, "{recorded:?}");
    }
    let readable = r#"{"final_answer": "own"}"#;
    let recorded = RecordedEnd {
        final_answer: Some("other".to_owned()),
    };
    let own = finish(readable, None, Some(&recorded), Arguments::Lenient);
    assert_eq!(own, Some(answer("own")));
}
