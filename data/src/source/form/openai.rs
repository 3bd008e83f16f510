//! OpenAI's chats: `messages` and `tools`, or the older `functions`; also a bare list of messages.
//!
//! A text may have Hermes' tags in it. A `system` beside the messages stands before them.

use super::chat::{self, Chat};
use super::{Form, tags, tools, turns};
use crate::chat::{ChatRole, read_messages};
use crate::field::Field;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::source::Record;

pub(super) const FORM: Form = Form {
    name: "OpenAI chat",
    keys: &["messages", "tools"],
    is: |record| {
        turns::are_openai(record)
            || record.get("messages").is_some() && !turns::are_sharegpt(record)
    },
    read,
};

pub(super) fn read(record: &Field<'_>, options: &ReadOptions) -> Result<Record, RecordError> {
    let mut messages = read_messages(&turns::field(record)?)?;
    let mut functions = None;
    if record.value().is_object() {
        functions = tools::beside(record)?;
        let system = record.find_text("system")?.filter(|text| !text.is_empty());
        if let Some(system) = system
            && !messages.iter().any(|one| one.role == ChatRole::System)
        {
            messages.insert(0, chat::text("system".to_owned(), ChatRole::System, system));
        }
    }
    let (messages, told) = tags::untag(messages)?;
    Chat {
        messages,
        functions: functions.or(told).unwrap_or_default(),
        instructions: true,
    }
    .record(options)
}
