//! One message of a chat.

use serde_json::Value;

use super::content;
use crate::python::json;
use crate::source::{Field, RecordError};

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
    /// Of a tool's reply, the `tool_call_id` of the call that it answers; none where it has none.
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

fn read(field: &Field<'_>) -> Result<ChatMessage, RecordError> {
    let role = field.key("role")?;
    let role = match role.text()? {
        "system" | "developer" => ChatRole::System,
        "user" => ChatRole::User,
        "assistant" => ChatRole::Assistant,
        "tool" | "function" => ChatRole::Tool,
        other => {
            return Err(RecordError::Unknown {
                path: role.to_string(),
                expected: "system, developer, user, assistant, tool, function",
                found: other.to_owned(),
            });
        }
    };
    let mut message = ChatMessage::new(field.to_string(), role);
    if role == ChatRole::Assistant {
        message.reasoning = reasoning(field)?;
        message.calls = calls(field)?;
        message.weight = weight(field)?;
        message.gave_up = match given(field, "gave_up")? {
            Some(gave_up) => truth(&gave_up)?,
            None => false,
        };
    }
    if role == ChatRole::Tool {
        message.answers = find_text(field, "tool_call_id")?;
        message.name = find_text(field, "name")?;
    }
    if let Some(content) = given(field, "content")? {
        let text = match role {
            ChatRole::Tool => content::reply(&content)?,
            _ => content::text(&content)?,
        };
        message.set_content(&text);
    } else if role == ChatRole::Assistant
        && let Some(refusal) = find_text(field, "refusal")?
    {
        message.content = Some(refusal);
    }
    Ok(message)
}

/// The value of a key; none where it is absent or null.
pub(super) fn given<'a>(
    field: &'a Field<'a>,
    key: &'a str,
) -> Result<Option<Field<'a>>, RecordError> {
    Ok(field.find(key)?.filter(|value| !value.value().is_null()))
}

pub(super) fn find_text(field: &Field<'_>, key: &str) -> Result<Option<String>, RecordError> {
    match given(field, key)? {
        Some(text) => Ok(Some(text.text()?.to_owned())),
        None => Ok(None),
    }
}

fn truth(field: &Field<'_>) -> Result<bool, RecordError> {
    let truth = field.value().as_bool();
    truth.ok_or_else(|| field.not("true or false"))
}

/// The first of the keys that says something; else one that is there and empty.
fn reasoning(field: &Field<'_>) -> Result<Option<String>, RecordError> {
    let mut empty = None;
    for key in REASONING {
        match find_text(field, key)? {
            Some(text) if !text.is_empty() => return Ok(Some(text)),
            Some(text) => empty = Some(text),
            None => {}
        }
    }
    Ok(empty)
}

fn calls(field: &Field<'_>) -> Result<Vec<ChatCall>, RecordError> {
    let mut calls = Vec::new();
    if let Some(list) = given(field, "tool_calls")? {
        for call in list.elements()? {
            calls.push(self::call(&call)?);
        }
    }
    if let Some(older) = given(field, "function_call")?
        && calls.is_empty()
    {
        calls.push(ChatCall {
            id: None,
            name: older.key("name")?.text()?.to_owned(),
            arguments: arguments(&older)?,
        });
    }
    Ok(calls)
}

fn call(field: &Field<'_>) -> Result<ChatCall, RecordError> {
    if let Some(kind) = given(field, "type")?
        && kind.text()? != "function"
    {
        return Err(RecordError::Unknown {
            path: kind.to_string(),
            expected: "function",
            found: kind.text()?.to_owned(),
        });
    }
    let id = find_text(field, "id")?;
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
        id,
        name,
        arguments,
    })
}

fn arguments(function: &Field<'_>) -> Result<String, RecordError> {
    let Some(arguments) = given(function, "arguments")? else {
        return Ok("{}".to_owned());
    };
    match arguments.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Object(object) => Ok(json::dumps(object)?),
        _ => Err(arguments.not("a string or an object")),
    }
}

fn weight(field: &Field<'_>) -> Result<Option<f64>, RecordError> {
    if let Some(weight) = given(field, "weight")? {
        let number = weight.value().as_f64();
        return match number.filter(|number| number.is_finite() && *number >= 0.0) {
            Some(number) => Ok(Some(number)),
            None => Err(weight.not("a number of at least 0")),
        };
    }
    match given(field, "train")? {
        Some(train) => Ok(Some(f64::from(u8::from(truth(&train)?)))),
        None => Ok(None),
    }
}
