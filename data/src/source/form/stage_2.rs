//! Stage 2: conversations of the roles, as the published pipeline's `raw_data_stage_2.json` holds them.

use serde_json::Value;

use super::Form;
use crate::conversation::Conversation;
use crate::source::Record;

pub(super) const FORM: Form = Form {
    name: "stage-2",
    keys: &["conversations", "instruction", "tools"],
    is: |record: &Value| {
        record.get("conversations").is_some() && record.get("instruction").is_some()
    },
    read: |record, _| {
        Ok(Record {
            trajectory: None,
            conversation: Conversation::from_stage(record)?,
            extra: false,
        })
    },
};
