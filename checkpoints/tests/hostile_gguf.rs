//! GGUF files that are not what they say: one clear error each, nothing allocated that the file does not hold.

#[path = "support/gguf.rs"]
mod gguf;

use std::fs;
use std::path::Path;

use gguf::Gguf;
use glpft_checkpoints::{GgufFile, ModelFiles};

/// What opening a file of these bytes as a model ends in.
fn refused(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.gguf");
    fs::write(&path, bytes).expect("the folder is writable");
    let error = ModelFiles::open(&path).expect_err("it is no model");
    let message = error.to_string();
    assert!(
        message.len() < 500 && message.contains("x.gguf"),
        "{message}"
    );
    message
}

fn whole() -> Gguf {
    Gguf::tiny_llama(|_, index| index as f32)
}

/// The header's beginning: version, tensors, metadata entries.
fn header(version: u32, tensors: u64, entries: u64) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes
}

#[test]
fn headers_that_lie_are_refused() {
    let text = |length: u64| length.to_le_bytes().to_vec();
    let entry = |kind: u32, value: &[u8]| {
        [
            header(3, 0, 1),
            text(1),
            b"k".to_vec(),
            kind.to_le_bytes().to_vec(),
            value.to_vec(),
        ]
        .concat()
    };
    let list = |kind: u32, count: u64| {
        entry(
            9,
            &[&kind.to_le_bytes()[..], &count.to_le_bytes()[..]].concat(),
        )
    };
    for (bytes, part) in [
        (b"".to_vec(), "is empty"),
        (b"PK\x03\x04".to_vec(), "is a ZIP archive"),
        (
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "git lfs pull",
        ),
        (b"no such form".to_vec(), "does not begin with `GGUF`"),
        (
            header(1, 0, 0),
            "version 1 of the format is not implemented",
        ),
        (header(4, 0, 0), "version 4 of the format"),
        (header(3_u32.swap_bytes(), 0, 0), "big-endian"),
        (
            header(3, u64::MAX, 0),
            "claims 18446744073709551615 tensors",
        ),
        (
            header(3, 0, 1 << 40),
            "claims 1099511627776 metadata entries",
        ),
        (header(3, 1000, 1000), "ends inside its header"),
        (
            [header(3, 0, 1), text(u64::MAX)].concat(),
            "ends inside its header",
        ),
        (
            [header(3, 0, 1), text(1 << 40)].concat(),
            "ends inside its header",
        ),
        (
            [header(3, 0, 1), text(2), b"\xff\xfe".to_vec()].concat(),
            "too long or not text",
        ),
        (entry(77, &[]), "a value of type 77"),
        (
            entry(8, &(1_u64 << 62).to_le_bytes()),
            "ends inside its header",
        ),
        (list(4, u64::MAX), "ends inside its header"),
        (list(8, u64::MAX), "ends inside its header"),
        (list(0, 1 << 62), "ends inside its header"),
        (list(9, 1 << 30), "a list of lists"),
        (list(99, 1), "a value of type 99"),
        (
            whole().count("llama.block_count", 2).bytes(),
            "`llama.block_count` is there twice",
        ),
        (
            whole().count("general.alignment", 0).bytes(),
            "not a power of two",
        ),
        (
            whole().count("general.alignment", 24).bytes(),
            "not a power of two",
        ),
    ] {
        let message = refused(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
    // Cut anywhere.
    let bytes = whole().bytes();
    for end in (0..bytes.len()).step_by(13) {
        refused(&bytes[..end]);
    }
}

#[test]
fn tensors_that_lie_are_refused() {
    let with = |sizes: &[u64], kind, data: Vec<u8>| whole().tensor("x", sizes, kind, data).bytes();
    for (bytes, part) in [
        (with(&[], 0, vec![]), "0 dimensions"),
        (with(&[1, 1, 1, 1, 1], 0, vec![0; 4]), "5 dimensions"),
        (with(&[1 << 40], 0, vec![0; 32]), "ends at byte"),
        (
            with(&[u64::MAX / 4 + 1, 4], 0, vec![0; 32]),
            "larger than any file",
        ),
        (with(&[u64::MAX], 0, vec![0; 32]), "larger than any file"),
        (
            with(&[33], 2, vec![0; 36]),
            "rows of 33, no whole Q4_0 blocks",
        ),
        (
            with(&[8], 10, vec![0; 32]),
            "stored as type 10, which is not implemented; F32, F16",
        ),
        (
            with(&[8], u32::MAX, vec![0; 32]),
            "stored as type 4294967295",
        ),
        (
            whole()
                .tensor("token_embd.weight", &[8], 0, vec![0; 32])
                .bytes(),
            "there twice",
        ),
        (
            whole()
                .tensor("model.norm.weight", &[8], 0, vec![0; 32])
                .bytes(),
            "are the same tensor",
        ),
    ] {
        let message = refused(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
    // Two tensors of which the second claims the first one's place.
    let two = Gguf::default()
        .tensor("a", &[8], 0, vec![1; 32])
        .tensor("b", &[8], 0, vec![2; 32])
        .bytes();
    let at = two.len() - 64 - 8;
    let place = two[..two.len() - 64]
        .windows(8)
        .rposition(|eight| eight == 32_u64.to_le_bytes());
    let place = place.expect("the second offset");
    assert!(place <= at);
    for (offset, part) in [
        (0, "lies on another tensor"),
        (4, "not aligned"),
        (64, "ends at byte"),
        (u64::MAX - 7, "larger than any file"),
    ] {
        let mut bytes = two.clone();
        bytes[place..place + 8].copy_from_slice(&u64::to_le_bytes(offset));
        let message = refused(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn models_that_cannot_be_are_refused() {
    let llama = |key: &str, value: u32| {
        let mut gguf = Gguf::default()
            .text("general.architecture", "llama")
            .single("llama.attention.layer_norm_rms_epsilon", 1e-5)
            .singles_tensor("token_embd.weight", &[4, 8], &[0.0; 32]);
        let mut counts = vec![
            ("context_length", 64),
            ("embedding_length", 8),
            ("feed_forward_length", 12),
            ("block_count", 1),
            ("attention.head_count", 2),
        ];
        counts.retain(|(other, _)| *other != key);
        counts.push((key, value));
        for (key, value) in counts {
            gguf = gguf.count(&format!("llama.{key}"), value);
        }
        gguf.bytes()
    };
    for (bytes, part) in [
        (Gguf::default().bytes(), "`general.architecture` is missing"),
        (
            Gguf::default().count("general.architecture", 1).bytes(),
            "must be a text",
        ),
        (
            Gguf::default()
                .text("general.architecture", "gemma")
                .bytes(),
            "llama, qwen2, qwen3, smollm3, granite, phi3, gemma3 are",
        ),
        (
            Gguf::default()
                .text("general.architecture", "llama")
                .bytes(),
            "`llama.context_length` is missing",
        ),
        (
            llama("attention.head_count", 0),
            "not a multiple of the 0 heads",
        ),
        (
            llama("attention.head_count", 3),
            "not a multiple of the 3 heads",
        ),
        (
            llama("attention.head_count", 8),
            "rotary embedding needs an even one",
        ),
        (llama("attention.head_count_kv", 0), "num_key_value_heads"),
        (llama("embedding_length", u32::MAX), "embedding_length"),
        (llama("block_count", u32::MAX), "num_hidden_layers"),
        (
            llama("expert_count", 8),
            "`llama.expert_count` = 8 is not implemented",
        ),
        (
            llama("attention.sliding_window_pattern", 2),
            "`llama.attention.sliding_window_pattern` = 2, which may change",
        ),
        (
            llama("rope.scaling.yarn_log_multiplier", 1),
            "`llama.rope.scaling.yarn_log_multiplier` = 1 is not implemented",
        ),
        (
            llama("attention.unheard_of", 3),
            "`llama.attention.unheard_of` = 3, which may change",
        ),
        (llama("vocab_size", 5), "`llama.vocab_size` is 5, but"),
        (llama("attention.causal", 0), "`llama.attention.causal` = 0"),
        (
            Gguf::default().text("general.type", "adapter").bytes(),
            "`general.type` = \"adapter\" is not implemented",
        ),
        (
            llama("rope.dimension_count", 2),
            "beside heads of 4 is not implemented",
        ),
    ] {
        let message = refused(&bytes);
        assert!(message.contains(part), "{part}: {message}");
    }
    let odd = Gguf::default().text("general.architecture", &"x".repeat(100_000));
    assert!(refused(&odd.bytes()).len() < 300);
}

#[test]
fn what_is_no_file_is_refused() {
    for path in ["/dev/zero", "/dev/null", "."] {
        if Path::new(path).exists() {
            let error = GgufFile::open(Path::new(path)).expect_err("it is no file");
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = GgufFile::open(&folder.path().join("absent.gguf")).expect_err("absent");
    assert!(error.to_string().contains("cannot read"), "{error}");
}
