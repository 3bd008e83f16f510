//! Stage 1: trajectories, as the published pipeline's `raw_data_stage_1.json` holds them.

use serde_json::Value;

use super::Form;
use crate::conversation::Conversation;
use crate::source::Record;
use crate::trajectory::Trajectory;

pub(super) const FORM: Form = Form {
    name: "stage-1",
    keys: &["chains", "instruction", "tools"],
    is: |record: &Value| record.get("chains").is_some(),
    read: |record, options| {
        let trajectory = Trajectory::from_stage(record)?;
        let conversation = Conversation::from_trajectory(&trajectory, options)?;
        Ok(Record {
            trajectory: Some(trajectory),
            conversation,
            extra: false,
        })
    },
};
