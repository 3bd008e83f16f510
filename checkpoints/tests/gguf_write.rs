//! GGUF files that are written here come back through the reader: configuration, every tensor, adapters.

mod support;

use std::fs;
use std::path::Path;

use glpft_checkpoints::{
    AdaptedKind, AdaptedModule, FloatType, GgufFile, GgufType, GgufValue, GgufWriteError,
    ModelConfig, ModelFiles, WeightsError, gguf_adapter, gguf_model, gguf_note, write_gguf,
};
use serde_json::{Value, json};
use support::{tiny_json, tiny_with, values};

/// The number of elements of a tensor of that name.
fn elements(config: &ModelConfig, name: &str) -> u64 {
    let tensors = config.tensors();
    let found = tensors.iter().find(|tensor| tensor.name == name);
    found.map_or(0, |tensor| tensor.elements())
}

fn write(config: &ModelConfig, kind: GgufType, path: &Path) -> Result<(), GgufWriteError> {
    let (metadata, tensors) = gguf_model(config, "tiny", kind)?;
    write_gguf(path, &metadata, &tensors, &mut |name| {
        Ok::<_, WeightsError>(values(name, elements(config, name)))
    })
}

fn models() -> Vec<(&'static str, ModelConfig)> {
    let with = |entries: &[(&str, Value)]| {
        let mut json = tiny_json();
        for (key, value) in entries {
            json[*key] = value.clone();
        }
        ModelConfig::from_json(json).expect("the configuration is whole")
    };
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    vec![
        ("llama", with(&[])),
        (
            "llama with biases, untied, linear scaling",
            with(&[
                ("attention_bias", true.into()),
                ("mlp_bias", true.into()),
                ("tie_word_embeddings", false.into()),
                (
                    "rope_scaling",
                    json!({"rope_type": "linear", "factor": 4.0}),
                ),
            ]),
        ),
        (
            "llama 3.1, heads of another width",
            with(&[
                ("head_dim", 64.into()),
                ("rope_theta", 500_000.0.into()),
                ("rope_scaling", llama3),
            ]),
        ),
        (
            "qwen2",
            with(&[
                ("model_type", "qwen2".into()),
                ("architectures", json!(["Qwen2ForCausalLM"])),
            ]),
        ),
        (
            "qwen3",
            with(&[
                ("model_type", "qwen3".into()),
                ("architectures", json!(["Qwen3ForCausalLM"])),
                ("rope_theta", 1e6.into()),
            ]),
        ),
    ]
}

#[test]
fn every_family_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, config) in models() {
        let path = folder.path().join("tiny.gguf");
        write(&config, GgufType::F32, &path).expect("it can be written");
        let file = GgufFile::open(&path).expect("it is whole");
        let read = file.model_config().expect("it is a model");
        let files = ModelFiles::open(&path).expect("it is whole");
        files.check(&read).expect("the tensors are the model's");
        assert_eq!(read.tensors(), config.tensors(), "{name}");
        assert_eq!(read.rope, config.rope, "{name}");
        let (mut ours, mut theirs) = (read.to_json(FloatType::F32), config.to_json(FloatType::F32));
        // The token ids are the tokenizer's to tell.
        for config in [&mut ours, &mut theirs] {
            let config = config.as_object_mut().expect("an object");
            config.retain(|key, _| !key.ends_with("_token_id"));
        }
        assert_eq!(ours, theirs, "{name}");
        for tensor in config.tensors() {
            let found = files
                .read_f32(&tensor.name, &tensor.shape)
                .expect("it is there");
            assert_eq!(
                found,
                values(&tensor.name, tensor.elements()),
                "{name}: {}",
                tensor.name
            );
        }
    }
}

/// Mistral is the same computation, and a llama to llama.cpp.
#[test]
fn a_mistral_is_a_llama() {
    let mut json = tiny_with("model_type", "mistral".into());
    json["architectures"] = json!(["MistralForCausalLM"]);
    json["sliding_window"] = Value::Null;
    let config = ModelConfig::from_json(json).expect("the configuration is whole");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    write(&config, GgufType::F32, &path).expect("it can be written");
    let files = ModelFiles::open(&path).expect("it is whole");
    for tensor in config.tensors() {
        let found = files
            .read_f32(&tensor.name, &tensor.shape)
            .expect("it is there");
        assert_eq!(found, values(&tensor.name, tensor.elements()));
    }
}

