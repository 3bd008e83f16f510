//! An answer as OpenAI's `chat.completion` and its parts.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use glpft_agent::Usage;
use serde_json::{Map, Value, json};

use super::answer::{Act, Answer, GAVE_UP};
use super::now;

/// What every part of one answer says of it.
#[derive(Clone, Debug)]
pub(super) struct Completion {
    id: String,
    created: u64,
    model: String,
    /// What the asker should know of the request, beside what was asked for.
    notes: Vec<String>,
}

impl Completion {
    pub(super) fn new(model: &str, notes: Vec<String>) -> Self {
        Self {
            id: unique(),
            created: now(),
            model: model.to_owned(),
            notes,
        }
    }

    /// The whole answer.
    pub(super) fn whole(&self, answer: &Answer) -> Value {
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), Value::Null);
        message.extend(self.rationale(answer.rationale.as_deref()));
        message.extend(self.act(&answer.act));
        message.insert("refusal".to_owned(), Value::Null);
        let choice = json!({
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": answer.finish,
        });
        let mut whole = self.head("chat.completion", vec![choice]);
        whole.extend(self.extension(answer));
        whole.insert("usage".to_owned(), answer.usage.map_or(Value::Null, usage));
        whole.into()
    }

    /// The first part, sent before there is an answer.
    pub(super) fn first(&self) -> Value {
        self.part(json!({"role": "assistant"}), None)
    }

    /// The planner's rationale.
    pub(super) fn thought(&self, rationale: &str) -> Value {
        self.part(self.rationale(Some(rationale)).into(), None)
    }

    /// What the assistant does, and then that it is done.
    pub(super) fn parts(&self, answer: &Answer) -> [Value; 2] {
        let mut act = self.act(&answer.act);
        if let Some(Value::Array(calls)) = act.get_mut("tool_calls") {
            for (index, call) in calls.iter_mut().enumerate() {
                if let Some(call) = call.as_object_mut() {
                    call.insert("index".to_owned(), index.into());
                }
            }
        }
        let mut end = self.part(json!({}), Some(answer.finish));
        if let Some(end) = end.as_object_mut() {
            end.extend(self.extension(answer));
        }
        [self.part(act.into(), None), end]
    }

    /// What OpenAI's form has no place for, where there is anything: `"glpft": {"left_out_turns", "notes"}`.
    fn extension(&self, answer: &Answer) -> Map<String, Value> {
        let mut told = Map::new();
        if answer.left_out > 0 {
            told.insert("left_out_turns".to_owned(), answer.left_out.into());
        }
        if !self.notes.is_empty() {
            told.insert("notes".to_owned(), self.notes.clone().into());
        }
        let mut extension = Map::new();
        if !told.is_empty() {
            extension.insert("glpft".to_owned(), told.into());
        }
        extension
    }

    /// What the answer took, the last part where it is asked for.
    pub(super) fn usage(&self, answer: &Answer) -> Value {
        let mut part = self.head("chat.completion.chunk", Vec::new());
        part.insert("usage".to_owned(), answer.usage.map_or(Value::Null, usage));
        part.into()
    }

    fn part(&self, delta: Value, finish: Option<&str>) -> Value {
        let choice = json!({
            "index": 0,
            "delta": delta,
            "logprobs": null,
            "finish_reason": finish,
        });
        self.head("chat.completion.chunk", vec![choice]).into()
    }

    fn head(&self, object: &str, choices: Vec<Value>) -> Map<String, Value> {
        let mut head = Map::new();
        head.insert("id".to_owned(), format!("chatcmpl-{}", self.id).into());
        head.insert("object".to_owned(), object.into());
        head.insert("created".to_owned(), self.created.into());
        head.insert("model".to_owned(), self.model.as_str().into());
        head.insert("choices".to_owned(), choices.into());
        head
    }

    fn rationale(&self, rationale: Option<&str>) -> Map<String, Value> {
        let mut fields = Map::new();
        if let Some(rationale) = rationale {
            fields.insert("reasoning_content".to_owned(), rationale.into());
        }
        fields
    }

    fn act(&self, act: &Act) -> Map<String, Value> {
        let mut fields = Map::new();
        match act {
            Act::Call { name, arguments } => {
                let call = json!({
                    "id": format!("call_{}", self.id),
                    "type": "function",
                    "function": {"name": name, "arguments": arguments},
                });
                fields.insert("tool_calls".to_owned(), vec![call].into());
            }
            Act::Say(text) => {
                fields.insert("content".to_owned(), text.as_str().into());
            }
            Act::Nothing => {
                fields.insert("content".to_owned(), "".into());
            }
            Act::GiveUp => {
                fields.insert("content".to_owned(), GAVE_UP.into());
                fields.insert("gave_up".to_owned(), true.into());
            }
        }
        fields
    }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.new_tokens,
        "total_tokens": usage.prompt_tokens + usage.new_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    })
}

/// A name that no other answer has, of this server or of one before it.
pub(super) fn unique() -> String {
    static START: OnceLock<u128> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let start = START.get_or_init(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_nanos())
    });
    format!("{start:x}{:06x}", COUNT.fetch_add(1, Ordering::Relaxed))
}
