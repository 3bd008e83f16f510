//! The built-in sample: invented trajectories in ToolBench's raw layout and a tokenizer trained on them.
//!
//! `data/sample/make.py` and `tokenizer.py` make the files; the binary carries them, so that the first run needs
//! nothing else.

use std::io;
use std::path::Path;

/// Path in the source and text of every file.
const SOURCE: &[(&str, &str)] = &include!("../sample/files.rs");

const TOKENIZER: &[u8] = include_bytes!("../sample/tokenizer.json");

/// Every file of the raw source (`answer/…`, `test_query_ids/…`): its path, with `/`, and its text.
#[must_use]
pub fn source() -> &'static [(&'static str, &'static str)] {
    SOURCE
}

/// Writes the raw source (`answer/`, `test_query_ids/`) into `directory`, which is made where it is missing.
///
/// # Errors
/// What the system says when a directory or file cannot be written.
pub fn write_source(directory: &Path) -> io::Result<()> {
    for (path, text) in SOURCE {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The `tokenizer.json`: byte-level BPE of 1280 tokens with `</s>` (0, ends a text) and `<pad>` (1).
#[must_use]
pub fn tokenizer() -> &'static [u8] {
    TOKENIZER
}

/// The name and content of every tokenizer file of a Hugging Face model directory.
#[must_use]
pub fn tokenizer_files() -> [(&'static str, &'static [u8]); 3] {
    [
        ("tokenizer.json", TOKENIZER),
        (
            "tokenizer_config.json",
            include_bytes!("../sample/tokenizer_config.json"),
        ),
        (
            "special_tokens_map.json",
            include_bytes!("../sample/special_tokens_map.json"),
        ),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn answers() -> impl Iterator<Item = (&'static str, Value)> {
        source()
            .iter()
            .filter(|(path, _)| path.starts_with("answer/"))
            .map(|(path, text)| {
                (
                    *path,
                    serde_json::from_str::<Value>(text).unwrap()["answer_generation"].take(),
                )
            })
    }

    fn path_of_last(answer: &Value) -> Vec<Value> {
        answer["train_messages"]
            .as_array()
            .and_then(|all| all.last()?.as_array().cloned())
            .unwrap_or_default()
    }

    #[test]
    fn every_path_occurs() {
        let mut counts = BTreeMap::<&str, usize>::new();
        for (path, answer) in answers() {
            let mut count = |name, is: bool| *counts.entry(name).or_default() += usize::from(is);
            let messages = path_of_last(&answer);
            let text = |m: &Value, key: &str| m[key].as_str().unwrap_or_default().to_owned();
            let is = |role| messages.iter().filter(move |m| m["role"] == role);
            let call = |key| is("assistant").map(move |m| text(&m["function_call"], key));
            let finish = messages
                .last()
                .map(|m| text(&m["function_call"], "arguments"))
                .unwrap_or_default();
            count("files", true);
            count("CoT", path.contains("_CoT@1"));
            count("without train_messages", messages.is_empty());
            count("not valid", answer["valid_data"] == false);
            count("give up", finish.contains("give_up_and_restart"));
            count(
                "unparsed Finish",
                !messages.is_empty() && serde_json::from_str::<Value>(&finish).is_err(),
            );
            count("several calls", is("function").count() > 1);
            count(
                "hallucinated",
                call("name").any(|n| n == "invalid_hallucination_function_name"),
            );
            count(
                "no call",
                is("assistant").any(|m| m.get("function_call").is_none()),
            );
            count(
                "null content",
                is("assistant").any(|m| m["content"].is_null()),
            );
            count(
                "another try",
                is("user").any(|m| text(m, "content").starts_with("This is not the first time")),
            );
            let observed: Vec<_> = is("function").map(|m| text(m, "content")).collect();
            count(
                "cut observation",
                observed
                    .iter()
                    .any(|o| o.ends_with("...") && o.chars().count() == 1027),
            );
            let parsed = observed
                .iter()
                .filter_map(|o| serde_json::from_str::<Value>(o).ok())
                .collect::<Vec<_>>();
            count("error", parsed.iter().any(|o| !text(o, "error").is_empty()));
            count(
                "object response",
                parsed.iter().any(|o| o["response"].is_object()),
            );
        }
        assert_eq!(counts["files"], 56);
        let absent: Vec<_> = counts.iter().filter(|(_, count)| **count == 0).collect();
        assert!(absent.is_empty(), "no file shows {absent:?}");
        assert_eq!(
            (
                counts["without train_messages"],
                counts["not valid"],
                counts["CoT"]
            ),
            (1, 2, 6),
            "{counts:?}"
        );
        assert_eq!(
            (
                counts["give up"],
                counts["unparsed Finish"],
                counts["hallucinated"]
            ),
            (5, 3, 3),
            "{counts:?}"
        );
    }

    #[test]
    fn test_ids_exclude_a_number_in_every_group() {
        let ids: Vec<_> = source()
            .iter()
            .filter(|(path, _)| path.starts_with("test_query_ids/"))
            .collect();
        assert_eq!(ids.len(), 6);
        assert!(ids.iter().any(|(_, text)| text.starts_with("{\"60\"")));
        let of_number = |number: &str| {
            answers()
                .filter(|(path, _)| path.contains(&format!("/{number}_")))
                .count()
        };
        assert_eq!((of_number("60"), of_number("130")), (2, 1));
    }

    #[test]
    fn the_source_is_written_as_a_tree() {
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("new/source");
        write_source(&to).unwrap();
        for (path, text) in source() {
            assert_eq!(std::fs::read_to_string(to.join(path)).unwrap(), *text);
        }
    }

    #[test]
    fn the_tokenizer_loads_and_knows_every_text() {
        let loaded = tokenizers::Tokenizer::from_bytes(tokenizer()).unwrap();
        assert_eq!(loaded.get_vocab_size(true), 1280);
        assert_eq!(
            (loaded.token_to_id("</s>"), loaded.token_to_id("<pad>")),
            (Some(0), Some(1))
        );
        for (_, text) in source() {
            let ids = loaded.encode_fast(*text, true).unwrap();
            assert_eq!(loaded.decode(ids.get_ids(), false).unwrap(), *text);
        }
    }
}
