//! What a run leaves, without what depends on the clock and the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Times, speeds, memory.
const TIMELY: [&str; 4] = ["seconds", "tokens_per_second", "memory", "wall_seconds"];

/// The content of every file under a folder, by its path there.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads all files of a run's directory but its leases. Logs and summaries lose what is [`TIMELY`].
pub fn files(root: &Path) -> Files {
    let mut found = Files::new();
    add(root, "", &mut found);
    found.retain(|name, _| !name.starts_with("/.leases/"));
    found
}

fn add(folder: &Path, name: &str, found: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            add(&entry.path(), &name, found);
            // Empty ones count, too.
            found.insert(format!("{name}/"), Vec::new());
            continue;
        }
        let content = fs::read(entry.path()).unwrap();
        let content = match name.rsplit('/').next() {
            Some("train_log.jsonl" | "result.json" | "summary.json") => timeless(&content),
            _ => content,
        };
        found.insert(name, content);
    }
}

fn timeless(content: &[u8]) -> Vec<u8> {
    let values = serde_json::Deserializer::from_slice(content).into_iter::<Value>();
    let mut text = String::new();
    for value in values {
        let mut value = value.unwrap();
        drop_timely(&mut value);
        text += &format!("{value}\n");
    }
    text.into_bytes()
}

fn drop_timely(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !TIMELY.contains(&key.as_str()));
            object.values_mut().for_each(drop_timely);
        }
        Value::Array(array) => array.iter_mut().for_each(drop_timely),
        _ => {}
    }
}

/// The names of files that differ.
pub fn differences(one: &Files, other: &Files) -> BTreeSet<String> {
    let names = one.keys().chain(other.keys());
    let differing = names.filter(|name| one.get(*name) != other.get(*name));
    differing.cloned().collect()
}
