//! What the forms of chats share: from messages and functions to a conversation.
//!
//! The turns are those that [`chat_turns`] makes of the messages, as `glpft serve` does of a request's. Beside them:
//! - every turn of the user begins a new instruction, with all before it as history;
//! - the query that splits are made by is what the user says first, without the system's text;
//! - a call of a function that is not offered, or whose arguments are no JSON object, is not learned; it stays in histories.
//!   `data.arguments`, which mends what ToolBench's records quote of models, has no say here: whoever made a set of chats can
//!   mend it, and served chats are read as they are, too;
//! - a message whose weight is 0 is not learned;
//! - a call of `Finish`, which ends ToolBench's chains, is the answer, or the giving up, that its arguments say.

use std::collections::HashSet;

use serde_json::Value;

use crate::chat::{ChatCall, ChatFunction, ChatMessage, ChatRole, chat_turns};
use crate::conversation::Conversation;
use crate::field::shown;
use crate::finish::{Finish, read_finish};
use crate::marks::{FaultKind, Marks, StepFault};
use crate::python::{first_chars, json};
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::source::Record;
use crate::tool::FINISH;
use crate::turn::Speaker;

/// A call's arguments in a message about them.
const SHOWN: usize = 60;

/// A chat whose messages and functions have been read.
pub(super) struct Chat {
    pub messages: Vec<ChatMessage>,
    pub functions: Vec<ChatFunction>,
    /// Whether every turn of the user begins a new instruction; else all belong to the first.
    pub instructions: bool,
}

impl Chat {
    /// The conversation.
    pub fn record(mut self, options: &ReadOptions) -> Result<Record, RecordError> {
        self.finish()?;
        let read = chat_turns(&self.messages, options.observations)?;
        let Some(first) = read.turns.first() else {
            return Err(RecordError::Empty {
                path: "messages".to_owned(),
            });
        };
        if first.from != Speaker::User {
            return Err(RecordError::Wrong {
                path: self.messages[0].path.clone(),
                problem: "the assistant speaks first; a user's message must come before".to_owned(),
            });
        }
        let instruction = first.value.clone();
        let said = self.messages.iter();
        let query = said
            .filter(|message| message.role == ChatRole::User)
            .filter_map(|message| message.content.as_ref())
            .find(|text| !text.trim().is_empty())
            .cloned()
            .unwrap_or_else(|| instruction.clone());
        let mut marks = Marks {
            parallel_calls: read.parallel_calls,
            cut_replies: read.cut_replies,
            ..Marks::default()
        };
        let offered: HashSet<&str> = self.functions.iter().map(|one| one.name.as_str()).collect();
        // Of each message, how many of its calls have been met among the turns.
        let mut calls = vec![0; self.messages.len()];
        for (turn, &at) in read.messages.iter().enumerate() {
            let message = &self.messages[at];
            if message.weight.is_some_and(|weight| weight <= 0.0) {
                marks.do_not_teach(turn);
            }
            match read.turns[turn].from {
                Speaker::User if turn > 0 && self.instructions => {
                    marks.instructions.push(turn);
                    let said = message.content.iter();
                    let said = said.filter(|_| message.role == ChatRole::User);
                    marks.later_queries.extend(said.cloned());
                }
                Speaker::Caller => {
                    let call = message.calls.get(calls[at]);
                    if let Some(fault) = call.and_then(|call| fault(call, &offered)) {
                        marks.do_not_teach(turn);
                        // The thought before it leads to it.
                        marks.do_not_teach(turn.saturating_sub(1));
                        marks.faults.push(fault);
                    }
                    calls[at] += 1;
                }
                _ => {}
            }
        }
        let functions = self.functions.iter();
        Ok(Record {
            trajectory: None,
            conversation: Conversation {
                query,
                tools: functions.map(|one| one.tool(options.schemas)).collect(),
                instruction,
                turns: read.turns,
                marks,
            },
            extra: false,
        })
    }

