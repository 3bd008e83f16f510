//! GGUF files as models: every type's values, names and order of the weights, a real file beside its Hugging Face form.

#[path = "support/gguf.rs"]
mod gguf;
mod support;

use std::fs;
use std::path::Path;

use gguf::Gguf;
use glpft_checkpoints::{
    FloatType, GgufFile, ModelConfig, ModelFiles, SafetensorsFile, fingerprint,
};
use support::tiny;

fn golden(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn every_type_has_the_values_that_python_gives_it() {
    let file = GgufFile::open(&golden("gguf_types.gguf")).expect("it is whole");
    let expected = SafetensorsFile::open(&golden("gguf_types.safetensors")).expect("it is whole");
    let names = expected.names();
    assert_eq!(names.len(), 11);
    assert_eq!(file.names().count(), 11);
    for name in names {
        let shape = file.shape(&name).expect("it is there");
        let expected = expected.read_f32(&name, shape).expect("it is there");
        let found = file.read_f32(&name).expect("it is there");
        let found = found.expect("the file is whole");
        assert_eq!(bits(&found), bits(&expected), "{name}");
    }
}

#[test]
fn a_llama_has_hugging_faces_names_shapes_and_order() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    let number = |_: &str, index: usize| index as f32;
    fs::write(&path, Gguf::tiny_llama(number).bytes()).expect("the folder is writable");
    let files = ModelFiles::open(&path).expect("it is whole");
    let config = GgufFile::open(&path)
        .expect("it is whole")
        .model_config()
        .expect("it is a llama");
    files.check(&config).expect("the tensors are the model's");
    assert_eq!(config.tensors(), tiny().tensors());
    assert_eq!(config.rms_norm_eps, 1e-5);
    // Two heads of four: the pairs (0, 2) and (1, 3) that rotate together lay side by side.
    let rows = |name: &str, count: usize| {
        let values = files.read_f32(name, &[count, 8]).expect("it is there");
        let rows = values.chunks_exact(8);
        let first: Vec<usize> = rows.clone().map(|row| row[0] as usize / 8).collect();
        assert!(rows.into_iter().all(|row| row[7] == row[0] + 7.0));
        first
    };
    assert_eq!(
        rows("model.layers.1.self_attn.q_proj.weight", 8),
        [0, 2, 1, 3, 4, 6, 5, 7]
    );
    assert_eq!(
        rows("model.layers.0.self_attn.k_proj.weight", 4),
        [0, 2, 1, 3]
    );
    assert_eq!(
        rows("model.layers.0.self_attn.v_proj.weight", 4),
        [0, 1, 2, 3]
    );

    let one = fingerprint(&config, &files).expect("it is readable");
    let other = |name: &str, index: usize| {
        number(name, index) + f32::from(name == "blk.1.ffn_up.weight" && index == 3)
    };
    fs::write(&path, Gguf::tiny_llama(other).bytes()).expect("the folder is writable");
    let changed = ModelFiles::open(&path).expect("it is whole");
    let changed = fingerprint(&config, &changed).expect("it is readable");
    assert_ne!(one, changed);
}

#[test]
fn a_qwen2s_rows_keep_their_order() {
    let mut gguf = Gguf::default()
        .text("general.architecture", "qwen2")
        .count("qwen2.context_length", 64)
        .count("qwen2.embedding_length", 8)
        .count("qwen2.feed_forward_length", 12)
        .count("qwen2.block_count", 1)
        .count("qwen2.attention.head_count", 2)
        .count("qwen2.attention.head_count_kv", 1)
        .single("qwen2.attention.layer_norm_rms_epsilon", 1e-6)
        .single("qwen2.rope.freq_base", 1e6);
    for (name, shape) in [
        ("token_embd.weight", vec![32, 8]),
        ("output_norm.weight", vec![8]),
        ("blk.0.attn_q.weight", vec![8, 8]),
        ("blk.0.attn_q.bias", vec![8]),
    ] {
        let size: usize = shape.iter().product();
        let values: Vec<f32> = (0..size).map(|index| index as f32).collect();
        gguf = gguf.singles_tensor(name, &shape, &values);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    fs::write(&path, gguf.bytes()).expect("the folder is writable");
    let files = ModelFiles::open(&path).expect("it is whole");
    let queries = files.read_f32("model.layers.0.self_attn.q_proj.weight", &[8, 8]);
    let queries = queries.expect("it is there");
    assert!(
        queries
            .iter()
            .enumerate()
            .all(|(index, value)| *value == index as f32)
    );
    let config = GgufFile::open(&path).expect("whole").model_config();
    let config = config.expect("it is a Qwen");
    assert!(config.qkv_bias && config.rope.theta == 1e6);
}

/// `glpft`'s reading of the file against the directory that `gguf_to_hf.py` (with Python's `gguf`) made of it.
#[test]
fn a_real_file_equals_its_hugging_face_form() {
    let Some(directory) = support::model("smollm2-135m-instruct") else {
        return;
    };
    let path = directory.with_extension("gguf");
    let file = GgufFile::open(&path).expect("it is whole");
    let config = file.model_config().expect("it is a llama");
    let theirs = ModelConfig::read(&directory).expect("it is whole");
    let (mut one, mut other) = (
        config.to_json(FloatType::F32),
        theirs.to_json(FloatType::F32),
    );
    // Settings of training from scratch, which the file does not tell.
    for config in [&mut one, &mut other] {
        let config = config.as_object_mut().expect("an object");
        for key in ["initializer_range", "attention_dropout", "use_cache"] {
            config.remove(key);
        }
    }
    assert_eq!(one, other);
    let (ours, theirs) = (
        ModelFiles::open(&path).expect("it is whole"),
        ModelFiles::open(&directory).expect("it is whole"),
    );
    ours.check(&config).expect("the tensors are the model's");
    for tensor in config.tensors() {
        let ours = ours.read_f32(&tensor.name, &tensor.shape).expect("whole");
        let theirs = theirs.read_f32(&tensor.name, &tensor.shape).expect("whole");
        assert!(bits(&ours) == bits(&theirs), "{}", tensor.name);
    }
}
