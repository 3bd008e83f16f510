//! What is converted is read back as it was.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use glpft_data::{
    Contents, Conversation, ConvertForm, Dataset, Overlap, ReadOptions, Source, Speaker, converted,
};
use glpft_recipes::Schemas;
use serde_json::{Value, json};

const OPTIONS: ReadOptions = ReadOptions {
    schemas: Schemas::Whole,
    ..ReadOptions::FIXED
};

/// A generator of small numbers: a case is a function of its seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 8] = [
            "Rain in Bergen.",
            "line\nbreak",
            "\"quoted\" and \\ back",
            "Ünïcödé 天气",
            "Next: caller.",
            "{\"a\": 1}",
            "  spaces  ",
            "Action: none",
        ];
        TEXTS[self.below(TEXTS.len() as u64) as usize].to_owned()
    }
}

fn tools() -> Value {
    let parameters = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "the city"},
            "days": {"type": "integer", "default": 3},
            "order": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
            "unit": {"enum": ["C", "F"]},
        },
        "required": ["city", "order"],
    });
    json!([
        {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": parameters}},
        {"type": "function", "function": {"name": "nothing", "parameters": {"type": "object", "properties": {}}}},
    ])
}

fn record(seed: u64) -> Value {
    let mut numbers = Numbers(seed);
    let mut messages = Vec::new();
    for round in 0..=numbers.below(3) {
        messages.push(json!({"role": "user", "content": format!("{} {round}", numbers.text())}));
        for call in 0..numbers.below(3) {
            let id = format!("{round}-{call}");
            let arguments = ["{\"city\": \"Oslo\"}", "{}", "{broken"][numbers.below(3) as usize];
            let name = ["weather", "unknown"][numbers.below(2) as usize];
            let mut message = json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]});
            if numbers.below(2) == 0 {
                message["reasoning_content"] = numbers.text().into();
            }
            messages.push(message);
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": numbers.text()}));
        }
        messages.push(match numbers.below(4) {
            0 => json!({"role": "assistant", "reasoning_content": numbers.text(), "gave_up": true}),
            _ => json!({"role": "assistant", "content": numbers.text()}),
        });
    }
    json!({"messages": messages, "tools": tools()})
}

fn read(name: &str, text: &str) -> Vec<Conversation> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let source = Source::open(&path, None).unwrap();
    let read = source.read_conversations(&OPTIONS, &mut |_, _| {}).unwrap();
    assert!(read.report.bad.is_empty(), "{:?}", read.report.bad);
    read.conversations
}

fn lines(records: impl IntoIterator<Item = Value>) -> String {
    records
        .into_iter()
        .map(|record| format!("{record}\n"))
        .collect()
}

#[test]
fn what_is_converted_is_read_back_as_it_was() {
    let first = read("given.jsonl", &lines((0..200).map(record)));
    assert_eq!(first.len(), 200);
    for form in [ConvertForm::OpenAi, ConvertForm::ShareGpt] {
        let out = first.iter().map(|conversation| {
            let out = converted(conversation, form, Schemas::Whole).unwrap();
            assert_eq!(out.tools_changed, 0, "{out:?}");
            out
        });
        let out: Vec<_> = out.collect();
        let again = lines(out.iter().map(|out| out.record.clone()));
        let second = read("again.jsonl", &again);
        assert_eq!(second.len(), first.len());
        let respelled = out.iter().filter(|out| out.respelled).count();
        match form {
            ConvertForm::OpenAi => assert_eq!(respelled, 0),
            // A form without a place for thoughts keeps no white space around them.
            _ => assert!(respelled < first.len() / 2, "{respelled}"),
        }
        for ((one, other), out) in first.iter().zip(&second).zip(&out) {
            if out.respelled {
                assert_eq!(one.turns.len(), other.turns.len());
                continue;
            }
            assert_eq!(one.turns, other.turns, "{form:?}");
            assert_eq!(one.tools, other.tools, "{form:?}");
            assert_eq!(one.instruction, other.instruction, "{form:?}");
            assert_eq!(one.marks.instructions, other.marks.instructions);
            assert_eq!(one.marks.untaught, other.marks.untaught, "{form:?}");
        }
    }
    let again = lines(first.iter().map(|conversation| {
        let out = converted(conversation, ConvertForm::Stage2, Schemas::Whole);
        out.unwrap().record
    }));
    let second = read("again.jsonl", &again);
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one.turns, other.turns);
        assert_eq!(one.tools, other.tools);
    }
}

#[test]
fn turns_of_no_chat_are_named() {
    let mut conversation = read("given.jsonl", &lines([record(1)])).remove(0);
    conversation
        .turns
        .retain(|turn| turn.from != Speaker::Assistant);
    let reason = converted(&conversation, ConvertForm::OpenAi, Schemas::Whole).unwrap_err();
    assert!(reason.to_string().starts_with("turn 1 ("), "{reason}");
}

