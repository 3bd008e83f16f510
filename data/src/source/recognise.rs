//! What a file is that is not what was looked for: well-known kinds, by their first bytes.

use super::RecordError;

/// Beginnings of files, and what such a file is and what to do.
const KINDS: &[(&[u8], &str)] = &[
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, not the file: its content was not fetched (`git lfs pull` does)",
    ),
    (b"PK\x03\x04", "a zip archive: unpack it"),
    (b"\x1f\x8b", "compressed with gzip: unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it"),
    (b"BZh", "compressed with bzip2: unpack it"),
    (b"\xfd7zXZ\x00", "compressed with xz: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"PAR1", "a Parquet table, not JSON"),
    (b"ARROW1", "an Arrow file, not JSON"),
    (b"%PDF", "a PDF document, not JSON"),
    (b"SQLite format 3", "an SQLite database, not JSON"),
    (b"GGUF", "a GGUF model, not JSON"),
    (b"\x80\x02", "a Python pickle, not JSON"),
    (b"\x80\x04", "a Python pickle, not JSON"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
];

/// Beginnings of texts, in lower case.
const TEXTS: &[(&str, &str)] = &[
    (
        "<!doctype html",
        "a web page (HTML), not the file: a download gave the page about it",
    ),
    (
        "<html",
        "a web page (HTML), not the file: a download gave the page about it",
    ),
    ("<?xml", "XML, not JSON"),
];

/// Where a tar archive says that it is one.
const TAR: usize = 257;

/// The mark that some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What a file is, if it is of a kind that is well known and no JSON.
pub(crate) fn recognise(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = KINDS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(what);
    }
    if bytes
        .get(TAR..)
        .is_some_and(|rest| rest.starts_with(b"ustar"))
    {
        return Some("a tar archive: unpack it");
    }
    let start = bytes
        .strip_prefix(BYTE_ORDER_MARK.as_bytes())
        .unwrap_or(bytes);
    let start = start.trim_ascii_start();
    let begins = |text: &str| {
        let start = start.get(..text.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
    };
    let text = TEXTS.iter().find(|(text, _)| begins(text));
    text.map(|(_, what)| *what)
}

/// The text of a file that should be JSON, without a byte order mark.
///
/// # Errors
/// It is of another, well-known kind, or no UTF-8.
pub(crate) fn json_text(bytes: &[u8]) -> Result<&str, RecordError> {
    if let Some(what) = recognise(bytes) {
        return Err(RecordError::Recognised(what));
    }
    let text = std::str::from_utf8(bytes)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_files_are_named() {
        let mut tar = vec![b'a'; TAR];
        tar.extend(b"ustar\x0000");
        for (bytes, word) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..],
                "LFS",
            ),
            (b"PK\x03\x04\x14", "zip"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"PAR1\x15", "Parquet"),
            (b"\n <!DOCTYPE HTML><html>", "web page"),
            (b"\xef\xbb\xbf<html lang=\"en\">", "web page"),
            (b"\xff\xfe{\x00", "UTF-16"),
            (&tar, "tar"),
        ] {
            assert!(
                recognise(bytes).is_some_and(|what| what.contains(word)),
                "{word}"
            );
            assert!(json_text(bytes).is_err());
        }
        for bytes in [
            &b"{}"[..],
            b"",
            b"[1]",
            b"\xef\xbb\xbf{}",
            b"hello",
            b"\xff",
        ] {
            assert_eq!(recognise(bytes), None);
        }
        assert_eq!(json_text(b"\xef\xbb\xbf{}").ok(), Some("{}"));
    }
}
