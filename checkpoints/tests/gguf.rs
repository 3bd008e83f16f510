//! GGUF files as models: every type's values, names and order of the weights, a real file beside its Hugging Face form.

#[path = "support/gguf.rs"]
mod gguf;
mod support;

use std::fs;
use std::path::Path;

use gguf::Gguf;
use glpft_checkpoints::{
    Architecture, FloatType, GgufFile, ModelConfig, ModelFiles, RopeScaling, SafetensorsFile,
    fingerprint,
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
    assert!(config.layer(0).attention.input_bias && config.rope.theta == 1e6);
}

fn config(gguf: &Gguf) -> Result<ModelConfig, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    fs::write(&path, gguf.bytes()).expect("the folder is writable");
    let file = GgufFile::open(&path).expect("it is whole");
    file.model_config().map_err(|error| error.to_string())
}

#[test]
fn a_linear_scaling_is_read_in_every_spelling() {
    let tiny = || Gguf::tiny_llama(|_, _| 0.0);
    let linear = || RopeScaling::Linear { factor: 4.0 };
    let (kind, new, old) = (
        "llama.rope.scaling.type",
        "llama.rope.scaling.factor",
        "llama.rope.scale_linear",
    );
    for (gguf, expected) in [
        (tiny(), RopeScaling::None),
        (
            tiny().text(kind, "none").single(new, 4.0),
            RopeScaling::None,
        ),
        (tiny().text(kind, "linear"), RopeScaling::None),
        (tiny().single(new, 0.0), RopeScaling::None),
        (tiny().single(new, 1.0), RopeScaling::None),
        (tiny().text(kind, "linear").single(new, 4.0), linear()),
        (tiny().single(new, 4.0), linear()),
        (tiny().single(old, 4.0), linear()),
        (tiny().text(kind, "linear").single(old, 4.0), linear()),
        (tiny().single(new, 0.0).single(old, 4.0), linear()),
        (tiny().count(old, 4), linear()),
    ] {
        assert_eq!(config(&gguf).expect("it is read").rope.scaling, expected);
    }
    for (gguf, part) in [
        (
            tiny().single(new, 4.0).single(old, 2.0),
            "`llama.rope.scale_linear` is 2",
        ),
        (
            tiny().text(kind, "yarn").single(new, 4.0),
            "`llama.rope.scaling.original_context_length` is missing",
        ),
        (
            tiny().text(kind, "longrope").single(new, 4.0),
            "`llama.rope.scaling.type` = \"longrope\"",
        ),
        (
            tiny().single("llama.rope.scaling.attn_factor", 1.5),
            "attn_factor` = 1.5",
        ),
        (
            tiny()
                .single(new, 4.0)
                .singles_tensor("rope_freqs.weight", &[2], &[1.0, 1.0]),
            "`rope_freqs.weight` beside a scaling",
        ),
    ] {
        let error = config(&gguf).expect_err("it is not computed");
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn keys_that_change_nothing_are_read_over() {
    let gguf = Gguf::tiny_llama(|_, _| 0.0)
        .text("llama.tensor_data_layout", "Meta AI original pth")
        .count("llama.vocab_size", 32)
        .count("llama.expert_count", 0)
        .single("llama.logit_scale", 1.0)
        .single("llama.attention.scale", 0.5)
        .flag("llama.attention.causal", true)
        .flag("llama.rope.scaling.finetuned", false)
        .count("llama.rope.scaling.original_context_length", 64)
        .count("training.rope.unheard_of", 3)
        .count("general.quantization_version", 2);
    assert_eq!(
        config(&gguf).expect("it is read").tensors(),
        tiny().tensors()
    );
    let each = Gguf::tiny_llama(|_, _| 0.0).integers("llama.attention.key_length", &[4]);
    assert!(config(&each).is_err());
    let scaled = Gguf::tiny_llama(|_, _| 0.0).single("llama.attention.scale", 0.25);
    let error = config(&scaled).expect_err("it is not computed");
    assert!(
        error.contains("`llama.attention.scale` = 0.25 beside heads of 4"),
        "{error}"
    );
}

#[test]
fn a_windowed_llama_is_a_mistral() {
    let windowed =
        |window| Gguf::tiny_llama(|_, _| 0.0).count("llama.attention.sliding_window", window);
    let found = config(&windowed(16)).expect("it is read");
    assert_eq!(found.architecture, Architecture::Mistral);
    assert_eq!((found.context(), found.narrowest_window()), (64, Some(16)));
    assert_eq!(found.to_json(FloatType::F32)["sliding_window"], 16);
    let whole = config(&windowed(64)).expect("it is read");
    assert_eq!(
        (whole.architecture, whole.context()),
        (Architecture::Llama, 64)
    );
}

/// Two parts of a tiny Llama with a head of its own, the head in the second.
fn split(folder: &Path) -> [std::path::PathBuf; 2] {
    let whole = Gguf::tiny_llama(|_, index| index as f32);
    let tensors = whole.tensor_count() as i32 + 1;
    let told = |gguf: Gguf, part: u16| {
        gguf.entry("split.no", 2, &part.to_le_bytes())
            .entry("split.count", 2, &2_u16.to_le_bytes())
            .entry("split.tensors.count", 5, &tensors.to_le_bytes())
    };
    let head = Gguf::default().singles_tensor("output.weight", &[32, 8], &[7.0; 256]);
    let paths = [1, 2].map(|part| folder.join(format!("tiny-{part:05}-of-00002.gguf")));
    fs::write(&paths[0], told(whole, 0).bytes()).expect("the folder is writable");
    fs::write(&paths[1], told(head, 1).bytes()).expect("the folder is writable");
    paths
}

#[test]
fn parts_of_a_split_file_are_read_together_or_the_missing_one_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = split(folder.path());
    for path in &paths {
        let files = ModelFiles::open(path).expect("all parts are there");
        let config = GgufFile::open(path)
            .expect("all parts are there")
            .model_config();
        let config = config.expect("it is a llama");
        assert!(!config.tied);
        files.check(&config).expect("the tensors are the model's");
        let head = files
            .read_f32("lm_head.weight", &[32, 8])
            .expect("it is there");
        assert!(head.iter().all(|value| *value == 7.0));
        let other = files
            .read_f32("model.norm.weight", &[8])
            .expect("it is there");
        assert_eq!(other[7], 7.0);
        fingerprint(&config, &files).expect("it is readable");
    }
    let refused = |path: &Path, part: &str| {
        let error = ModelFiles::open(path)
            .expect_err("it is not whole")
            .to_string();
        assert!(error.contains(part), "{part}: {error}");
    };
    fs::rename(&paths[1], folder.path().join("away")).expect("it is there");
    refused(
        &paths[0],
        "part 1 of 2 of a split model, and part 2, tiny-00002-of-00002.gguf, is not",
    );
    // Another model's part, and one too few tensors.
    fs::copy(&paths[0], &paths[1]).expect("writable");
    refused(&paths[0], "is not its part 2 of 2");
    fs::rename(folder.path().join("away"), &paths[1]).expect("writable");
    let renamed = folder.path().join("tiny.gguf");
    fs::copy(&paths[0], &renamed).expect("writable");
    refused(&renamed, "its name does not end in -00001-of-00002.gguf");
    let short = Gguf::tiny_llama(|_, _| 0.0).entry("split.tensors.count", 5, &99_i32.to_le_bytes());
    fs::write(&renamed, short.bytes()).expect("writable");
    refused(&renamed, "`split.tensors.count` is 99");
    // A part that says so by its name alone: without a head it is not taken for a whole model.
    fs::write(&paths[0], Gguf::tiny_llama(|_, _| 0.0).bytes()).expect("writable");
    refused(&paths[0], "part 1 of 2 by its name");
}

#[test]
fn a_gguf_file_is_known_by_its_first_bytes_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sha256-0");
    fs::write(&path, Gguf::tiny_llama(|_, _| 0.0).bytes()).expect("writable");
    assert!(GgufFile::is_at(&path) && !GgufFile::is_at(folder.path()));
    fs::write(&path, "GGU").expect("writable");
    assert!(!GgufFile::is_at(&path));
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
