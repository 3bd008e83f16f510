//! Well-known files in the place of others: what they are, by their first bytes, and what to do.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Where a tar archive says that it is one.
const TAR_MARK: usize = 257;

/// What begins like this is no file that is read here, and this is what it is.
const BEGINNINGS: [(&[u8], &str); 26] = [
    (b"version https://git-lfs", LFS),
    (b"version https://hawser", LFS),
    (b"PAR1", "a Parquet file: convert it to JSON"),
    (b"ARROW1", "an Arrow file: convert it to JSON"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\x1f\x8b", "a gzip file: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file: unpack it first"),
    (b"BZh", "a bzip2 file: unpack it first"),
    (b"\xfd7zXZ\0", "an xz file: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"%PDF", "a PDF document, not the file that was asked for"),
    (
        b"\x89HDF",
        "an HDF5 file: convert weights to safetensors, data to JSON",
    ),
    (b"GGUF", "a GGUF model: give its path as that of the model"),
    (b"tjgg", GGML),
    (b"fmgg", GGML),
    (b"lmgg", GGML),
    (b"algg", GGML),
    (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (
        b"SQLite format 3",
        "an SQLite database, not the file that was asked for",
    ),
];

/// Servers' answers that were saved in place of a file, in lower case.
const ANSWERS: [(&str, &str); 11] = [
    ("<!doctype html", PAGE),
    ("<html", PAGE),
    ("<?xml", ANSWER),
    ("<error>", ANSWER),
    ("entry not found", ANSWER),
    ("repository not found", ANSWER),
    ("not found", ANSWER),
    ("404: not found", ANSWER),
    ("access to model", ANSWER),
    ("invalid username or password", ANSWER),
    ("{\"error\":", ANSWER),
];

const LFS: &str =
    "a Git LFS pointer and not the file that it stands for: fetch that with `git lfs pull`";
const ZIP: &str = "a ZIP archive (PyTorch's .bin and .pt files are such, too): unpack it, or convert the weights to \
                   safetensors";
const PICKLE: &str = "a Python pickle (PyTorch's .bin and .pt files are such): convert weights to safetensors, data to JSON";
const GGML: &str = "a model in the format before GGUF: convert it to GGUF";
const PAGE: &str = "a web page and not the file: download the file itself (on a hub, the link with /resolve/ instead of \
                    /blob/)";
const ANSWER: &str = "a server's refusal that was saved in place of the file: read what it says, and fetch the file again";

/// What a file is that is not what was expected, and what to do, as a phrase after "it is"; `None` where it is nothing
/// well known. For messages only: ask once a file has turned out not to be what it should. The first 512 bytes are
/// enough.
pub fn foreign_content(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return Some("empty: fetch it again");
    }
    let known =
        |(beginning, what): &(&[u8], &'static str)| bytes.starts_with(beginning).then_some(*what);
    if let Some(what) = BEGINNINGS.iter().find_map(known) {
        return Some(what);
    }
    if bytes.get(TAR_MARK..TAR_MARK + 5) == Some(b"ustar") {
        return Some("a tar archive: unpack it first");
    }
    // A length, then JSON that describes tensors.
    if bytes.get(5..8) == Some(&[0, 0, 0]) && bytes.get(8) == Some(&b'{') {
        return Some("a safetensors file, not the file that was asked for");
    }
    let text = without_mark(bytes).trim_ascii_start();
    let answer = |(beginning, what): &(&str, &'static str)| {
        let begins = text.get(..beginning.len());
        begins
            .is_some_and(|begins| begins.eq_ignore_ascii_case(beginning.as_bytes()))
            .then_some(*what)
    };
    ANSWERS.iter().find_map(answer)
}

/// [`foreign_content`] of a file; `None` too where it cannot be read.
pub(crate) fn foreign_file(path: &Path) -> Option<&'static str> {
    // Opening a pipe would wait for its writer.
    fs::metadata(path).ok()?.is_file().then_some(())?;
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(512)
        .read_to_end(&mut bytes)
        .ok()?;
    foreign_content(&bytes)
}

/// Whether something of that name is there, be it a link to nothing, which then is the better error.
pub(crate) fn is_present(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The content without the byte order mark that some editors put before UTF-8.
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_files_are_named_with_what_to_do() {
        let mut tar = vec![b'x'; 512];
        tar[TAR_MARK..TAR_MARK + 5].copy_from_slice(b"ustar");
        for (bytes, what) in [
            (
                &b"version https://git-lfs.github.com/spec/v1\noid sha256:0"[..],
                "git lfs pull",
            ),
            (b"", "empty"),
            (b"\n<!DOCTYPE html><html>", "web page"),
            (b"Entry not found", "refusal"),
            (b"PAR1\x15\x04", "Parquet"),
            (b"PK\x03\x04\0\0", "convert the weights to safetensors"),
            (b"\x80\x02}q\0", "pickle"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"GGUF\x03\0\0\0", "GGUF"),
            (b"\x20\x01\0\0\0\0\0\0{\"a\":", "safetensors"),
            (&tar, "tar"),
        ] {
            let found = foreign_content(bytes).unwrap_or_default();
            assert!(found.contains(what), "{what}: {found}");
        }
        for bytes in [
            &b"{\"vocab_size\": 3}"[..],
            b"\xef\xbb\xbf{}",
            b"hello",
            &[0; 64],
        ] {
            assert_eq!(foreign_content(bytes), None);
        }
        assert_eq!(without_mark(b"\xef\xbb\xbf{}"), b"{}");
    }
}