    /// Makes answers of the calls of `Finish`, which is no function of the chat's own: such a one is not offered
    /// ([`read_functions`](crate::read_functions)). Of several in a message the first counts. Where other calls stand beside
    /// it, the answer follows their replies; behind calls that nobody has answered yet there is none.
    fn finish(&mut self) -> Result<(), RecordError> {
        let mut messages: Vec<ChatMessage> = Vec::with_capacity(self.messages.len());
        // The ids of the calls of `Finish` that the replies at hand may be to: ids may come again in later rounds.
        let mut finished: Vec<Option<String>> = Vec::new();
        // An answer that waits for the replies to the calls beside it.
        let mut waiting = None;
        for mut message in std::mem::take(&mut self.messages) {
            if message.role == ChatRole::Tool {
                let answers_it = message.answers.is_some() && finished.contains(&message.answers);
                // What the environment said to it is left out.
                if !answers_it && message.name.as_deref() != Some(FINISH) {
                    messages.push(message);
                }
                continue;
            }
            messages.extend(waiting.take());
            finished.clear();
            let (ends_it, calls) = std::mem::take(&mut message.calls)
                .into_iter()
                .partition::<Vec<ChatCall>, _>(|call| call.name == FINISH);
            message.calls = calls;
            let Some(call) = ends_it.first() else {
                messages.push(message);
                continue;
            };
            let Some(end) = read_finish(&call.arguments) else {
                return Err(RecordError::Wrong {
                    path: message.path,
                    problem: format!(
                        "it calls {FINISH} with arguments that tell neither an answer nor that it gives up: {}",
                        shown(&Value::from(call.arguments.clone()))
                    ),
                });
            };
            finished.extend(ends_it.into_iter().map(|call| call.id));
            if message.calls.is_empty() {
                let said = message.content.take().filter(|text| !text.is_empty());
                message.reasoning = match (message.reasoning.take(), said) {
                    (Some(thought), Some(said)) if !thought.is_empty() => {
                        Some(format!("{thought}\n{said}"))
                    }
                    (thought, said) => said.or(thought),
                };
                ends(&mut message, end);
            } else {
                let mut answer = ChatMessage::new(message.path.clone(), ChatRole::Assistant);
                answer.weight = message.weight;
                ends(&mut answer, end);
                waiting = Some(answer);
            }
            messages.push(message);
        }
        if messages
            .last()
            .is_some_and(|last| last.role == ChatRole::Tool)
        {
            messages.extend(waiting);
        }
        self.messages = messages;
        Ok(())
    }
}

/// Makes a message the end of a chain.
fn ends(message: &mut ChatMessage, end: Finish) {
    match end {
        Finish::GiveUp => message.gave_up = true,
        Finish::Answer(answer) => message.content = Some(answer),
    }
}

/// What is wrong with a call, if anything.
fn fault(call: &ChatCall, offered: &HashSet<&str>) -> Option<StepFault> {
    let place = &call.path;
    if !offered.contains(call.name.as_str()) {
        let which = match offered.is_empty() {
            true => "but no function is offered",
            false => "which is not among the functions offered",
        };
        return Some(StepFault {
            kind: FaultKind::NotOffered,
            reason: format!("`{place}` calls `{}`, {which}", short(&call.name)),
        });
    }
    let problem = match json::loads(&call.arguments) {
        Ok(arguments) if arguments.is_object() => return None,
        Ok(_) => "are not an object".to_owned(),
        Err(error) => format!("are not valid JSON ({error})"),
    };
    Some(StepFault {
        kind: FaultKind::NoJson,
        reason: format!(
            "`{place}`: the arguments {problem}: {}",
            short(&call.arguments)
        ),
    })
}

fn short(text: &str) -> String {
    let shown = first_chars(text, SHOWN);
    let mark = if shown.len() < text.len() { "…" } else { "" };
    format!("{}{mark}", shown.escape_debug())
}

/// A message of an assistant that calls functions.
pub(super) fn calls(path: String, calls: Vec<ChatCall>) -> ChatMessage {
    let mut message = ChatMessage::new(path, ChatRole::Assistant);
    message.calls = calls;
    message
}

/// A message that is a text.
pub(super) fn text(path: String, role: ChatRole, text: &str) -> ChatMessage {
    let mut message = ChatMessage::new(path, role);
    message.set_content(text);
    message
}
