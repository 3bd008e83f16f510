//! PEFT adapters: what is written, what is refused, and the base they belong to.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    Adapter, AdapterConfig, AdapterDirectory, AdapterError, FloatType, ModelConfig, ModelFiles,
    ModelLocation, RunDirectory, fingerprint, name_bases_anew, write_json, write_weights,
};
use serde_json::{Value, json};
use support::{tiny, values};

fn settings() -> AdapterConfig {
    AdapterConfig {
        rank: 3,
        alpha: 6.0,
        dropout: 0.05,
        target_modules: ["q_proj", "down_proj"].into_iter().collect(),
        base: "../base".into(),
        ..AdapterConfig::default()
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
    write_settings(directory, &settings(), model, base_fingerprint, None);
}

fn write_settings(
    directory: &Path,
    config: &AdapterConfig,
    model: &ModelConfig,
    base_fingerprint: &str,
    base_beside: Option<&str>,
) {
    let tensors = config.tensors(model).expect("the targets match");
    let mut read = |name: &str| {
        let tensor = tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .ok_or("unknown")?;
        Ok::<_, &str>(values(name, tensor.elements()))
    };
    let adapter = AdapterDirectory {
        config,
        model,
        base_fingerprint,
        base_beside,
        beside: &[],
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
    assert_eq!(adapter.dtype(), FloatType::F32);
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
fn a_base_in_a_cache_with_several_snapshots_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny();
    let base = write_base(&folder.path().join("base"), &model, "", 1 << 30);
    let mark = fingerprint(&model, &base).expect("readable");
    let path = folder.path().join("planner");
    write_adapter(&path, &model, &mark);
    let cache = folder.path().join("cache");
    for snapshot in ["one", "two"] {
        fs::create_dir_all(cache.join("snapshots").join(snapshot)).expect("writable");
    }
    fs::remove_dir_all(folder.path().join("base")).expect("it is there");
    fs::rename(&cache, folder.path().join("base")).expect("writable");
    let adapter = Adapter::open(&path).expect("what is written opens");
    let error = adapter.base_directory().expect_err("one of two");
    assert!(matches!(error, AdapterError::UnclearBase { .. }), "{error}");
    assert!(error.to_string().contains("snapshot"), "{error}");
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
        target_modules: targets.iter().copied().collect(),
        ..settings()
    };
    let count = |targets: &[&str]| Some(with(targets).modules(&model).ok()?.len());
    assert_eq!(count(&["q_proj", "v_proj"]), Some(4));
    assert_eq!(count(&["layers.1.self_attn.q_proj"]), Some(1));
    assert_eq!(count(&["embed_tokens", "lm_head"]), Some(2));
    assert_eq!(count(&["proj"]), None, "only whole parts of a path count");
    // Lists of targets are written for several families; what matches none is passed over.
    assert_eq!(count(&["q_proj", "c_attn"]), Some(2));
    assert_eq!(count(&[""]), None);
    let error = with(&["c_attn"])
        .modules(&model)
        .expect_err("none matches")
        .to_string();
    assert!(
        error.contains("`c_attn` match nothing") && error.contains("gate_proj"),
        "{error}"
    );
    let read = |extra: Value| {
        let mut json = json!({"r": 2});
        let (Some(all), Value::Object(extra)) = (json.as_object_mut(), extra) else {
            return None;
        };
        all.extend(extra);
        let modules = AdapterConfig::from_json(json).ok()?.modules(&model).ok()?;
        Some(
            modules
                .into_iter()
                .map(|module| module.path)
                .collect::<Vec<_>>(),
        )
    };
    let count = |extra| read(extra).map(|modules| modules.len());
    let all = json!({"target_modules": "all-linear"});
    assert_eq!(count(all), Some(14), "not the head, not the embedding");
    let layer = |path: &str| Some(vec![format!("model.layers.1.{path}")]);
    for (extra, path) in [
        (
            json!({"target_modules": r"model\.layers\.1\.self_attn\.q_proj"}),
            "self_attn.q_proj",
        ),
        (
            json!({"target_modules": "(?!.*layers.0).*up_proj"}),
            "mlp.up_proj",
        ),
        (
            json!({"target_modules": ["up_proj"], "layers_to_transform": 1}),
            "mlp.up_proj",
        ),
        (
            json!({"target_modules": ["up_proj"], "layers_to_transform": [1], "layers_pattern": "(h|layers)"}),
            "mlp.up_proj",
        ),
        (
            json!({"target_modules": ["up_proj"], "exclude_modules": ["layers.0.mlp.up_proj"]}),
            "mlp.up_proj",
        ),
        (
            json!({"target_modules": ["up_proj"], "exclude_modules": "model.layers.0.*"}),
            "mlp.up_proj",
        ),
        (
            json!({"target_modules": ["up_proj"], "modules_to_save": ["layers.0.mlp"]}),
            "mlp.up_proj",
        ),
    ] {
        assert_eq!(read(extra.clone()), layer(path), "{extra}");
    }
    let other =
        json!({"target_modules": ["up_proj"], "layers_to_transform": [1], "layers_pattern": "h"});
    assert_eq!(read(other), None);
}

#[test]
fn ranks_and_scales_follow_the_first_pattern_that_matches() {
    let model = tiny();
    let json = json!({
        "r": 4, "lora_alpha": 8, "use_rslora": true, "target_modules": ["q_proj", "v_proj"],
        "rank_pattern": {"layers.0.self_attn.q_proj": 16, "q_proj": 1},
        "alpha_pattern": {"self_attn.(q|k)_proj": 2, "proj": 100},
    });
    let config = AdapterConfig::from_json(json).expect("PEFT writes this");
    let modules = config.modules(&model).expect("they fit");
    let found: Vec<_> = modules
        .iter()
        .map(|module| (&*module.path, module.rank, module.scale))
        .collect();
    assert_eq!(
        found,
        [
            ("model.layers.0.self_attn.q_proj", 16, 0.5),
            ("model.layers.0.self_attn.v_proj", 4, 4.0),
            ("model.layers.1.self_attn.q_proj", 1, 2.0),
            ("model.layers.1.self_attn.v_proj", 4, 4.0),
        ]
    );
    let unmatched = config.unmatched_pattern(&model).expect("they fit");
    assert_eq!(unmatched, Some(("alpha_pattern", "proj".to_owned())));
    assert_eq!(
        AdapterConfig::from_json(config.to_json()).expect("it is read again"),
        config
    );
}

#[test]
fn a_moved_run_has_its_bases_beside_its_adapters() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = tiny();
    let here = folder.path().join("here");
    let run = RunDirectory::create(&here).expect("writable");
    fs::write(run.recipe(), "").expect("writable");
    let base = write_base(&run.model("global"), &model, "", 1 << 30);
    let mark = fingerprint(&model, &base).expect("readable");
    let config = AdapterConfig {
        base: run.model("global").display().to_string(),
        ..settings()
    };
    write_settings(
        &run.model("planner"),
        &config,
        &model,
        &mark,
        Some("../global"),
    );
    let there = folder.path().join("there");
    fs::rename(&here, &there).expect("moved");
    let run = RunDirectory::open(&there).expect("a run");
    // Another model at the old place is not taken for the base.
    write_base(&here.join("models/global"), &model, "another ", 1 << 30);
    let adapter = Adapter::open(&run.model("planner")).expect("it opens");
    let found = adapter.base_directory().expect("it is beside the adapter");
    let base = ModelFiles::open(&found).expect("weights");
    adapter.check(&model, &base).expect("it is the base");
    name_bases_anew(&run).expect("writable");
    let named = Adapter::open(&run.model("planner")).expect("it opens");
    let global = run.model("global").canonicalize().expect("it is there");
    assert_eq!(Path::new(&named.config().base), global);
    assert_eq!(
        AdapterConfig {
            base: config.base.clone(),
            ..named.config().clone()
        },
        config
    );
}

