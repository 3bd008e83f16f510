//! Conversations out again, in the forms that other tools read.
//!
//! What is written is read back by this crate's own readers as the same turns ([`converted`] says what cannot be). Tools'
//! texts become JSON schemas again: each argument has its type, whether it is required, and the rest as its description.

use glpft_recipes::{Observations, Schemas};
use serde_json::{Map, Value, json};

use crate::chat::observation;
use crate::conversation::Conversation;
use crate::example::Dataset;
use crate::tool::{FINISH, Tool};
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn};

/// A form that conversations are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvertForm {
    /// `messages` and `tools`, as OpenAI's API has them.
    OpenAi,
    /// `conversations` of `from` and `value`, with `tools` beside them.
    ShareGpt,
    /// The pipeline's conversations (`raw_data_stage_2.json`).
    Stage2,
}

/// A conversation in another form.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The record.
    pub record: Value,
    /// Whether a planner's turn was spelled otherwise than this crate writes it (`text Next: caller.` without a line break), or
    /// the form does not keep the white space around its thought (ShareGPT); it is read back in the usual spelling.
    pub respelled: bool,
    /// How many tools' texts are not read back as they were.
    pub tools_changed: usize,
    /// How many tools' replies are not read back as they were: chats' are cut at
    /// [`OBSERVATION_CHARACTERS`](crate::OBSERVATION_CHARACTERS), and of an object `{"error", "response"}` only what it says is
    /// read.
    pub replies_changed: usize,
    /// How many turns that were not to be learned are learned of the record, since the form cannot say so.
    pub learned_again: usize,
    /// How many later instructions are read back as part of the first, since the form cannot say so.
    pub instructions_lost: usize,
}

/// Why a conversation cannot be written in another form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConvertError {
    /// The record is one example of a role, not a conversation.
    #[error("is one example of a role; only conversations can be converted")]
    Example,
    /// A turn that has no place in a chat.
    #[error("turn {turn} ({speaker}) {problem}")]
    Turn {
        /// Its index.
        turn: usize,
        /// Who speaks it.
        speaker: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

/// A conversation as a record of `form`. `schemas` is how its tools were read.
///
/// # Errors
/// Turns that no chat has: a planner that hands over to nobody, a reply without its call, a call without its reply that does
/// not end the chat.
pub fn converted(
    conversation: &Conversation,
    form: ConvertForm,
    schemas: Schemas,
) -> Result<Converted, ConvertError> {
    if conversation.marks.example.is_some() {
        return Err(ConvertError::Example);
    }
    if form == ConvertForm::Stage2 {
        return Ok(Converted {
            record: json!(conversation),
            respelled: false,
            tools_changed: 0,
            replies_changed: 0,
            learned_again: conversation.marks.untaught_turns(),
            instructions_lost: conversation.marks.instructions.len(),
        });
    }
    let mut tools_changed = 0;
    let mut tools = Vec::with_capacity(conversation.tools.len());
    for tool in &conversation.tools {
        let (function, same) = function_of(tool, schemas);
        tools_changed += usize::from(!same);
        tools.push(json!({"type": "function", "function": function}));
    }
    let steps = Steps::of(conversation)?;
    let record = match form {
        ConvertForm::ShareGpt => json!({"conversations": steps.sharegpt(), "tools": tools}),
        _ => json!({"messages": steps.openai(), "tools": tools}),
    };
    Ok(Converted {
        record,
        respelled: steps.respelled || form == ConvertForm::ShareGpt && steps.has_loose_thoughts(),
        tools_changed,
        replies_changed: steps.replies_changed(),
        learned_again: steps.learned_again(conversation),
        instructions_lost: 0,
    })
}

/// What is said in a chat.
enum Said<'c> {
    User(&'c str),
    Call {
        name: &'c str,
        arguments: &'c str,
        reply: Option<&'c str>,
    },
    Answer(&'c str),
    GiveUp,
}

/// A step of a chat.
struct Step<'c> {
    /// The turn that it begins with.
    turn: usize,
    /// The thought before what is said.
    thought: Option<&'c str>,
    said: Said<'c>,
    /// Whether it is to be learned.
    learned: bool,
}

impl Step<'_> {
    fn is_unanswered(&self) -> bool {
        matches!(self.said, Said::Call { reply: None, .. })
    }
}

/// A chat's steps in order.
struct Steps<'c> {
    steps: Vec<Step<'c>>,
    /// Where the calls begin that end the chat without replies: they are one message.
    unanswered: usize,
    respelled: bool,
}

