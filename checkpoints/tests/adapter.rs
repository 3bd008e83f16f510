//! PEFT adapters: what is written, what is refused, and the base they belong to.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    Adapter, AdapterConfig, AdapterDirectory, AdapterError, FloatType, ModelConfig, ModelFiles,
    fingerprint, write_json, write_weights,
};
use serde_json::{Value, json};
use support::{tiny, values};

fn settings() -> AdapterConfig {
    AdapterConfig {
        rank: 3,
        alpha: 6.0,
        dropout: 0.05,
        target_modules: vec!["q_proj".into(), "down_proj".into()],
        base: "../base".into(),
    }
}

fn write_base(directory: &Path, config: &ModelConfig, salt: &str, shard_bytes: u64) -> ModelFiles {
    fs::create_dir_all(directory).expect("writable");
    write_json(
        &directory.join("config.json"),
        &config.to_json(FloatType::F32),
    )
    .expect("writable");
    let tensors = config.tensors();
    let mut read = |name: &str| {
        let tensor = tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or("unknown")?;
        Ok::<_, &str>(values(&format!("{salt}{name}"), tensor.elements()))
    };
    write_weights(directory, &tensors, FloatType::F32, shard_bytes, &mut read).expect("writable");
    ModelFiles::open(directory).expect("what is written opens")
}

fn write_adapter(directory: &Path, model: &ModelConfig, base_fingerprint: &str) {
    let config = settings();
    let tensors = config.tensors(model).expect("the targets match");
    let mut read = |name: &str| {
        let tensor = tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or("unknown")?;
        Ok::<_, &str>(values(name, tensor.elements()))
    };
    let adapter = AdapterDirectory {
        config: &config,
        model,
        base_fingerprint,
        dtype: FloatType::F32,
        tokenizer: None,
        card: None,
    };
    adapter.write(directory, &mut read).expect("writable");
}

#[test]
fn an_adapter_round_trips_and_belongs_to_its_base() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny();
    let base = write_base(&folder.path().join("base"), &model, "", 1 << 30);
    let mark = fingerprint(&model, &base).expect("readable");
    let path = folder.path().join("planner");
    write_adapter(&path, &model, &mark);
    let adapter = Adapter::open(&path).expect("what is written opens");
    assert_eq!(*adapter.config(), settings());
    assert_eq!(adapter.config().scale(), 2.0);
    let found = adapter.base_directory().expect("it is beside the adapter");
    assert_eq!(
        found.canonicalize().ok(),
        folder.path().join("base").canonicalize().ok()
    );
    adapter
        .check(&model, &base)
        .expect("it belongs to this base");
    let name = "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight";
    assert_eq!(
        adapter.read_f32(name, &[3, 12]).expect("it is there"),
        values(name, 36)
    );
    let name = "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight";
    assert_eq!(
        adapter.read_f32(name, &[8, 3]).expect("it is there"),
        values(name, 24)
    );

    let other = write_base(&folder.path().join("other"), &model, "another ", 1 << 30);
    let error = adapter.check(&model, &other).expect_err("another base");
    assert!(matches!(error, AdapterError::OtherBase { .. }));
    assert!(
        error.to_string().contains("was trained on other weights"),
        "{error}"
    );
    let mut larger = tiny();
    larger.layers = 3;
    let error = adapter
        .check(&larger, &base)
        .expect_err("another model")
        .to_string();
    assert!(error.contains("missing"), "{error}");
    fs::remove_dir_all(folder.path().join("base")).expect("it is there");
    let error = adapter
        .base_directory()
        .expect_err("it is gone")
        .to_string();
    assert!(error.contains("base_model_name_or_path"), "{error}");
}

#[test]
fn the_fingerprint_tells_weights_and_arithmetic_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny();
    let of = |name: &str, model: &ModelConfig, salt: &str, shard_bytes: u64| {
        let files = write_base(&folder.path().join(name), model, salt, shard_bytes);
        fingerprint(model, &files).expect("readable")
    };
    let mark = of("a", &model, "", 1 << 30);
    // Fixed, so that adapters stay usable with later versions.
    assert_eq!(
        mark,
        "blake3:986d27cce95e9186818d56f8307e24b0b9c89110522d3d5d3256504344711503"
    );
    assert_eq!(of("b", &model, "", 500), mark, "sharding");
    let mut renamed = model.clone();
    renamed.max_positions = 17;
    assert_eq!(
        of("c", &renamed, "", 1 << 30),
        mark,
        "a key that computes nothing"
    );
    assert_ne!(of("d", &model, "other", 1 << 30), mark, "weights");
    let mut turned = model.clone();
    turned.rope.theta = 20_000.0;
    assert_ne!(of("e", &turned, "", 1 << 30), mark, "arithmetic");
}

