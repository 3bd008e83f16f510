//! Anthropic's Messages API, as its requests are logged: `system`, `tools`, and `messages` whose `content` is a text or a list of
//! blocks (<https://docs.anthropic.com/en/api/messages>).
//!
//! | block | of | becomes |
//! |---|---|---|
//! | `text` | both | the message's text |
//! | `thinking` | the assistant | its thought; `redacted_thinking` says nothing that can be read |
//! | `tool_use` | the assistant | a call |
//! | `tool_result` | the user | a tool's reply, before the text of its message |
//!
//! Messages of one speaker that follow each other are one, as the API reads them. Calls and replies are compared here, before the
//! chat is read, so that an error names the block.

use std::collections::HashSet;

use serde_json::Value;

use super::chat::{self, Chat};
use super::{Form, tools, turns};
use crate::chat::{ChatCall, ChatMessage, ChatRole};
use crate::field::{Field, shown};
use crate::python::json;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::source::Record;
use crate::tool::FINISH;

pub(super) const FORM: Form = Form {
    name: "Anthropic chat",
    keys: &["messages", "system", "tools"],
    is: |record| {
        turns::list(record).iter().any(has_own_block)
            || record.get("messages").is_some() && record.get("system").is_some_and(Value::is_array)
    },
    read,
};

/// Whether a message has a block that OpenAI's chats do not have. A text alone reads the same in both.
fn has_own_block(message: &Value) -> bool {
    let blocks = message.get("content").and_then(Value::as_array);
    blocks.is_some_and(|blocks| {
        blocks.iter().any(|block| {
            match block.get("type").and_then(Value::as_str) {
                Some("tool_use" | "tool_result" | "redacted_thinking") => true,
                // Mistral's chats have parts of this name, too; there a list is inside.
                Some("thinking") => block.get("thinking").is_some_and(Value::is_string),
                _ => false,
            }
        })
    })
}

fn read(record: &Field<'_>, options: &ReadOptions) -> Result<Record, RecordError> {
    let mut reader = Reader::default();
    let mut functions = None;
    if record.value().is_object() {
        functions = tools::beside(record)?;
        if let Some(system) = record.find("system")? {
            for text in texts(&system)? {
                let text = chat::text(system.path(), ChatRole::System, text);
                reader.messages.push(text);
            }
        }
    }
    let messages = turns::field(record)?;
    let elements = messages.elements()?;
    if elements.len() == 0 {
        return Err(RecordError::Empty {
            path: messages.path(),
        });
    }
    for message in elements {
        reader.message(&message)?;
    }
    Chat {
        messages: reader.end()?,
        functions: functions.unwrap_or_default(),
        instructions: true,
    }
    .record(options)
}

/// What a block is.
enum Block<'a> {
    Text(&'a str),
    Thinking(&'a str),
    Redacted,
    Use(Field<'a>),
    Result(Field<'a>),
}

/// The blocks of a `content`, each with its place. A string is one block of text.
fn blocks<'a>(content: &Field<'a>) -> Result<Vec<(Field<'a>, Block<'a>)>, RecordError> {
    match content.value() {
        Value::String(text) => return Ok(vec![(content.clone(), Block::Text(text))]),
        Value::Array(_) => {}
        _ => return Err(content.not("a string or a list of blocks")),
    }
    let read = |field: Field<'a>| {
        let kind = field.key("type")?;
        let block = match kind.text()? {
            "text" => Block::Text(field.key("text")?.text()?),
            "thinking" => Block::Thinking(field.key("thinking")?.text()?),
            "redacted_thinking" => Block::Redacted,
            "tool_use" => Block::Use(field.clone()),
            "tool_result" => Block::Result(field.clone()),
            _ => {
                return Err(RecordError::Unknown {
                    path: kind.path(),
                    expected: "text, thinking, redacted_thinking, tool_use, tool_result",
                    found: shown(kind.value()),
                });
            }
        };
        Ok((field, block))
    };
    content.elements()?.map(read).collect()
}

/// The blocks of a `content` that may hold texts only.
fn texts<'a>(content: &Field<'a>) -> Result<Vec<&'a str>, RecordError> {
    let text = |(field, block): (Field<'a>, Block<'a>)| match block {
        Block::Text(text) => Ok(text),
        _ => Err(field.wrong("only a block of text may stand here")),
    };
    blocks(content)?.into_iter().map(text).collect()
}

#[derive(Default)]
struct Reader<'a> {
    messages: Vec<ChatMessage>,
    /// The ids of the round's calls: those of the assistant's last message.
    ids: HashSet<&'a str>,
    /// Those of them that need a reply, with their places.
    calls: Vec<(&'a str, String)>,
    /// Those of them that have one.
    replied: HashSet<&'a str>,
}

impl<'a> Reader<'a> {
    fn message(&mut self, message: &Field<'a>) -> Result<(), RecordError> {
        let role = message.key("role")?;
        let is_user = match role.text()? {
            "user" => true,
            "assistant" => false,
            _ => {
                return Err(RecordError::Unknown {
                    path: role.path(),
                    expected: "user, assistant",
                    found: shown(role.value()),
                });
            }
        };
        let content = message.key("content")?;
        let blocks = blocks(&content)?;
        if blocks.is_empty() {
            return Err(RecordError::Empty {
                path: content.path(),
            });
        }
        match is_user {
            true => self.user(message.path(), blocks),
            false => self.assistant(message.path(), blocks),
        }
    }

