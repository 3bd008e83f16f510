use std::io::{BufReader, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;

/// What a file holds: its layout, its records with their places, and how reading ended.
fn read(bytes: &[u8]) -> (Option<Layout>, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records");
    std::fs::write(&path, bytes).unwrap();
    let container = match Container::open(&path) {
        Ok(Some(container)) => container,
        Ok(None) => return (None, Vec::new(), "empty".to_owned()),
        Err(error) => return (None, Vec::new(), error.to_string()),
    };
    let mut records = Vec::new();
    let ended = container.each(&mut |place, record| {
        records.push(match record {
            Ok(record) => format!("{place} {record}"),
            Err(error) => format!("{place} {error}"),
        });
        ControlFlow::Continue(())
    });
    let ended = ended.err().map_or(String::new(), |error| error.to_string());
    (Some(container.layout()), records, ended)
}

fn records(bytes: &[u8]) -> (Option<Layout>, Vec<String>) {
    let (layout, records, ended) = read(bytes);
    assert_eq!(ended, "");
    (layout, records)
}

#[test]
fn layouts_are_told_apart() {
    let one_two = |first: &str, second: &str| {
        vec![
            format!("{first} {{\"a\":1}}"),
            format!("{second} {{\"b\":[2]}}"),
        ]
    };
    let array = (Some(Layout::Array), one_two("[0]", "[1]"));
    assert_eq!(records(br#"[{"a": 1}, {"b": [2]}]"#), array);
    assert_eq!(records(b" [\n{\"a\"\n: 1}\n,{\"b\": [2]} ]\n\n"), array);
    assert_eq!(records(b"\xef\xbb\xbf[{\"a\": 1},{\"b\": [2]}]"), array);
    let lines = (Some(Layout::Lines), one_two(":1", ":3"));
    assert_eq!(records(b"{\"a\": 1}\r\n\n{\"b\": [2]}"), lines);
    assert_eq!(
        records(b"\xef\xbb\xbf{\"a\": 1}\n \n{\"b\": [2]}\n\n"),
        lines
    );
    let values = (Some(Layout::Values), one_two("[0]", "[1]"));
    assert_eq!(records(b"{\n\"a\": 1\n}\n{\n\"b\": [\n2]}\n"), values);
    let single = (Some(Layout::Lines), vec![":1 {\"a\":1}".to_owned()]);
    assert_eq!(records(b"{\"a\": 1}"), single);
    let lists = (
        Some(Layout::Lines),
        vec![":1 [1]".to_owned(), ":2 [2]".to_owned()],
    );
    assert_eq!(records(b"[1]\n[2]\n"), lists);
    assert_eq!(records(b"[]"), (Some(Layout::Array), Vec::new()));
    assert_eq!(read(b" \n").2, "empty");
    assert!(read(b"hello").2.contains("neither a JSON array"));
}

#[test]
fn a_bad_record_is_bad_alone() {
    let (layout, records, ended) =
        read(b"{\"a\": 1}\n{\"a\": \n{\"a\": \"\xff\"}\n{\"a\": 2}\n{\"a\": 3");
    assert_eq!((layout, ended.as_str()), (Some(Layout::Lines), ""));
    assert_eq!(records[0], ":1 {\"a\":1}");
    assert!(
        records[1].starts_with(":2 is not valid JSON: EOF"),
        "{}",
        records[1]
    );
    assert!(
        records[2].starts_with(":3 is not UTF-8 text"),
        "{}",
        records[2]
    );
    assert_eq!(records[3], ":4 {\"a\":2}");
    assert!(
        records[4].starts_with(":5 is not valid JSON: EOF"),
        "{}",
        records[4]
    );
    // The first line may be the bad one.
    assert_eq!(read(b"{\"a\": \n{\"a\": 1}\n").1.len(), 2);
    let (_, records, ended) = read(b"[{\"a\": tru}, 7, \"]\\\"\", {\"a\": \"\xff\"}, null]");
    assert_eq!(ended, "");
    assert!(
        records[0].starts_with("[0] is not valid JSON"),
        "{}",
        records[0]
    );
    assert_eq!(records[1..3], ["[1] 7", "[2] \"]\\\"\""]);
    assert!(records[3].starts_with("[3] is not UTF-8"), "{}", records[3]);
    assert_eq!(records[4], "[4] null");
}

#[test]
fn an_array_that_is_broken_between_its_elements_says_where() {
    for (text, count, problem) in [
        ("[", 0, "EOF where an element or `]` should stand (byte 1)"),
        ("[1", 1, "EOF where `,` or `]` should stand"),
        ("[1,", 1, "EOF where an element"),
        ("[1 2]", 1, "no `,` or `]` after an element"),
        ("[1,]", 1, "no element where one should stand"),
        ("[,]", 0, "no element where one should stand"),
        ("[1}", 1, "no `,` or `]` after an element"),
        ("[1] 2", 1, "something after the end of the array"),
        ("[{\"a\": [1", 0, "EOF while parsing"),
        ("[\"a", 0, "EOF while parsing a string"),
    ] {
        let (layout, records, ended) = read(text.as_bytes());
        assert_eq!(
            (layout, records.len()),
            (Some(Layout::Array), count),
            "{text}"
        );
        assert!(ended.contains(problem), "{text}: {ended}");
        assert!(ended.starts_with("is not valid JSON: "), "{text}: {ended}");
    }
}

/// Whatever an array holds, its elements are those that the whole text has as one JSON value.
#[test]
fn elements_are_those_of_the_whole_text() {
    let value = json!([
        {"a": "\"[{]}\\", "b": [[], {}, [{}]]}, [], "", "\\", -1.5e3, true, null, {"é": "日\u{1f600}\n"}, "a,b]",
    ]);
    for text in [
        value.to_string(),
        serde_json::to_string_pretty(&value).unwrap(),
    ] {
        let mut whole = Vec::new();
        json::load_elements(&text, |element| {
            whole.push(element);
            true
        })
        .unwrap();
        // However the bytes come.
        for size in [1, 2, 3, 7, 4096] {
            let reader = BufReader::with_capacity(size, text.as_bytes());
            let mut found = Vec::new();
            let read = Elements::of_array(reader).each(&mut |_, element| {
                found.push(element.unwrap());
                ControlFlow::Continue(())
            });
            read.unwrap();
            assert_eq!(found, whole, "{size}");
        }
    }
}

#[test]
fn compressed_files_are_read_as_they_are() {
    let text = b"{\"a\": 1}\n{\"b\": [2]}\n";
    let plain = records(text);
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &[u8]| {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    };
    assert_eq!(records(&gzip(text)), plain);
    assert_eq!(records(&zstd(text)), plain);
    // Several members, and a frame that holds nothing, are one text.
    let members = [gzip(&text[..9]), gzip(&text[9..])].concat();
    assert_eq!(records(&members), plain);
    let skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";
    let frames = [
        zstd(&text[..9]).as_slice(),
        skipped,
        zstd(&text[9..]).as_slice(),
    ]
    .concat();
    assert_eq!(records(&frames), plain);
    for mut bytes in [gzip(&text.repeat(999)), zstd(&text.repeat(999))] {
        bytes.truncate(bytes.len() - 9);
        let (layout, _, ended) = read(&bytes);
        assert!(layout.is_none() || !ended.is_empty());
        assert!(ended.contains("cannot be read"), "{ended}");
    }
}

#[test]
fn files_of_other_kinds_are_named_with_what_to_do() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n";
    for (bytes, what) in [
        (pointer.to_vec(), "git lfs pull"),
        (gzip(pointer), "git lfs pull"),
        (b"<!DOCTYPE html><html></html>".to_vec(), "web page"),
        (b"PK\x03\x04\0\0".to_vec(), "unpack it"),
        (b"BZh91AY".to_vec(), "unpack it"),
        (b"\x80\x04\x95".to_vec(), "data to JSON"),
        (gzip(&gzip(b"{}")), "unpack it first"),
        (gzip(b"PAR1\x15\x04"), "Parquet file: convert it to JSON"),
        (b"hello".to_vec(), "neither a JSON array nor JSON lines"),
    ] {
        let (layout, _, told) = read(&bytes);
        assert!(layout.is_none() && told.contains(what), "{what}: {told}");
    }
}
