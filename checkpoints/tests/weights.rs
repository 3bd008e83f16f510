//! Weights: round trips in every type, sharding, and files that are not what they say.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    FloatType, ModelFiles, SafetensorsFile, TensorShape, WeightsError, write_safetensors,
    write_weights,
};
use serde_json::json;
use support::{tiny, values};

const TYPES: [FloatType; 3] = [FloatType::F32, FloatType::F16, FloatType::Bf16];

fn tensor_values(name: &str) -> Result<Vec<f32>, String> {
    let tensors = tiny().tensors();
    let tensor = tensors.iter().find(|tensor| tensor.name == name);
    Ok(values(name, tensor.ok_or("no such tensor")?.elements()))
}

/// A file with that header and `data` bytes after it.
fn raw(path: &Path, header: &str, data: usize) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    fs::write(path, bytes).expect("the folder is writable");
}

#[test]
fn every_type_and_sharding_round_trips() {
    let config = tiny();
    let tensors = config.tensors();
    for dtype in TYPES {
        for shard_bytes in [1_000_000, 600, 1] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            write_weights(
                folder.path(),
                &tensors,
                dtype,
                shard_bytes,
                &mut tensor_values,
            )
            .expect("the folder is writable");
            assert_eq!(
                folder.path().join("model.safetensors").exists(),
                shard_bytes > 600
            );
            let files = ModelFiles::open(folder.path()).expect("what is written opens");
            files
                .check(&config)
                .expect("the tensors are those of the configuration");
            for tensor in &tensors {
                let found = files
                    .read_f32(&tensor.name, &tensor.shape)
                    .expect("it is there");
                for (found, value) in found.iter().zip(values(&tensor.name, tensor.elements())) {
                    let expected = match dtype {
                        FloatType::F32 => value,
                        FloatType::F16 => half::f16::from_f32(value).to_f32(),
                        FloatType::Bf16 => half::bf16::from_f32(value).to_f32(),
                    };
                    assert_eq!(found.to_bits(), expected.to_bits());
                }
                assert_eq!(files.float_type(&tensor.name), Some(dtype));
            }
        }
    }
}

#[test]
fn shards_are_named_and_indexed_as_hugging_face_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tensors = ["a", "b", "c"].map(|name| TensorShape::new(name, [4]));
    let mut read = |name: &str| Ok::<_, String>(values(name, 4));
    write_weights(folder.path(), &tensors, FloatType::F32, 32, &mut read).expect("writable");
    let index: serde_json::Value =
        glpft_checkpoints::read_json(&folder.path().join("model.safetensors.index.json"))
            .expect("it is written");
    let one = "model-00001-of-00002.safetensors";
    let two = "model-00002-of-00002.safetensors";
    assert_eq!(index["metadata"]["total_size"], json!(48));
    assert_eq!(index["weight_map"], json!({"a": one, "b": one, "c": two}));
}

#[test]
fn rounding_is_to_nearest_even_and_widening_exact() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.safetensors");
    let write = |dtype, values: Vec<f32>| {
        let tensor = [TensorShape::new("x", [values.len()])];
        let mut read = |_: &str| Ok::<_, String>(values.clone());
        write_safetensors(&path, &tensor, dtype, &mut read).expect("writable");
        let file = SafetensorsFile::open(&path).expect("what is written opens");
        file.read_f32("x", &[values.len()]).expect("it is there")
    };
    // Halfway between two bf16 numbers: down to the even one, then up to the even one.
    let halfway = [0x3f80_8000_u32, 0x3f81_8000, 0x3f80_8001]
        .map(f32::from_bits)
        .to_vec();
    let expected = [0x3f80_0000_u32, 0x3f82_0000, 0x3f81_0000].map(f32::from_bits);
    assert_eq!(write(FloatType::Bf16, halfway), expected);
    let halves = vec![2049.0, 2051.0, 65504.0, 65519.0, 6e-8, -0.0];
    let found = write(FloatType::F16, halves);
    assert_eq!(found[..4], [2048.0, 2052.0, 65504.0, 65504.0]);
    assert_eq!(found[4], 2.0_f32.powi(-24));
    assert!(found[5] == 0.0 && found[5].is_sign_negative());
    let special = vec![
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MIN_POSITIVE,
        1e-45,
    ];
    let found = write(FloatType::F32, special.clone());
    assert!(
        found
            .iter()
            .zip(&special)
            .all(|(found, value)| found.to_bits() == value.to_bits())
    );
    assert!(write(FloatType::Bf16, special.clone())[0].is_nan());
    assert!(write(FloatType::F16, special)[0].is_nan());
    assert_eq!(write(FloatType::Bf16, Vec::new()), Vec::<f32>::new());
}