    fn user(
        &mut self,
        path: String,
        blocks: Vec<(Field<'a>, Block<'a>)>,
    ) -> Result<(), RecordError> {
        let mut said = None;
        for (field, block) in blocks {
            match block {
                Block::Text(text) => said.get_or_insert_with(String::new).push_str(text),
                Block::Result(result) => self.result(&result)?,
                _ => return Err(field.wrong("a user's message holds text and tool_result only")),
            }
        }
        let Some(said) = said else {
            return Ok(());
        };
        match self.last(ChatRole::User) {
            Some(before) => add(&mut before.content, "\n\n", &said),
            None => {
                self.ends_round()?;
                let text = chat::text(path, ChatRole::User, &said);
                self.messages.push(text);
            }
        }
        Ok(())
    }

    fn result(&mut self, result: &Field<'a>) -> Result<(), RecordError> {
        let id = result.key("tool_use_id")?.text()?;
        if !self.ids.contains(id) {
            let problem =
                "its tool_use_id is that of no tool_use in the assistant's message before";
            return Err(result.wrong(problem));
        }
        if !self.replied.insert(id) {
            return Err(result.wrong("a tool_result before it has the same tool_use_id"));
        }
        // A tool that returns nothing has no content.
        let text = match result.find("content")? {
            Some(content) => texts(&content)?.concat(),
            None => String::new(),
        };
        let mut reply = chat::text(result.path(), ChatRole::Tool, &text);
        reply.answers = Some(id.to_owned());
        self.messages.push(reply);
        Ok(())
    }

    fn assistant(
        &mut self,
        path: String,
        blocks: Vec<(Field<'a>, Block<'a>)>,
    ) -> Result<(), RecordError> {
        let mut message = match self.last(ChatRole::Assistant) {
            Some(_) => self.messages.pop(),
            None => None,
        };
        if message.is_none() {
            self.ends_round()?;
        }
        let mut before = message.as_mut().and_then(|message| message.content.take());
        let mut message = message.unwrap_or_else(|| ChatMessage::new(path, ChatRole::Assistant));
        let mut said = None;
        for (field, block) in blocks {
            match block {
                Block::Text(text) => said.get_or_insert_with(String::new).push_str(text),
                Block::Thinking(thought) if !thought.is_empty() => {
                    add(&mut message.reasoning, "\n", thought);
                }
                Block::Thinking(_) | Block::Redacted => {}
                Block::Use(call) => message.calls.push(self.call(&call)?),
                Block::Result(_) => {
                    return Err(field.wrong("a tool_result stands in a user's message only"));
                }
            }
        }
        if let Some(said) = said {
            message.set_content(&said);
            if let Some(said) = message.content.take() {
                add(&mut before, "\n\n", &said);
            }
        }
        message.content = before;
        self.messages.push(message);
        Ok(())
    }

    fn call(&mut self, call: &Field<'a>) -> Result<ChatCall, RecordError> {
        let id = call.key("id")?.text()?;
        let name = call.key("name")?.text()?;
        let input = call.key("input")?;
        if !self.ids.insert(id) {
            return Err(call.wrong("a tool_use before it has the same id"));
        }
        // The chat's reader makes an answer of `Finish`, whether it has a reply or not.
        if name != FINISH {
            self.calls.push((id, call.path()));
        }
        Ok(ChatCall {
            id: Some(id.to_owned()),
            name: name.to_owned(),
            arguments: match input.value() {
                Value::Object(input) => json::dumps(input)?,
                // Collected from a stream and not parsed; it may be cut.
                Value::String(text) => text.clone(),
                _ => return Err(input.not("an object or its text")),
            },
        })
    }

    /// The last message, if it is of this speaker.
    fn last(&mut self, role: ChatRole) -> Option<&mut ChatMessage> {
        let last = self.messages.last_mut();
        last.filter(|last| last.role == role)
    }

    /// Another speaker's text follows: every call has its reply now.
    fn ends_round(&mut self) -> Result<(), RecordError> {
        self.says_something()?;
        for (id, path) in self.calls.drain(..) {
            if !self.replied.contains(id) {
                return Err(RecordError::Wrong {
                    path,
                    problem: format!(
                        "no tool_result in the user's message after it has the tool_use_id {id:?}"
                    ),
                });
            }
        }
        self.ids.clear();
        self.replied.clear();
        Ok(())
    }

    /// An assistant that only thought has taken no step.
    fn says_something(&mut self) -> Result<(), RecordError> {
        match self.last(ChatRole::Assistant) {
            Some(last) if last.content.is_none() && last.calls.is_empty() => {
                Err(RecordError::Wrong {
                    path: last.path.clone(),
                    problem: "it has neither text nor tool_use".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// All messages. The last ones may be calls without any reply.
    fn end(mut self) -> Result<Vec<ChatMessage>, RecordError> {
        match self.replied.is_empty() {
            true => self.says_something()?,
            false => self.ends_round()?,
        }
        Ok(self.messages)
    }
}

/// Adds a text to one that may be there.
fn add(to: &mut Option<String>, between: &str, text: &str) {
    match to {
        Some(before) if !before.is_empty() => {
            before.push_str(between);
            before.push_str(text);
        }
        _ => *to = Some(text.to_owned()),
    }
}