impl<'c> Steps<'c> {
    fn of(conversation: &'c Conversation) -> Result<Self, ConvertError> {
        let turns = &conversation.turns;
        let mut all = Self {
            steps: Vec::new(),
            unanswered: 0,
            respelled: false,
        };
        let mut at = 0;
        while let Some(turn) = turns.get(at) {
            let wrong = |problem| ConvertError::Turn {
                turn: at,
                speaker: turn.from.name(),
                problem,
            };
            let learned = |turn: usize| {
                let marks = &conversation.marks;
                Dataset::ALL.iter().any(|data| marks.teaches(turn, *data))
            };
            match turn.from {
                Speaker::User => {
                    all.steps.push(Step {
                        turn: at,
                        thought: None,
                        said: Said::User(&turn.value),
                        learned: true,
                    });
                    at += 1;
                }
                Speaker::Assistant => {
                    let next = turns.get(at + 1);
                    let (said, tag, taken) = said_after(turn, next, turns.get(at + 2))
                        .ok_or_else(|| wrong("hands over to nobody"))?;
                    let (thought, usual) = thought_before(&turn.value, tag)
                        .ok_or_else(|| wrong("does not end with what comes next"))?;
                    all.respelled |= !usual;
                    all.steps.push(Step {
                        turn: at,
                        thought,
                        said,
                        learned: learned(at) || (taken > 1 && learned(at + 1)),
                    });
                    at += taken;
                }
                Speaker::Caller | Speaker::Conclusion | Speaker::Observation => {
                    return Err(wrong("has no turn of the planner, or no call, before it"));
                }
            }
        }
        all.end()?;
        Ok(all)
    }

    /// Makes the calls that end the chat without replies one message; it has one thought, which is the first call's, and is learned
    /// or not as a whole: a call that is not for its own faults is told by these again.
    ///
    /// # Errors
    /// Another call without its reply, which no chat has.
    fn end(&mut self) -> Result<(), ConvertError> {
        let answered = self.steps.iter().rposition(|step| !step.is_unanswered());
        self.unanswered = answered.map_or(0, |last| last + 1);
        let (before, last) = self.steps.split_at_mut(self.unanswered);
        let mut alone = before.iter().filter(|step| step.is_unanswered());
        let mut thinking = last.iter().skip(1).filter(|step| step.thought.is_some());
        let wrong = match (alone.next(), thinking.next()) {
            (Some(step), _) => Some((
                step,
                "makes a call that nothing replies to, and more follows",
            )),
            (None, Some(step)) => Some((
                step,
                "has a thought of its own, but stands in one message with the unanswered call before it",
            )),
            (None, None) => None,
        };
        if let Some((step, problem)) = wrong {
            return Err(ConvertError::Turn {
                turn: step.turn,
                speaker: Speaker::Assistant.name(),
                problem,
            });
        }
        let learned = last.iter().any(|step| step.learned);
        last.iter_mut().for_each(|step| step.learned = learned);
        Ok(())
    }

    /// How many replies are not read back as they were.
    fn replies_changed(&self) -> usize {
        let replies = self.steps.iter().filter_map(|step| match step.said {
            Said::Call { reply, .. } => reply,
            _ => None,
        });
        replies
            .filter(|reply| observation(reply, Observations::ResponseOrError).0 != **reply)
            .count()
    }

    /// How many turns are learned that were not to be, since a weight is of a whole message. Of calls that end the chat, which
    /// are one message, each says for itself what is wrong with it.
    fn learned_again(&self, conversation: &Conversation) -> usize {
        let answered = self.steps[..self.unanswered].iter();
        let turns = answered.filter(|step| step.learned).flat_map(|step| {
            let taken = match step.said {
                Said::Call { .. } | Said::Answer(_) => 2,
                Said::User(_) | Said::GiveUp => 1,
            };
            step.turn..step.turn + taken
        });
        turns
            .filter(|turn| conversation.marks.is_untaught(*turn))
            .count()
    }

    /// Whether thoughts, or answers behind thoughts, begin or end with white space, or thoughts say nothing.
    fn has_loose_thoughts(&self) -> bool {
        self.steps.iter().any(|Step { thought, said, .. }| {
            thought.is_some_and(|thought| {
                let answer = match said {
                    Said::Answer(answer) => *answer,
                    _ => "",
                };
                thought.trim() != thought || thought.is_empty() || answer.trim() != answer
            })
        })
    }