#[test]
fn targets_match_as_in_peft() {
    let model = tiny();
    let with = |targets: &[&str]| AdapterConfig {
        target_modules: targets.iter().map(|&target| target.to_owned()).collect(),
        ..settings()
    };
    let count = |targets: &[&str]| Some(with(targets).projections(&model).ok()?.len());
    assert_eq!(count(&["q_proj", "v_proj"]), Some(4));
    assert_eq!(count(&["layers.1.self_attn.q_proj"]), Some(1));
    assert_eq!(count(&["proj"]), None, "only whole parts of a path count");
    assert_eq!(count(&["q_proj", "c_attn"]), None);
    assert_eq!(count(&[""]), None);
    let error = with(&["c_attn"])
        .projections(&model)
        .expect_err("none matches")
        .to_string();
    assert!(
        error.contains("`c_attn` matches nothing") && error.contains("gate_proj"),
        "{error}"
    );
    let all = AdapterConfig::from_json(json!({"r": 2, "target_modules": "all-linear"}));
    assert_eq!(
        all.expect("PEFT writes this")
            .projections(&model)
            .map(|all| all.len())
            .ok(),
        Some(14)
    );
}

#[test]
fn options_that_compute_something_else_are_refused_by_name() {
    for (key, value) in [
        ("r", json!(0)),
        ("r", json!(1_000_000_000)),
        ("r", json!(-8)),
        ("r", json!("8")),
        ("r", Value::Null),
        ("lora_alpha", json!(0)),
        ("lora_alpha", json!(1e300)),
        ("lora_alpha", json!([16])),
        ("lora_dropout", json!(1.0)),
        ("lora_dropout", json!(-0.1)),
        ("target_modules", json!(".*_proj")),
        ("target_modules", json!([])),
        ("target_modules", json!([7])),
        ("target_modules", Value::Null),
        ("peft_type", json!("IA3")),
        ("task_type", json!("SEQ_CLS")),
        ("bias", json!("all")),
        ("use_dora", json!(true)),
        ("use_rslora", json!(true)),
        ("use_something_new", json!(true)),
        ("eva_config", json!({"rho": 2.0})),
        ("rank_pattern", json!({"q_proj": 4})),
        ("alpha_pattern", json!({"q_proj": 4})),
        ("modules_to_save", json!(["lm_head"])),
        ("layers_to_transform", json!([0])),
        ("layers_to_transform", json!(0)),
        ("layer_replication", json!([[0, 1]])),
        ("fan_in_fan_out", json!(true)),
        ("trainable_token_indices", json!([1])),
        ("init_lora_weights", json!("pissa")),
        ("base_model_name_or_path", json!({})),
    ] {
        let mut json = settings().to_json();
        json[key] = value;
        let error = AdapterConfig::from_json(json).expect_err(key).to_string();
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
    assert!(AdapterConfig::from_json(json!("x")).is_err());
}

#[test]
fn what_recent_versions_of_peft_write_is_read() {
    let mut json = settings().to_json();
    for (key, value) in [
        ("alora_invocation_tokens", Value::Null),
        ("loftq_config", json!({})),
        ("megatron_config", Value::Null),
        ("megatron_core", json!("megatron.core")),
        ("peft_version", json!("0.21.2")),
        ("qalora_group_size", json!(16)),
        ("use_qalora", json!(false)),
        ("use_bdlora", Value::Null),
        ("lora_bias", json!(false)),
        ("ensure_weight_tying", json!(false)),
    ] {
        json[key] = value;
    }
    assert_eq!(
        AdapterConfig::from_json(json).expect("nothing unusual"),
        settings()
    );
}

#[test]
fn a_folder_without_an_adapter_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Adapter::open(folder.path())
        .expect_err("it is empty")
        .to_string();
    assert!(error.contains("adapter_config.json"), "{error}");
    write_json(
        &folder.path().join("adapter_config.json"),
        &settings().to_json(),
    )
    .expect("writable");
    let error = Adapter::open(folder.path())
        .expect_err("no weights")
        .to_string();
    assert!(error.contains("adapter_model.safetensors"), "{error}");
}
