//! xLAM and APIGen: `query`, `tools`, `answers`. One turn of calls: no thought, no replies, no conclusion.

use super::chat::{self, Chat};
use super::{Form, tags, tools};
use crate::chat::ChatRole;
use crate::record_error::RecordError;

pub(super) const FORM: Form = Form {
    name: "xLAM",
    keys: &["query", "answers", "tools"],
    is: |record| record.get("query").is_some() && record.get("answers").is_some(),
    read: |record, options| {
        let query = record.key("query")?.text()?;
        let answers = record.key("answers")?;
        let mut calls = Vec::new();
        for (index, call) in tools::list(&answers, "a list of calls")?.iter().enumerate() {
            let call = tags::call_of(format!("{}[{index}]", answers.path()), call);
            calls.push(call.ok_or_else(|| answers.wrong("a call names no function"))?);
        }
        if calls.is_empty() {
            return Err(RecordError::Empty {
                path: answers.path(),
            });
        }
        Chat {
            messages: vec![
                chat::text("query".to_owned(), ChatRole::User, query),
                chat::calls("answers".to_owned(), calls),
            ],
            functions: tools::beside(record)?.unwrap_or_default(),
            instructions: true,
        }
        .record(options)
    },
};