/// A golden model's configuration with `changes`, and its weights.
fn golden(name: &str, changes: &[(&str, Value)]) -> (ModelConfig, ModelFiles) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let folder = folder.join(name);
    let text = fs::read_to_string(folder.join("config.json")).expect("it is there");
    let mut json: Value = serde_json::from_str(&text).expect("it is JSON");
    for (key, value) in changes {
        json[*key] = value.clone();
    }
    let config = ModelConfig::from_json(json).expect("the configuration is whole");
    (config, ModelFiles::open(&folder).expect("it is whole"))
}

#[test]
fn the_golden_models_come_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    let scalar = [("query_pre_attn_scalar", json!(8))];
    let unwindowed = [
        ("query_pre_attn_scalar", json!(8)),
        ("layer_types", vec!["full_attention"; 3].into()),
    ];
    for (name, changes) in [
        ("llama-yarn", &[][..]),
        ("mistral-window", &[]),
        ("smollm3", &[]),
        ("granite", &[]),
        ("phi3", &[]),
        ("phi3-long", &[]),
        ("gemma3", &scalar),
        ("gemma3", &unwindowed),
    ] {
        let (config, files) = golden(name, changes);
        let (metadata, tensors) =
            gguf_model(&config, "tiny", GgufType::F32).expect("it has a form");
        write_gguf(&path, &metadata, &tensors, &mut |name| {
            let shape = files.shape(name).unwrap_or_default().to_vec();
            files.read_f32(name, &shape)
        })
        .expect("it can be written");
        let read = GgufFile::open(&path).expect("it is whole").model_config();
        let read = read.expect("it is a model");
        assert_eq!(read.architecture, config.architecture, "{name}");
        assert_eq!(read.rope, config.rope, "{name}");
        assert_eq!(read.tensors(), config.tensors(), "{name}");
        assert_eq!(read.max_positions, config.max_positions, "{name}");
        assert_eq!(read.rms_norm_eps, config.rms_norm_eps, "{name}");
        for layer in 0..config.layers {
            assert_eq!(read.layer(layer), config.layer(layer), "{name}: {layer}");
        }
        let beside = |config: &ModelConfig| {
            let plan = &config.plan;
            (plan.embedding_scale, plan.logits_divisor, plan.norm)
        };
        assert_eq!(beside(&read), beside(&config), "{name}");
        // transformers takes no other number.
        let scalar = &read.to_json(FloatType::F32)["query_pre_attn_scalar"];
        assert!(scalar.is_null() || scalar.is_i64(), "{name}: {scalar}");
        let windowed = config.narrowest_window().is_some();
        if windowed {
            assert_eq!(read.plan.local_rope, config.plan.local_rope, "{name}");
        }
        let notes = gguf_note(&config).is_some();
        assert_eq!(notes, windowed && name != "gemma3", "{name}");
        let back = ModelFiles::open(&path).expect("it is whole");
        back.check(&read).expect("the tensors are the model's");
        for tensor in config.tensors() {
            let values = |files: &ModelFiles| {
                let found = files.read_f32(&tensor.name, &tensor.shape);
                found.expect("it is there")
            };
            let (ours, theirs) = (values(&back), values(&files));
            // One more and one less in single precision.
            let near = |(one, other): (&f32, &f32)| (one - other).abs() <= 2.0 * f32::EPSILON;
            let same = match name == "gemma3" && tensor.name.ends_with("norm.weight") {
                true => ours.iter().zip(&theirs).all(near),
                false => ours == theirs,
            };
            assert!(same, "{name}: {}", tensor.name);
        }
    }
}

/// As llama.cpp's converter has them.
#[test]
fn windows_and_scales_have_their_keys() {
    let entries = |name: &str, changes: &[(&str, Value)]| {
        let (config, _) = golden(name, changes);
        let (metadata, _) = gguf_model(&config, "tiny", GgufType::F32).expect("it has a form");
        move |key: &str| metadata.get(key).cloned()
    };
    let (count, single) = (GgufValue::U32, GgufValue::F32);
    let mistral = entries("mistral-window", &[]);
    assert_eq!(mistral("llama.context_length"), Some(count(256)));
    assert_eq!(mistral("llama.attention.sliding_window"), Some(count(7)));
    let gemma = entries("gemma3", &[("query_pre_attn_scalar", json!(8))]);
    assert_eq!(
        gemma("general.architecture"),
        Some(GgufValue::Text("gemma3".into()))
    );
    assert_eq!(gemma("gemma3.attention.sliding_window"), Some(count(7)));
    assert_eq!(
        gemma("gemma3.attention.sliding_window_pattern"),
        Some(count(2))
    );
    assert_eq!(gemma("gemma3.rope.freq_base_swa"), Some(single(50.0)));
    let granite = entries("granite", &[]);
    assert_eq!(granite("granite.embedding_scale"), Some(single(12.0)));
    assert_eq!(granite("granite.attention.scale"), Some(single(0.25)));
    let phi = entries("phi3", &[]);
    assert_eq!(phi("phi3.attention.sliding_window"), Some(count(0)));
    assert_eq!(phi("phi3.rope.dimension_count"), Some(count(6)));
    assert_eq!(
        phi("phi3.rope.scaling.original_context_length"),
        Some(count(64))
    );
}

