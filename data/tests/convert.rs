//! What is converted is read back as it was.
#![allow(clippy::unwrap_used)]

use glpft_data::{
    Contents, Conversation, ConvertForm, Overlap, ReadOptions, Source, Speaker, converted,
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
