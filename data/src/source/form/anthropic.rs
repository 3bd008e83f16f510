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
//! Messages of one speaker that follow each other are one, as the API reads them.

use serde_json::Value;

use super::chat::{self, Chat};
use super::{Form, tools, turns};
use crate::chat::{ChatCall, ChatMessage, ChatRole, read_weight};
use crate::field::{Field, shown};
use crate::python::json;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::source::Record;

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
                Some("redacted_thinking") => true,
                // Mistral's chats have parts of this name, too; there a list is inside.
                Some("thinking") => block.get("thinking").is_some_and(Value::is_string),
                Some("image" | "document") => block.get("source").is_some(),
                // Also `server_tool_use`, `web_search_tool_result` and the like.
                Some(kind) => kind.ends_with("tool_use") || kind.ends_with("tool_result"),
                None => false,
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
            reader.system(&system)?;
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
        messages: reader.messages,
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

/// The blocks of a `content` or of `system`. A string is one block of text.
fn blocks<'a>(content: &Field<'a>, of: ChatRole) -> Result<Vec<Block<'a>>, RecordError> {
    match content.value() {
        Value::String(text) => return Ok(vec![Block::Text(text)]),
        Value::Array(_) => {}
        _ => return Err(content.not("a string or a list of blocks")),
    }
    let read = |field: Field<'a>| {
        let kind = field.key("type")?;
        Ok(match (kind.text()?, of) {
            ("text", _) => Block::Text(field.key("text")?.text()?),
            ("thinking", ChatRole::Assistant) => Block::Thinking(field.key("thinking")?.text()?),
            ("redacted_thinking", ChatRole::Assistant) => Block::Redacted,
            ("tool_use", ChatRole::Assistant) => Block::Use(field),
            ("tool_result", ChatRole::User) => Block::Result(field),
            _ => {
                return Err(RecordError::Unknown {
                    path: kind.path(),
                    expected: match of {
                        ChatRole::System => "text (no other block of a system's text is read)",
                        ChatRole::User => "text, tool_result (no other block of a user is read)",
                        ChatRole::Assistant => {
                            "text, thinking, redacted_thinking, tool_use (no other block of an assistant is read)"
                        }
                        ChatRole::Tool => "text (no other block of a tool_result is read)",
                    },
                    found: shown(kind.value()),
                });
            }
        })
    };
    content.elements()?.map(read).collect()
}

/// The blocks of text, where no others may stand.
fn texts<'a>(content: &Field<'a>, of: ChatRole) -> Result<Vec<&'a str>, RecordError> {
    let texts = blocks(content, of)?.into_iter();
    let text = |block| match block {
        Block::Text(text) => Some(text),
        _ => None,
    };
    Ok(texts.filter_map(text).collect())
}

#[derive(Default)]
struct Reader {
    messages: Vec<ChatMessage>,
}

impl Reader {
    /// What holds for the whole chat; it stands beside the messages. Some logs have it among them.
    fn system(&mut self, system: &Field<'_>) -> Result<(), RecordError> {
        for text in texts(system, ChatRole::System)? {
            let text = chat::text(system.path(), ChatRole::System, text);
            self.messages.push(text);
        }
        Ok(())
    }

    fn message(&mut self, message: &Field<'_>) -> Result<(), RecordError> {
        let role = message.key("role")?;
        let content = message.key("content")?;
        let speaker = match role.text()? {
            "user" => ChatRole::User,
            "assistant" => ChatRole::Assistant,
            "system" => return self.system(&content),
            _ => {
                return Err(RecordError::Unknown {
                    path: role.path(),
                    expected: "user, assistant, system",
                    found: shown(role.value()),
                });
            }
        };
        let blocks = blocks(&content, speaker)?;
        if blocks.is_empty() {
            return Err(RecordError::Empty {
                path: content.path(),
            });
        }
        match speaker {
            ChatRole::Assistant => self.assistant(message, blocks),
            _ => self.user(message, blocks),
        }
    }

    fn user(&mut self, message: &Field<'_>, blocks: Vec<Block<'_>>) -> Result<(), RecordError> {
        let mut said = None;
        let mut replies = false;
        for block in blocks {
            match block {
                Block::Text(text) => said.get_or_insert_with(String::new).push_str(text),
                Block::Result(result) => {
                    self.result(&result)?;
                    replies = true;
                }
                Block::Thinking(_) | Block::Redacted | Block::Use(_) => {}
            }
        }
        // An empty text beside replies is no new instruction.
        let Some(said) = said.filter(|said| !said.is_empty() || !replies) else {
            return Ok(());
        };
        match self.last(ChatRole::User) {
            Some(before) => add(&mut before.content, "\n\n", &said),
            None => {
                let text = chat::text(message.path(), ChatRole::User, &said);
                self.messages.push(text);
            }
        }
        Ok(())
    }

    fn result(&mut self, result: &Field<'_>) -> Result<(), RecordError> {
        let id = result.key("tool_use_id")?.text()?;
        // A tool that returns nothing has no content.
        let text = match result.find("content")? {
            Some(content) => texts(&content, ChatRole::Tool)?.concat(),
            None => String::new(),
        };
        let mut reply = chat::text(result.path(), ChatRole::Tool, &text);
        reply.answers = Some(id.to_owned());
        self.messages.push(reply);
        Ok(())
    }

    fn assistant(&mut self, field: &Field<'_>, blocks: Vec<Block<'_>>) -> Result<(), RecordError> {
        if self.last(ChatRole::Assistant).is_none() {
            let message = ChatMessage::new(field.path(), ChatRole::Assistant);
            self.messages.push(message);
        }
        let Some(message) = self.messages.last_mut() else {
            return Ok(());
        };
        if let Some(weight) = read_weight(field)? {
            // One that is not to be learned makes the whole one.
            message.weight = Some(message.weight.map_or(weight, |before| before.min(weight)));
        }
        let mut said = None;
        for block in blocks {
            match block {
                Block::Text(text) => said.get_or_insert_with(String::new).push_str(text),
                Block::Thinking(thought) if !thought.is_empty() => {
                    add(&mut message.reasoning, "\n", thought);
                }
                Block::Use(call) => message.calls.push(read_call(&call)?),
                Block::Thinking(_) | Block::Redacted | Block::Result(_) => {}
            }
        }
        if let Some(said) = said {
            let mut before = message.content.take();
            // A thought may stand at its head.
            message.set_content(&said);
            if let Some(said) = message.content.take() {
                add(&mut before, "\n\n", &said);
            }
            message.content = before;
        }
        Ok(())
    }

    /// The last message, if it is of this speaker.
    fn last(&mut self, role: ChatRole) -> Option<&mut ChatMessage> {
        let last = self.messages.last_mut();
        last.filter(|last| last.role == role)
    }
}

fn read_call(call: &Field<'_>) -> Result<ChatCall, RecordError> {
    let input = call.key("input")?;
    Ok(ChatCall {
        path: call.path(),
        id: Some(call.key("id")?.text()?.to_owned()),
        name: call.key("name")?.text()?.to_owned(),
        arguments: match input.value() {
            Value::Object(input) => json::dumps(input)?,
            // Collected from a stream and not parsed; it may be cut.
            Value::String(text) => text.clone(),
            _ => return Err(input.not("an object or its text")),
        },
    })
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