#[test]
fn narrower_types_hold_what_they_can() {
    let mut json = tiny_with("hidden_size", 64.into());
    // Rows of 40 are no whole blocks: they are in half precision.
    json["intermediate_size"] = 40.into();
    let config = ModelConfig::from_json(json).expect("the configuration is whole");
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (kind, precision) in [
        (GgufType::F16, 1.0 / 2048.0),
        (GgufType::Bf16, 1.0 / 256.0),
        // Half a step of 127, and the rounding of its scale.
        (GgufType::Q8_0, 1.0 / 254.0 + 1.0 / 2048.0),
    ] {
        let path = folder.path().join("tiny.gguf");
        write(&config, kind, &path).expect("it can be written");
        let files = ModelFiles::open(&path).expect("it is whole");
        for tensor in config.tensors() {
            let found = files
                .read_f32(&tensor.name, &tensor.shape)
                .expect("it is there");
            let expected = values(&tensor.name, tensor.elements());
            for (found, expected) in found.iter().zip(&expected) {
                let most = match tensor.shape.len() {
                    1 => 0.0,
                    _ => precision,
                };
                assert!((found - expected).abs() <= most, "{kind:?} {}", tensor.name);
            }
        }
        let file = GgufFile::open(&path).expect("it is whole");
        let label = file.text("general.size_label").expect("a text");
        assert_eq!(label, Some("42K"));
    }
}

#[test]
fn what_a_type_cannot_hold_is_refused_by_name() {
    let config = ModelConfig::from_json(tiny_with("hidden_size", 32.into())).expect("whole");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    let attempt = |kind, value: f32| {
        let (metadata, tensors) = gguf_model(&config, "tiny", kind)?;
        write_gguf(&path, &metadata, &tensors, &mut |name| {
            let mut values = values(name, elements(&config, name));
            if name == "model.layers.1.mlp.up_proj.weight" {
                values[37] = value;
            }
            Ok::<_, WeightsError>(values)
        })
    };
    for (kind, value) in [
        (GgufType::F16, 70_000.0),
        (GgufType::F16, f32::NAN),
        (GgufType::F32, f32::INFINITY),
        (GgufType::Bf16, f32::MAX),
        (GgufType::Q8_0, 1e8),
        (GgufType::Q8_0, f32::NAN),
    ] {
        let error = attempt(kind, value)
            .expect_err("it is not held")
            .to_string();
        assert!(
            error.contains("`model.layers.1.mlp.up_proj.weight` holds"),
            "{error}"
        );
        assert!(error.contains(kind.name()), "{error}");
        assert!(!path.exists());
    }
    attempt(GgufType::F16, 65_504.0).expect("it is held");
    attempt(GgufType::Q8_0, 8e6).expect("it is held");
}

#[test]
fn tensors_that_cannot_be_read_leave_the_old_file() {
    let config = ModelConfig::from_json(tiny_json()).expect("the configuration is whole");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tiny.gguf");
    write(&config, GgufType::F32, &path).expect("it can be written");
    let before = std::fs::read(&path).expect("it is there");
    let (metadata, tensors) = gguf_model(&config, "tiny", GgufType::F16).expect("a llama");
    for wrong in [
        "model.norm.weight",
        "model.layers.1.self_attn.k_proj.weight",
    ] {
        let result = write_gguf(&path, &metadata, &tensors, &mut |name| {
            if name == wrong {
                return Err("it is gone".to_owned());
            }
            Ok(values(name, elements(&config, name)))
        });
        let error = result.expect_err("a tensor is missing").to_string();
        assert!(
            error.contains(wrong) && error.contains("it is gone"),
            "{error}"
        );
        let short = write_gguf(&path, &metadata, &tensors, &mut |name| {
            let size = elements(&config, name) - u64::from(name == wrong);
            Ok::<_, WeightsError>(values(name, size))
        });
        assert!(short.is_err());
        assert_eq!(std::fs::read(&path).expect("it is there"), before);
    }
    assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
}