#[test]
fn a_value_that_the_type_cannot_hold_is_refused_by_name_place_and_value() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.safetensors");
    let tensor = [TensorShape::new("x", [2, 3])];
    let write = |dtype, value: f32| {
        let mut read = |_: &str| Ok::<_, String>(vec![0.0, 1.0, 2.0, 3.0, value, f32::INFINITY]);
        write_safetensors(&path, &tensor, dtype, &mut read)
    };
    for (dtype, value, parts) in [
        (
            FloatType::F16,
            65520.0,
            ["as F16", "[1, 1] is 6.552e4", "bf16 and f32 hold it"],
        ),
        (
            FloatType::F16,
            -1e5,
            ["as F16", "is -1e5", "ends at 6.5504e4"],
        ),
        (
            FloatType::Bf16,
            f32::MAX,
            ["as BF16", "is 3.4028235e38", "; f32 holds it"],
        ),
    ] {
        let error = write(dtype, value)
            .expect_err("it would become infinite")
            .to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(error.contains("`x`") && !path.exists(), "{error}");
    }
    // The largest that round to a finite number, and what was infinite before.
    for (dtype, value) in [
        (FloatType::F16, 65519.0),
        (FloatType::Bf16, f32::from_bits(0x7f7f_7fff)),
        (FloatType::F32, f32::MAX),
        (FloatType::F16, f32::NEG_INFINITY),
    ] {
        write(dtype, value).expect("the type holds it");
    }
}

#[test]
fn a_failing_source_leaves_the_previous_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.safetensors");
    let tensors = ["a", "b"].map(|name| TensorShape::new(name, [2, 2]));
    let mut whole = |name: &str| Ok::<_, String>(values(name, 4));
    write_safetensors(&path, &tensors, FloatType::F32, &mut whole).expect("writable");
    let before = fs::read(&path).expect("it is written");
    let mut failing = |name: &str| match name {
        "a" => Ok(values(name, 4)),
        _ => Err("the device is gone"),
    };
    let error = write_safetensors(&path, &tensors, FloatType::F32, &mut failing);
    let error = error.expect_err("the source fails").to_string();
    assert_eq!(error, "cannot write `b`: the device is gone");
    let mut short = |name: &str| Ok::<_, String>(values(name, 3));
    let error = write_safetensors(&path, &tensors, FloatType::F32, &mut short);
    let error = error.expect_err("it is too short").to_string();
    assert!(error.contains("got 3 values for shape [2, 2]"), "{error}");
    let twice = ["a", "a"].map(|name| TensorShape::new(name, [2, 2]));
    assert!(write_safetensors(&path, &twice, FloatType::F32, &mut whole).is_err());
    let large = [TensorShape::new("a", [usize::MAX, 2])];
    assert!(write_safetensors(&path, &large, FloatType::F32, &mut whole).is_err());
    assert_eq!(fs::read(&path).expect("it is still there"), before);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1);
}

