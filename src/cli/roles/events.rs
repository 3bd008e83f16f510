//! What a role's process tells, shown as what this one's training.

use std::path::Path;

use glpft_train::{Observer, Resumed, StageStart};
use serde_json::Value;

use super::super::progress::TrainProgress;

/// Shows an event. One that is not known is left out: it is in the role's log.
pub(super) fn show(stage: &'static str, mut event: Value, progress: &mut TrainProgress) {
    let kind = event["event"].take();
    let kind = kind.as_str().unwrap_or_default();
    if kind != "start" {
        progress.turn_to(stage);
    }
    match kind {
        "start" => progress.start(&start(stage, &event)),
        "step" => {
            if let Ok(record) = serde_json::from_value(event) {
                progress.step(&record);
            }
        }
        "validation" => {
            if let Ok(record) = serde_json::from_value(event) {
                progress.validation(&record);
            }
        }
        "trouble" => {
            event["event"] = event["kind"].take();
            if let Ok(record) = serde_json::from_value(event) {
                progress.event(&record);
            }
        }
        "checkpoint" => {
            if let Some(path) = event["path"].as_str() {
                progress.checkpoint(Path::new(path));
            }
        }
        "finished" => {
            progress.finish();
        }
        _ => {}
    }
}

fn start(stage: &'static str, event: &Value) -> StageStart {
    let count = |key: &str| event[key].as_u64().unwrap_or(0) as usize;
    let changes = event["changes"].as_array();
    let changes = changes.map_or(&[][..], Vec::as_slice).iter();
    let resumed = event["resumed"].as_str().map(|path| Resumed {
        path: path.to_owned(),
        changes: changes
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    });
    StageStart {
        stage,
        done: count("done"),
        total: count("total"),
        goes_back_twice: event["goes_back_twice"].as_bool().unwrap_or(false),
        resumed,
    }
}