/// B's rows are the base's, in llama.cpp's order of them; the file is an adapter and no model.
#[test]
fn an_adapter_follows_its_base() {
    let config = ModelConfig::from_json(tiny_json()).expect("the configuration is whole");
    let module = |number, path: &str, inputs, outputs| AdaptedModule {
        path: path.to_owned(),
        kind: AdaptedKind::Projection(number),
        rank: 3,
        scale: 2.0,
        inputs,
        outputs,
    };
    let modules = [
        module(0, "model.layers.0.self_attn.q_proj", 8, 8),
        module(13, "model.layers.1.mlp.down_proj", 12, 8),
    ];
    let adapter = gguf_adapter(&config, "planner", 6.0, &modules, GgufType::F32);
    let (metadata, tensors) = adapter.expect("llama.cpp has names for these");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("planner.gguf");
    write_gguf(&path, &metadata, &tensors, &mut |name| {
        let count = match name.ends_with("down_proj.lora_A.weight") {
            true => 36,
            false => 24,
        };
        Ok::<_, WeightsError>((0..count).map(|value| value as f32).collect::<Vec<_>>())
    })
    .expect("it can be written");
    let file = GgufFile::open(&path).expect("it is whole");
    for (key, value) in [
        ("general.architecture", "llama"),
        ("general.type", "adapter"),
        ("adapter.type", "lora"),
    ] {
        assert_eq!(file.text(key).expect("a text"), Some(value));
    }
    assert_eq!(
        file.float("adapter.lora.alpha").expect("a number"),
        Some(6.0)
    );
    assert_eq!(
        file.shape("blk.1.ffn_down.weight.lora_a"),
        Some(&[3, 12][..])
    );
    assert_eq!(
        file.shape("blk.1.ffn_down.weight.lora_b"),
        Some(&[8, 3][..])
    );
    let read = |name: &str| file.read_f32(name).expect("it is there").expect("whole");
    let rows: Vec<f32> = read("blk.0.attn_q.weight.lora_b")
        .chunks(3)
        .map(|row| row[0] / 3.0)
        .collect();
    assert_eq!(rows, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    let rows: Vec<f32> = read("blk.1.ffn_down.weight.lora_b")
        .chunks(3)
        .map(|row| row[0] / 3.0)
        .collect();
    assert_eq!(rows, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let embedding = AdaptedModule {
        kind: AdaptedKind::Embedding,
        ..module(0, "model.embed_tokens", 32, 8)
    };
    let refused = gguf_adapter(&config, "", 1.0, &[embedding], GgufType::F32);
    let error = refused.expect_err("no projection").to_string();
    assert!(error.contains("model.embed_tokens.weight"), "{error}");
}

#[test]
fn what_llama_cpp_does_not_open_is_refused() {
    let qwen = |kind: &str, key: &str, value: Value| {
        let mut json = tiny_json();
        json["model_type"] = kind.into();
        json["architectures"] = json!([match kind {
            "qwen2" => "Qwen2ForCausalLM",
            _ => "Qwen3ForCausalLM",
        }]);
        json[key] = value;
        ModelConfig::from_json(json).expect("the configuration is whole")
    };
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192,
    });
    for (config, part) in [
        (qwen("qwen2", "rope_scaling", llama3), "in a qwen2 model"),
        (
            qwen("qwen3", "attention_bias", true.into()),
            "self_attn.o_proj.bias",
        ),
    ] {
        let error = gguf_model(&config, "tiny", GgufType::F32).expect_err("it has no form there");
        assert!(error.to_string().contains(part), "{error}");
    }
    let yarn = json!({
        "rope_type": "yarn", "rope_theta": 100.0, "factor": 4.0, "original_max_position_embeddings": 64,
        "attention_factor": 1.5,
    });
    let types = json!(["sliding_attention", "full_attention", "full_attention"]);
    let gemma = [("query_pre_attn_scalar", json!(8)), ("layer_types", types)];
    for (name, changes, part) in [
        ("llama-dynamic", &[][..], "the rotary scaling dynamic"),
        (
            "llama-yarn",
            &[("rope_parameters", yarn)],
            "`attention_factor`",
        ),
        ("qwen2-window", &[], "a window in some of the layers"),
        ("granite-hybrid", &[], "the family granitemoehybrid"),
        ("gemma3", &[], "`query_pre_attn_scalar`"),
        ("gemma3", &gemma, "every so manyth layer"),
        (
            "smollm3",
            &[("no_rope_layers", json!([1, 0, 1, 1]))],
            "every fourth",
        ),
    ] {
        let (config, _) = golden(name, changes);
        let error = gguf_model(&config, "tiny", GgufType::F32).expect_err("it has no form there");
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}