#[test]
fn damaged_files_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    let refused = |why: &str| {
        let error = ModelFiles::open(folder.path()).expect_err(why);
        assert!(
            matches!(
                error,
                WeightsError::Damaged { .. } | WeightsError::Foreign { .. }
            ),
            "{why}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.len() < 400 && message.contains("model.safetensors"),
            "{message}"
        );
        message
    };
    for bytes in [
        &b""[..],
        b"1234567",
        &[0; 8],
        &[0xff; 8],
        &[0xff; 64],
        b"PK\x03\x04....zip.",
    ] {
        fs::write(&path, bytes).expect("the folder is writable");
        refused("no header");
    }
    fs::write(&path, (31_u64 << 20).to_le_bytes()).expect("the folder is writable");
    assert!(refused("a long header that is absent").contains("claims"));
    raw(&path, &"[".repeat(100_000), 0);
    refused("deep nesting");
    let one = |shape: &str, dtype: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    for (header, data, why) in [
        (one("[2]", "F32", "[0,8]"), 7, "cut short"),
        (one("[2]", "F32", "[0,8]"), 9, "too long"),
        (one("[2]", "F32", "[0,12]"), 12, "longer than the shape"),
        (one("[2]", "F32", "[4,12]"), 12, "a hole"),
        (one("[2]", "F32", "[8,0]"), 8, "backwards"),
        (one("[-2]", "F32", "[0,8]"), 8, "negative"),
        (one("[2.5]", "F32", "[0,8]"), 8, "a fraction"),
        (one("[2]", "F33", "[0,8]"), 8, "an unknown type"),
        (
            one("[4294967296,4294967296]", "F32", "[0,8]"),
            8,
            "overflow to 0",
        ),
        (
            one("[9223372036854775807]", "F32", "[0,9223372036854775807]"),
            8,
            "huge",
        ),
        (
            one("[99999999999999999999999]", "F32", "[0,8]"),
            8,
            "beyond 64 bits",
        ),
        (
            one("[2]", "F32", "[0,18446744073709551615]"),
            8,
            "out of the file",
        ),
        (one("\"x\"", "F32", "[0,8]"), 8, "shape of another type"),
        (
            r#"{"a":{"shape":[2],"data_offsets":[0,8]}}"#.into(),
            8,
            "no type",
        ),
        (r#"{"a":7}"#.into(), 0, "not an entry"),
        ("[]".into(), 0, "a list"),
        ("{} trailing".into(), 0, "more than one value"),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#
                .into(),
            12,
            "overlapping",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
                .into(),
            8,
            "twice",
        ),
    ] {
        raw(&path, &header, data);
        refused(why);
    }
    raw(&path, &one("[2]", "F32", "[0,8]"), 8);
    assert!(
        ModelFiles::open(folder.path()).is_ok(),
        "the undamaged form opens"
    );
    fs::remove_file(&path).expect("it is there");
    fs::create_dir(&path).expect("the folder is writable");
    refused("a folder");
}