    fn openai(&self) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut calls = 0;
        for (index, step) in self.steps.iter().enumerate() {
            let Step {
                thought,
                said,
                learned,
                ..
            } = step;
            let mut message = Map::new();
            if let Said::User(text) = said {
                messages.push(json!({"role": "user", "content": text}));
                continue;
            }
            message.insert("role".to_owned(), "assistant".into());
            let content = match said {
                Said::Answer(answer) => Value::from(*answer),
                _ => Value::Null,
            };
            message.insert("content".to_owned(), content);
            if let Some(thought) = thought {
                message.insert("reasoning_content".to_owned(), Value::from(*thought));
            }
            if !learned {
                message.insert("weight".to_owned(), 0.into());
            }
            let mut answered = None;
            match said {
                Said::Call {
                    name,
                    arguments,
                    reply,
                } => {
                    calls += 1;
                    let id = format!("call_{calls}");
                    let function = json!({"name": name, "arguments": arguments});
                    let call = json!({"id": id, "type": "function", "function": function});
                    if index > self.unanswered
                        && let Some(Value::Array(calls)) = messages
                            .last_mut()
                            .and_then(|message: &mut Value| message.get_mut("tool_calls"))
                    {
                        calls.push(call);
                        continue;
                    }
                    message.insert("tool_calls".to_owned(), json!([call]));
                    answered = reply
                        .map(|reply| json!({"role": "tool", "tool_call_id": id, "content": reply}));
                }
                Said::GiveUp => {
                    message.insert("gave_up".to_owned(), true.into());
                }
                Said::User(_) | Said::Answer(_) => {}
            }
            messages.push(message.into());
            messages.extend(answered);
        }
        messages
    }

    fn sharegpt(&self) -> Vec<Value> {
        let mut turns = Vec::new();
        for step in &self.steps {
            let Step {
                thought,
                said,
                learned,
                ..
            } = step;
            let thought = match thought {
                Some(thought) => format!("<think>{thought}</think>"),
                None => String::new(),
            };
            let mut turn = |from: &str, value: String, learned: bool| {
                let mut turn = json!({"from": from, "value": value});
                if !learned {
                    turn["weight"] = 0.into();
                }
                turns.push(turn);
            };
            let call = |name: &str, arguments: Value| {
                format!("{thought}{}", json!({"name": name, "arguments": arguments}))
            };
            match said {
                Said::User(text) => turn("human", (*text).to_owned(), true),
                Said::Answer(answer) => turn("gpt", format!("{thought}{answer}"), *learned),
                Said::GiveUp => {
                    let finish = json!({"return_type": "give_up_and_restart"});
                    turn("function_call", call(FINISH, finish), *learned);
                }
                Said::Call {
                    name,
                    arguments,
                    reply,
                } => {
                    turn(
                        "function_call",
                        call(name, Value::from(*arguments)),
                        *learned,
                    );
                    if let Some(reply) = reply {
                        turn("observation", (*reply).to_owned(), true);
                    }
                }
            }
        }
        turns
    }
}

/// What a planner's turn leads to, the tag that it ends with, and how many turns the step takes.
fn said_after<'c>(
    turn: &'c Turn,
    next: Option<&'c Turn>,
    after: Option<&'c Turn>,
) -> Option<(Said<'c>, &'static str, usize)> {
    match next.map(|next| (next.from, next)) {
        Some((Speaker::Conclusion, next)) => Some((Said::Answer(&next.value), NEXT_CONCLUSION, 2)),
        Some((Speaker::Caller, next)) => {
            let call = next.value.strip_prefix("Action: ")?;
            let (name, arguments) = call.split_once("\nAction Input: ")?;
            let reply = after.filter(|after| after.from == Speaker::Observation);
            let reply = reply.map(|reply| reply.value.as_str());
            let taken = 2 + usize::from(reply.is_some());
            let said = Said::Call {
                name,
                arguments,
                reply,
            };
            Some((said, NEXT_CALLER, taken))
        }
        _ if turn.value.ends_with(NEXT_GIVE_UP) => Some((Said::GiveUp, NEXT_GIVE_UP, 1)),
        _ => None,
    }
}

/// The thought of a planner's turn that ends with `tag`, and whether it is spelled as this crate spells it.
fn thought_before<'t>(text: &'t str, tag: &str) -> Option<(Option<&'t str>, bool)> {
    let before = text.strip_suffix(tag)?;
    if before == " " {
        return Some((None, true));
    }
    Some(match before.strip_suffix("\n ") {
        Some(thought) => (Some(thought), true),
        None => (
            Some(before.trim_end()).filter(|text| !text.is_empty()),
            false,
        ),
    })
}

/// A tool's text as an OpenAI function, and whether that is read back as the same text.
fn function_of(tool: &Tool, schemas: Schemas) -> (Value, bool) {
    let described = tool.description();
    let text = |key: &str| described.get(key).and_then(Value::as_str);
    let description = text("function").unwrap_or_default();
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some(Value::Object(input)) = described.get("input") {
        for (argument, told) in input {
            let (property, is_required) = property_of(told, schemas);
            if is_required {
                required.push(Value::from(argument.as_str()));
            }
            properties.insert(argument.clone(), property);
        }
    }
    let mut parameters = Map::new();
    parameters.insert("type".to_owned(), "object".into());
    parameters.insert("properties".to_owned(), properties.into());
    parameters.insert("required".to_owned(), required.into());
    let same = Tool::of_schema(tool.name(), description, &parameters, schemas) == *tool;
    let function =
        json!({"name": tool.name(), "description": description, "parameters": parameters});
    (function, same)
}

/// An argument's text as a schema, and whether the argument is required.
fn property_of(told: &Value, schemas: Schemas) -> (Value, bool) {
    const REQUIRED: &str = "required";
    let Some(text) = told.as_str() else {
        return (json!({"description": told.to_string()}), false);
    };
    let (kind, mut rest) = match text.split_once(", ") {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (text, None),
    };
    let mut is_required = false;
    if schemas == Schemas::Whole
        && let Some(said) = rest
        && let Some(after) = said.strip_prefix(REQUIRED)
        && (after.is_empty() || after.starts_with(", "))
    {
        is_required = true;
        rest = after.strip_prefix(", ");
    }
    let mut property = json!({"type": kind});
    if let Some(description) = rest {
        property["description"] = description.into();
    }
    (property, is_required)
}