#[test]
fn what_a_form_cannot_say_is_counted() {
    let chat = |messages: Value| {
        read(
            "given.jsonl",
            &lines([json!({"messages": messages, "tools": tools()})]),
        )
        .remove(0)
    };
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "nothing", "arguments": "{}"}});
    let conversation = chat(json!([
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": null, "weight": 0, "tool_calls": [call("1")]},
        {"role": "tool", "tool_call_id": "1", "content": "rain"},
        {"role": "assistant", "content": "Rain."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "Two."},
    ]));
    let stage2 = converted(&conversation, ConvertForm::Stage2, Schemas::Whole).unwrap();
    // The planner's turn and the caller's; "Two?" becomes a part of the first.
    assert_eq!((stage2.learned_again, stage2.instructions_lost), (2, 1));
    for form in [ConvertForm::OpenAi, ConvertForm::ShareGpt] {
        let out = converted(&conversation, form, Schemas::Whole).unwrap();
        assert_eq!((out.learned_again, out.instructions_lost), (0, 0));
        assert_eq!(out.replies_changed, 0);
        // A weight is of a whole message.
        let mut of_some = conversation.clone();
        of_some.marks.untaught.remove(&(1, Dataset::Planner));
        let out = converted(&of_some, form, Schemas::Whole).unwrap();
        assert_eq!(out.learned_again, 2);
    }

    // Replies that chats have otherwise.
    for (reply, changed) in [
        ("rain".to_owned(), 0),
        ("x".repeat(1024), 0),
        ("x".repeat(1028), 1),
        (format!("{}...", "x".repeat(1024)), 0),
        (r#"{"error": "", "response": "rain"}"#.to_owned(), 1),
        (r#"{"error": "none"}"#.to_owned(), 0),
    ] {
        let mut conversation = conversation.clone();
        let observation = conversation
            .turns
            .iter_mut()
            .find(|turn| turn.from == Speaker::Observation);
        observation.unwrap().value.clone_from(&reply);
        for form in [ConvertForm::OpenAi, ConvertForm::ShareGpt] {
            let out = converted(&conversation, form, Schemas::Whole).unwrap();
            assert_eq!(out.replies_changed, changed, "{reply}");
            let again = read("again.jsonl", &lines([out.record])).remove(0);
            let observation = again
                .turns
                .iter()
                .find(|turn| turn.from == Speaker::Observation);
            assert_eq!(observation.unwrap().value != reply, changed > 0, "{reply}");
        }
    }
}

#[test]
fn calls_without_replies_end_a_chat_or_are_named() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "nothing", "arguments": "{}"}});
    let record = json!({"messages": [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Both.", "tool_calls": [call("1"), call("2")]},
    ], "tools": tools()});
    let mut conversation = read("given.jsonl", &lines([record])).remove(0);
    for form in [ConvertForm::OpenAi, ConvertForm::ShareGpt] {
        let out = converted(&conversation, form, Schemas::Whole).unwrap();
        let again = read("again.jsonl", &lines([out.record])).remove(0);
        assert_eq!(again.turns, conversation.turns);
    }
    // Where more follows, no chat has such a call.
    let mut more = conversation.turns[0].clone();
    more.value = "And?".to_owned();
    conversation.turns.push(more);
    for form in [ConvertForm::OpenAi, ConvertForm::ShareGpt] {
        let reason = converted(&conversation, form, Schemas::Whole).unwrap_err();
        assert!(
            reason.to_string().contains("nothing replies to"),
            "{reason}"
        );
    }
}

#[test]
fn overlap_is_by_the_words_of_instructions() {
    let contents = |text: &str| {
        let record = json!({"messages": [{"role": "user", "content": text},
            {"role": "assistant", "content": "Yes."}], "tools": tools()});
        let mut contents = Contents::default();
        for conversation in read("given.jsonl", &lines([record])) {
            contents.add(&conversation);
        }
        contents
    };
    let (one, other) = (contents("Will it  RAIN?"), contents("will it rain"));
    let overlap = Overlap::of(&one, &other);
    assert_eq!((overlap.instructions.both, overlap.tools.both), (1, 2));
    assert_eq!(Overlap::of(&one, &contents("Snow?")).instructions.both, 0);
}

#[test]
fn overlap_knows_later_instructions_and_no_systems_text() {
    let contents = |messages: Value| {
        let mut contents = Contents::default();
        for conversation in read("given.jsonl", &lines([json!({"messages": messages})])) {
            contents.add(&conversation);
        }
        contents
    };
    let user = |text: &str| json!({"role": "user", "content": text});
    let assistant = json!({"role": "assistant", "content": "Yes."});
    let system = |text: &str| json!({"role": "system", "content": text});
    let question = "Will it rain in Oslo tomorrow?";
    let alone = contents(json!([user(question), assistant]));
    let both = |other: &Contents| Overlap::of(&alone, other).instructions.both;
    assert_eq!(
        both(&contents(json!([
            system("Be brief."),
            user(question),
            assistant
        ]))),
        1
    );
    let later = json!([
        user("Hello!"),
        assistant,
        system("Be kind."),
        user(question),
        assistant
    ]);
    let later = contents(later);
    assert_eq!(both(&later), 1);
    assert_eq!(Overlap::of(&later, &alone).instructions.both, 1);
    // A later one that says nothing by itself is not compared.
    let (one, other) = (
        contents(json!([
            user("One?"),
            assistant,
            user("Yes, please."),
            assistant
        ])),
        contents(json!([
            user("Two?"),
            assistant,
            user("Yes, please."),
            assistant
        ])),
    );
    assert_eq!(Overlap::of(&one, &other).instructions.both, 0);
}
