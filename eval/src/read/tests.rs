use std::fs;

use super::*;

const ENTRY: &str = r#"{"tools": [{"Name": "f"}], "reference": "r", "predictions": "p"}"#;

fn read(content: impl AsRef<[u8]>) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("p.json");
    fs::write(&path, content).map_err(|error| error.to_string())?;
    let root = format!("{}/", folder.path().display());
    let mut places = Vec::new();
    let read = read_predictions(&path, &mut |place, entry| {
        assert_eq!(entry.tools, ["f"]);
        places.push(place.replace(&root, ""));
        Ok(())
    });
    match read {
        Ok(entries) => {
            assert_eq!(entries, places.len() as u64);
            Ok(places)
        }
        Err(error) => Err(error.to_string().replace(&root, "")),
    }
}

#[track_caller]
fn refused(content: impl AsRef<[u8]>, parts: &[&str]) {
    let Err(error) = read(content) else {
        panic!("was read");
    };
    for part in parts {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}

#[test]
fn lists_and_lines_are_told_apart() {
    let list = format!(" \n[{ENTRY},\n{ENTRY}]\n");
    assert_eq!(read(list), Ok(vec!["p.json[0]".into(), "p.json[1]".into()]));
    let lines = format!("\n \r\n{ENTRY}\r\n\n {ENTRY}");
    assert_eq!(read(lines), Ok(vec!["p.json:3".into(), "p.json:5".into()]));
    assert_eq!(read(ENTRY), Ok(vec!["p.json:1".into()]));
}

#[test]
fn python_json_is_read() {
    let entry =
        r#"{"tools": [{"Name": "f", "x": NaN}], "reference": "\ud83d", "predictions": "p"}"#;
    assert_eq!(read(format!("[{entry}]")).map(|places| places.len()), Ok(1));
    assert_eq!(read(entry).map(|places| places.len()), Ok(1));
}

#[test]
fn other_files_are_refused() {
    for (content, problem) in [
        ("", "is empty"),
        (" \n\t", "is empty"),
        ("[]", "holds no entry"),
        ("\"text\"", "begins with neither `[` nor `{`"),
        ("\u{feff}[]", "begins with neither `[` nor `{`"),
    ] {
        refused(content, &["predictions p.json", problem, "a JSON list"]);
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for path in [folder.path().to_owned(), folder.path().join("absent")] {
        let error = read_predictions(&path, &mut |_, _| Ok(()));
        assert!(matches!(error, Err(PredictionsError::Read { .. })));
    }
}

#[test]
fn files_cut_short_are_refused() {
    let list = format!("[{ENTRY}, {ENTRY}]");
    for end in [list.len() - 1, list.len() - 2, list.len() - 9] {
        refused(
            &list[..end],
            &["predictions p.json", "whole entries", "cut short"],
        );
    }
    refused(format!("[{ENTRY}, {ENTRY}"), &["after 2 whole entries"]);
    refused(format!("[{ENTRY} {ENTRY}]"), &["after 1 whole entries"]);
    refused(format!("[{ENTRY}] {ENTRY}"), &["after 1 whole entries"]);
    let lines = format!("{ENTRY}\n{ENTRY}");
    refused(
        &lines[..lines.len() - 9],
        &["p.json:2", "after 1 whole entries", "cut short"],
    );
    refused(format!("{ENTRY}\n{ENTRY}{ENTRY}"), &["p.json:2"]);
    refused("{\n}", &["p.json:1", "cut short"]);
}

#[test]
fn bad_entries_are_named_and_never_left_out() {
    refused(format!("[{ENTRY}, 1]"), &["p.json[1]: it is a number"]);
    refused(format!("{ENTRY}\n{{}}"), &["p.json:2: has no `tools`"]);
    // What comes first is told, though the file is broken behind it as well.
    refused(format!("[{ENTRY}, {{}}, "), &["p.json[1]: has no `tools`"]);
}

#[test]
fn wrong_bytes_and_deep_nesting_are_refused() {
    let mut bytes = format!("[{ENTRY}]").into_bytes();
    bytes[20] = 0xff;
    refused(&bytes, &["predictions p.json is not UTF-8"]);
    let mut line = format!("{ENTRY}\n").into_bytes();
    line.extend_from_slice(b"{\xff}");
    refused(line, &["p.json:2 is not UTF-8"]);
    refused("[".repeat(100_000), &["recursion limit"]);
    refused(
        format!("{{\"a\": {}", "[".repeat(100_000)),
        &["recursion limit"],
    );
}