#[test]
fn tensors_that_do_not_fit_are_listed() {
    let config = tiny();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.safetensors");
    let mut tensors = config.tensors();
    tensors.retain(|tensor| !tensor.name.contains("layers.1."));
    tensors[0].shape = vec![8, 32];
    tensors.push(TensorShape::new("extra", [1]));
    tensors.push(TensorShape::new(
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        [2],
    ));
    let sizes = tensors.clone();
    let mut read = |name: &str| {
        let tensor = sizes
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or("unknown")?;
        Ok::<_, &str>(values(name, tensor.elements()))
    };
    write_safetensors(&path, &tensors, FloatType::F32, &mut read).expect("writable");
    let files = ModelFiles::open(folder.path()).expect("the file is whole");
    let error = files
        .check(&config)
        .expect_err("it does not fit")
        .to_string();
    for part in [
        "missing: model.layers.1.self_attn.q_proj.weight",
        "and 6 more",
        "unexpected: extra;",
        "model.embed_tokens.weight ([8, 32], expected [32, 8])",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = files
        .read_f32("model.embed_tokens.weight", &[32, 8])
        .expect_err("other shape");
    assert!(matches!(error, WeightsError::Shape { .. }));
    let error = files.read_f32("none", &[1]).expect_err("there is none");
    assert!(matches!(error, WeightsError::Missing { .. }));
    raw(
        &path,
        r#"{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#,
        8,
    );
    let files = ModelFiles::open(folder.path()).expect("the file is whole");
    let error = files
        .read_f32("a", &[1])
        .expect_err("it holds integers")
        .to_string();
    assert!(error.contains("stored as I64"), "{error}");
}

#[test]
fn a_head_beside_a_tied_embedding_must_equal_it() {
    let config = tiny();
    let mut tensors = config.tensors();
    tensors.push(TensorShape::new("lm_head.weight", [32, 8]));
    for same in [true, false] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut read = |name: &str| match name {
            "lm_head.weight" if same => tensor_values("model.embed_tokens.weight"),
            "lm_head.weight" => Ok(values("another", 256)),
            name => tensor_values(name),
        };
        write_weights(folder.path(), &tensors, FloatType::F32, 1 << 30, &mut read)
            .expect("writable");
        let files = ModelFiles::open(folder.path()).expect("the file is whole");
        match files.check(&config) {
            Ok(()) => assert!(same),
            Err(error) => {
                assert!(
                    !same && error.to_string().contains("tie_word_embeddings"),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn an_index_may_not_leave_its_folder_or_lie() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inner = folder.path().join("model");
    fs::create_dir(&inner).expect("the folder is writable");
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    raw(&folder.path().join("outside.safetensors"), header, 8);
    raw(&inner.join("one.safetensors"), header, 8);
    raw(&inner.join("two.safetensors"), header, 8);
    let open = |index: serde_json::Value| {
        fs::write(
            inner.join("model.safetensors.index.json"),
            index.to_string(),
        )
        .expect("the folder is writable");
        ModelFiles::open(&inner)
    };
    assert!(open(json!({"weight_map": {"a": "one.safetensors"}})).is_ok());
    let absolute = folder.path().join("outside.safetensors");
    for shard in [
        "../outside.safetensors",
        "..",
        ".",
        "",
        "/etc/passwd",
        "x/../one.safetensors",
    ]
    .into_iter()
    .chain(absolute.to_str())
    {
        let error = open(json!({"weight_map": {"a": shard}})).expect_err("outside");
        assert!(error.to_string().contains("beside its index"), "{error}");
    }
    for (index, part) in [
        (json!({"weight_map": {}}), "names no shard"),
        (json!({"weight_map": []}), "index.json"),
        (json!({}), "weight_map"),
        (
            json!({"weight_map": {"b": "one.safetensors"}}),
            "`b` is in one.safetensors; it is not",
        ),
        (
            json!({"weight_map": {"a": "absent.safetensors"}}),
            "the part absent.safetensors is not there, which holds 1 of the tensors (`a`)",
        ),
        (
            json!({"weight_map": {"a": "m-00001-of-00002.safetensors"}}),
            "names no tensor of m-00002-of-00002.safetensors",
        ),
        (
            json!({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}),
            "`a` is also",
        ),
    ] {
        let error = open(index).expect_err("it lies").to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_folder_without_weights_says_what_was_looked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = ModelFiles::open(folder.path())
        .expect_err("it is empty")
        .to_string();
    assert!(error.contains("looked for model.safetensors"), "{error}");
    let told_with = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "").expect("the folder is writable");
        let error = ModelFiles::open(folder.path()).expect_err("no safetensors");
        fs::remove_file(path).expect("it is there");
        error.to_string()
    };
    for (name, advice) in [
        ("pytorch_model.bin", "convert it to safetensors"),
        ("model-Q4_K_M.gguf", "the path of that file itself"),
        (
            "model-00001-of-00003.safetensors",
            "model.safetensors.index.json and every part",
        ),
        ("consolidated.safetensors", "name it model.safetensors if"),
    ] {
        let error = told_with(name);
        assert!(error.contains(name) && error.contains(advice), "{error}");
    }
    let error = ModelFiles::open(&folder.path().join("absent"))
        .expect_err("absent")
        .to_string();
    assert!(error.contains("open the model folder"), "{error}");
}

#[test]
fn a_real_model_is_read_lazily() {
    let Some(directory) = support::model("smollm2-135m-instruct") else {
        return;
    };
    let config = glpft_checkpoints::ModelConfig::read(&directory).expect("it is whole");
    let files = ModelFiles::open(&directory).expect("it is whole");
    files
        .check(&config)
        .expect("the tensors are those of the configuration");
    let norm = files
        .read_f32("model.norm.weight", &[576])
        .expect("it is there");
    assert!(norm.iter().all(|value| value.is_finite()));
}