#[test]
fn an_adapter_without_a_base_or_with_pickled_weights_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    let mut json = settings().to_json();
    for (name, said) in [(Value::Null, "null"), (json!(""), "empty")] {
        json["base_model_name_or_path"] = name;
        write_json(&path.join("adapter_config.json"), &json).expect("writable");
        let error = ModelLocation::find(path, None)
            .expect_err("no base")
            .to_string();
        let parts = ["names no base", said, "--base DIR"];
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    json["base_model_name_or_path"] = json!("someone/some-model");
    write_json(&path.join("adapter_config.json"), &json).expect("writable");
    let error = ModelLocation::find(path, None)
        .expect_err("a hub's name")
        .to_string();
    let parts = ["someone/some-model", "--base DIR"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    let given = ModelLocation::find_on(path, None, Some(path)).expect("the base is given");
    assert!(matches!(given, ModelLocation::Adapter { base, .. } if base == path));

    fs::write(path.join("adapter_model.bin"), "PK").expect("writable");
    let error = Adapter::open(path).expect_err("a pickle").to_string();
    let parts = ["adapter_model.bin", "pickle", "save_pretrained"];
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
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
        ("target_modules", json!("(.*_proj")),
        ("exclude_modules", json!("[")),
        ("exclude_modules", json!(3)),
        ("target_modules", json!([])),
        ("target_modules", json!([7])),
        ("target_modules", Value::Null),
        ("peft_type", json!("IA3")),
        ("task_type", json!("SEQ_CLS")),
        ("bias", json!("all")),
        ("use_dora", json!(true)),
        ("use_rslora", json!("yes")),
        ("use_qalora", json!(true)),
        ("use_bdlora", json!({"nblocks": 2})),
        ("lora_bias", json!(true)),
        ("use_something_new", json!(true)),
        ("something_new", json!({"rho": 2.0})),
        ("corda_config", json!({"corda_method": "ipm"})),
        ("rank_pattern", json!({"q_proj": 4, "a(": 2})),
        ("alpha_pattern", json!({"(?<a": 4})),
        ("layers_pattern", json!("(")),
        ("modules_to_save", json!("lm_head")),
        ("modules_to_save", json!([1])),
        ("layers_to_transform", json!([-1])),
        ("layers_to_transform", json!("0")),
        ("target_parameters", json!(["w"])),
        ("alora_invocation_tokens", json!(["a"])),
        ("alora_invocation_tokens", json!(3)),
        ("alora_invocation_tokens", json!([-1])),
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
    for (key, pattern, value) in [
        ("rank_pattern", "q_proj", json!(0)),
        ("rank_pattern", "q_proj", json!(2.5)),
        ("alpha_pattern", "v_proj", json!(-1)),
    ] {
        let mut json = settings().to_json();
        json[key] = json!({ pattern: value });
        let error = AdapterConfig::from_json(json).expect_err(key).to_string();
        assert!(error.contains(&format!("`{key}.{pattern}`")), "{error}");
    }
    assert!(AdapterConfig::from_json(json!("x")).is_err());
}

/// PEFT would have the adapters tied like what they are on.
#[test]
fn tied_adapters_are_refused_where_there_are_any() {
    let mut model = tiny();
    model.tied = true;
    let config = AdapterConfig {
        ensure_weight_tying: true,
        ..settings()
    };
    assert!(config.modules(&model).is_ok());
    let outer = AdapterConfig {
        modules_to_save: vec!["embed_tokens".into()],
        ..config
    };
    let error = outer.modules(&model).expect_err("tied").to_string();
    assert!(error.contains("`ensure_weight_tying` is true"), "{error}");
    model.tied = false;
    assert!(outer.modules(&model).is_ok());
}

/// A match takes bounded time, whatever the expression.
#[test]
fn a_regular_expression_that_does_not_end_is_refused() {
    let pattern = r"(?:(?=a?)(.*.*.*)*)*\1x";
    let json = json!({"r": 2, "target_modules": pattern});
    if let Ok(config) = AdapterConfig::from_json(json) {
        assert!(config.modules(&tiny()).is_err());
    }
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
        ("init_lora_weights", json!("eva")),
        ("eva_config", json!({"rho": 2.0})),
        ("runtime_config", json!({"ephemeral_gpu_offload": false})),
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
