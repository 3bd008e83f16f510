//! One message of a chat.

use serde_json::Value;

use super::content;
use crate::field::{Field, shown};
use crate::python::json;
use crate::record_error::RecordError;

/// Where thinking stands beside a message's content, as OpenAI-compatible servers spell it.
const REASONING: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];

/// Who a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChatRole {
    /// `system` or `developer`: what holds for the whole chat.
    System,
    /// The user.
    User,
    /// The assistant: texts, calls, or both.
    Assistant,
    /// A tool's reply (`tool`, of the older form `function`).
    Tool,
}

/// A call in an assistant's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatCall {
    /// Where it stands, such as `messages[2].tool_calls[0]`, for errors.
    pub path: String,
    /// What its reply names it by; none where it has none.
    pub id: Option<String>,
    /// The function, as it is spelled.
    pub name: String,
    /// The arguments' text, which need not be JSON. An object that stands there unquoted is its JSON text, absent ones
    /// are `{}`.
    pub arguments: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatMessage {
    /// Where it stands, such as `messages[2]`, for errors.
    pub path: String,
    /// Who it is of.
    pub role: ChatRole,
    /// Its text without the thinking at its head; none where it is absent or null.
    pub content: Option<String>,
    /// What an assistant thought: of `reasoning_content`, `reasoning`, `thinking`, or of `<think>…</think>` at the head of the
    /// text. One that is there and empty is not an absent one: a history with and one without it differ.
    pub reasoning: Option<String>,
    /// An assistant's calls, in order.
    pub calls: Vec<ChatCall>,
    /// Of a tool's reply, the id of the call that it answers (`tool_call_id`, `tool_use_id`); none where it has none.
    pub answers: Option<String>,
    /// Of a tool's reply, the function's name where it is told.
    pub name: Option<String>,
    /// What is to be learned of an assistant's message: its `weight`; of `train` 0 or 1. None where neither is told.
    pub weight: Option<f64>,
    /// Whether an assistant gives up here, as `glpft serve` tells it (`gave_up`).
    pub gave_up: bool,
}

impl ChatMessage {
    /// A message that says nothing yet; for readers of other forms.
    pub fn new(path: impl Into<String>, role: ChatRole) -> Self {
        Self {
            path: path.into(),
            role,
            content: None,
            reasoning: None,
            calls: Vec::new(),
            answers: None,
            name: None,
            weight: None,
            gave_up: false,
        }
    }

    /// Adds a text, and moves the thinking at its head to [`ChatMessage::reasoning`].
    pub fn set_content(&mut self, text: &str) {
        let (thinking, rest) = match self.role {
            ChatRole::Assistant => content::split_thinking(text),
            _ => (None, text),
        };
        self.content = Some(rest.to_owned());
        if let Some(thinking) = thinking {
            self.reasoning = Some(match self.reasoning.take() {
                Some(before) if !before.is_empty() => format!("{before}\n{thinking}"),
                _ => thinking.to_owned(),
            });
        }
    }

    /// That something is wrong with it.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> RecordError {
        RecordError::Wrong {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

/// Reads a list of messages.
///
/// # Errors
/// What is no message; where, and why.
pub fn read_messages(messages: &Field<'_>) -> Result<Vec<ChatMessage>, RecordError> {
    messages.elements()?.map(|message| read(&message)).collect()
}

/// Reads a message.
///
/// # Errors
/// It is none; where, and why.
pub(crate) fn read(field: &Field<'_>) -> Result<ChatMessage, RecordError> {
    let role = field.key("role")?;
    let role = match role.text()? {
        "system" | "developer" => ChatRole::System,
        "user" => ChatRole::User,
        "assistant" => ChatRole::Assistant,
        "tool" | "function" => ChatRole::Tool,
        _ => {
            return Err(RecordError::Unknown {
                path: role.path(),
                expected: "system, developer, user, assistant, tool, function",
                found: shown(role.value()),
            });
        }
    };
    let mut message = ChatMessage::new(field.path(), role);
    if role == ChatRole::Assistant {
        message.reasoning = reasoning(field)?;
        message.calls = calls(field)?;
        message.weight = weight(field)?;
        message.gave_up = match field.find("gave_up")? {
            Some(gave_up) => gave_up.truth()?,
            None => false,
        };
    }
    if role == ChatRole::Tool {
        message.answers = owned(field, "tool_call_id")?;
        message.name = owned(field, "name")?;
    }
    if let Some(content) = field.find("content")? {
        let text = match role {
            ChatRole::Tool => content::reply(&content)?,
            _ => content::text(&content)?,
        };
        message.set_content(&text);
    } else if role == ChatRole::Assistant
        && let Some(refusal) = owned(field, "refusal")?
    {
        message.content = Some(refusal);
    }
    Ok(message)
}

fn owned(field: &Field<'_>, key: &str) -> Result<Option<String>, RecordError> {
    Ok(field.find_text(key)?.map(str::to_owned))
}

/// The first of the keys that says something; else one that is there and empty.
fn reasoning(field: &Field<'_>) -> Result<Option<String>, RecordError> {
    let mut empty = None;
    for key in REASONING {
        match owned(field, key)? {
            Some(text) if !text.is_empty() => return Ok(Some(text)),
            Some(text) => empty = Some(text),
            None => {}
        }
    }
    Ok(empty)
}

fn calls(field: &Field<'_>) -> Result<Vec<ChatCall>, RecordError> {
    let mut calls = Vec::new();
    if let Some(list) = field.find("tool_calls")? {
        for call in list.elements()? {
            calls.push(self::call(&call)?);
        }
    }
    if let Some(older) = field.find("function_call")?
        && calls.is_empty()
    {
        calls.push(ChatCall {
            path: older.path(),
            id: None,
            name: older.key("name")?.text()?.to_owned(),
            arguments: arguments(&older)?,
        });
    }
    Ok(calls)
}

fn call(field: &Field<'_>) -> Result<ChatCall, RecordError> {
    if let Some(kind) = field.find("type")?
        && kind.text()? != "function"
    {
        return Err(RecordError::Unknown {
            path: kind.path(),
            expected: "function",
            found: shown(kind.value()),
        });
    }
    let id = owned(field, "id")?;
    // Chat templates' own form has no `function` around them.
    let bare = field.value().get("function").is_none() && field.value().get("name").is_some();
    let (name, arguments) = match bare {
        true => (field.key("name")?.text()?.to_owned(), arguments(field)?),
        false => {
            let function = field.key("function")?;
            let name = function.key("name")?.text()?.to_owned();
            (name, arguments(&function)?)
        }
    };
    Ok(ChatCall {
        path: field.path(),
        id,
        name,
        arguments,
    })
}

fn arguments(function: &Field<'_>) -> Result<String, RecordError> {
    let Some(arguments) = function.find("arguments")? else {
        return Ok("{}".to_owned());
    };
    match arguments.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Object(object) => Ok(json::dumps(object)?),
        _ => Err(arguments.not("a string or an object")),
    }
}

/// What is to be learned of an assistant's message.
pub(crate) fn weight(field: &Field<'_>) -> Result<Option<f64>, RecordError> {
    if let Some(weight) = field.find("weight")? {
        let number = weight.value().as_f64();
        return match number.filter(|number| number.is_finite() && *number >= 0.0) {
            Some(number) => Ok(Some(number)),
            None => Err(weight.not("a number of at least 0")),
        };
    }
    match field.find("train")? {
        Some(train) => Ok(Some(f64::from(u8::from(train.truth()?)))),
        None => Ok(None),
    }
}
