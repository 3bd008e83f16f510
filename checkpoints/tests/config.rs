//! Reading, refusing and writing `config.json`.

mod support;

use glpft_checkpoints::{Architecture, FloatType, ModelConfig, Rope, RopeScaling};
use serde_json::{Value, json};
use support::{tiny, tiny_json, tiny_with};

fn error(json: Value) -> String {
    ModelConfig::from_json(json)
        .expect_err("this must not be accepted")
        .to_string()
}

#[test]
fn a_real_model_is_read() {
    let Some(directory) = support::model("smollm2-135m-instruct") else {
        return;
    };
    let config = ModelConfig::read(&directory).expect("the file is whole");
    assert_eq!(config.architecture, Architecture::Llama);
    assert_eq!((config.layers, config.heads, config.kv_heads), (30, 9, 3));
    assert_eq!((config.vocab_size, config.head_dim), (49152, 64));
    assert_eq!(config.rope.theta, 100_000.0);
    assert!(config.tied);
    assert_eq!(
        (config.bos, &config.eos[..], config.pad),
        (Some(1), &[2][..], Some(2))
    );
    assert_eq!(config.parameters(), 134_515_008);
}

#[test]
fn families_differ_in_bias_norms_and_defaults() {
    let read = |name: &str, class: &str| {
        let mut json = tiny_with("model_type", name.into());
        json["architectures"] = json!([class]);
        json["sliding_window"] = Value::Null;
        json["head_dim"] = Value::Null;
        ModelConfig::from_json(json).expect("the configuration is whole")
    };
    let mistral = read("mistral", "MistralForCausalLM");
    let of = |config: &ModelConfig| config.layer(0).attention.clone();
    assert!(!of(&mistral).input_bias && !of(&mistral).head_norms && mistral.head_dim == 4);
    let qwen2 = read("qwen2", "Qwen2ForCausalLM");
    let plan = of(&qwen2);
    assert!(plan.input_bias && !plan.output_bias && !plan.head_norms);
    let qwen3 = read("qwen3", "Qwen3ForCausalLM");
    assert!(!of(&qwen3).input_bias && of(&qwen3).head_norms && qwen3.head_dim == 128);
    let biased = tiny_with("attention_bias", true.into());
    let llama = ModelConfig::from_json(biased).expect("the configuration is whole");
    let plan = of(&llama);
    assert!(plan.input_bias && plan.output_bias && !llama.layer(0).feed_forward.bias);
}

#[test]
fn tensors_have_hugging_face_names() {
    let mut config = tiny();
    let names = |config: &ModelConfig| {
        let tensors = config.tensors();
        tensors
            .into_iter()
            .map(|tensor| (tensor.name, tensor.shape))
            .collect::<Vec<_>>()
    };
    let tied = names(&config);
    assert_eq!(tied.len(), 2 + 2 * 9);
    assert!(tied.contains(&("model.layers.1.self_attn.k_proj.weight".into(), vec![4, 8])));
    assert!(tied.contains(&("model.layers.0.mlp.down_proj.weight".into(), vec![8, 12])));
    assert!(tied.contains(&(
        "model.layers.0.post_attention_layernorm.weight".into(),
        vec![8]
    )));
    config.tied = false;
    config.plan.layers[0].attention.input_bias = true;
    config.plan.layers[0].attention.head_norms = true;
    let untied = names(&config);
    assert_eq!(untied.len(), 3 + 2 * 14);
    assert!(untied.contains(&("lm_head.weight".into(), vec![32, 8])));
    assert!(untied.contains(&("model.layers.1.self_attn.q_proj.bias".into(), vec![8])));
    assert!(untied.contains(&("model.layers.1.self_attn.q_norm.weight".into(), vec![4])));
}

#[test]
fn both_spellings_of_rope_are_read() {
    let read = |json| {
        ModelConfig::from_json(json)
            .expect("the configuration is whole")
            .rope
    };
    assert_eq!(read(tiny_json()).theta, 10_000.0);
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192
    });
    let mut old = tiny_with("rope_scaling", llama3.clone());
    old["rope_theta"] = 500_000.0.into();
    let mut new = tiny_with("rope_parameters", llama3);
    new["rope_parameters"]["rope_theta"] = 500_000.0.into();
    let expected = Rope {
        theta: 500_000.0,
        share: 1.0,
        scaling: RopeScaling::Llama3 {
            factor: 8.0,
            low_frequency_factor: 1.0,
            high_frequency_factor: 4.0,
            original_max_positions: 8192,
        },
    };
    assert_eq!(read(old.clone()), expected);
    assert_eq!(read(new.clone()), expected);
    let linear = tiny_with("rope_scaling", json!({"type": "linear", "factor": 2}));
    assert_eq!(read(linear).scaling, RopeScaling::Linear { factor: 2.0 });

    new["rope_theta"] = 10_000.0.into();
    assert!(error(new).contains("`rope_theta` differs"));
    old["rope_parameters"] = json!({"rope_type": "default", "rope_theta": 500_000.0});
    assert!(error(old).contains("`rope_scaling` differs"));
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    for (key, value) in [
        ("hidden_act", json!("gelu")),
        ("partial_rotary_factor", json!(0.5)),
        ("quantization_config", json!({"bits": 4})),
        ("attention_multiplier", json!(0.1)),
        ("logit_scale", json!(0.5)),
        ("logits_scaling", json!(8.0)),
        ("attention_dropout", json!(0.1)),
        ("final_logit_softcapping", json!(30.0)),
        ("num_local_experts", json!(8)),
        (
            "layer_types",
            json!(["sliding_attention", "full_attention"]),
        ),
        ("model_type", json!("gemma")),
        ("architectures", json!(["LlamaForSequenceClassification"])),
    ] {
        let message = error(tiny_with(key, value));
        assert!(message.contains(&format!("`{key}`")), "{message}");
        assert!(message.contains("not implemented"), "{message}");
    }
    for name in ["su", "proportional", "axial"] {
        let message = error(tiny_with(
            "rope_scaling",
            json!({"rope_type": name, "factor": 2.0}),
        ));
        assert!(message.contains("`rope_scaling.rope_type`"), "{message}");
    }
    let old = error(tiny_with(
        "rope_scaling",
        json!({"type": "su", "factor": 2.0}),
    ));
    assert!(old.contains("`rope_scaling.type`"), "{old}");
    let partial = json!({"rope_type": "default", "partial_rotary_factor": 0.5});
    assert!(error(tiny_with("rope_parameters", partial)).contains("partial_rotary_factor"));
}

#[test]
fn a_sliding_window_counts_only_where_it_is_used() {
    let family = |name: &str, class: &str, entries: &[(&str, Value)]| {
        let mut json = tiny_with("model_type", name.into());
        json["architectures"] = json!([class]);
        json["max_position_embeddings"] = 32768.into();
        for (key, value) in entries {
            json[*key] = value.clone();
        }
        ModelConfig::from_json(json)
    };
    let mistral = |entries: &[_]| family("mistral", "MistralForCausalLM", entries);
    assert!(mistral(&[("sliding_window", Value::Null)]).is_ok());
    let windows = |read: Result<ModelConfig, _>| {
        let config = read.expect("it is read");
        assert_eq!(config.context(), 32768);
        [0, 1].map(|layer| config.layer(layer).attention.window)
    };
    let all = |window| [Some(window), Some(window)];
    let none = [None, None];
    assert_eq!(windows(mistral(&[("sliding_window", Value::Null)])), none);
    assert_eq!(
        windows(mistral(&[("sliding_window", 1024.into())])),
        all(1024)
    );
    // transformers takes 4096 where the key is absent, and all layers whatever the list says.
    assert_eq!(windows(mistral(&[])), all(4096));
    let types = |kinds: [&str; 2]| ("layer_types", json!(kinds));
    let (full, sliding) = ("full_attention", "sliding_attention");
    assert_eq!(windows(mistral(&[types([full, sliding])])), all(4096));
    let qwen = |entries: &[_]| family("qwen2", "Qwen2ForCausalLM", entries);
    let window = ("sliding_window", Value::from(4096));
    let uses = |uses: bool| ("use_sliding_window", Value::from(uses));
    let first = |layer: u64| ("max_window_layers", Value::from(layer));
    assert_eq!(
        windows(qwen(&[window.clone(), uses(false), first(0)])),
        none
    );
    assert_eq!(
        windows(qwen(&[window.clone(), uses(true), first(2)])),
        none,
        "no layer is left for it"
    );
    let second = [None, Some(4096)];
    assert_eq!(
        windows(qwen(&[window.clone(), uses(true), first(1)])),
        second
    );
    assert_eq!(windows(qwen(&[uses(true), first(0)])), all(4096));
    assert_eq!(
        windows(qwen(&[
            ("sliding_window", Value::Null),
            uses(true),
            first(0)
        ])),
        none
    );
    // The list counts where there is one.
    assert_eq!(
        windows(qwen(&[
            window.clone(),
            uses(true),
            first(0),
            types([full, full])
        ])),
        none
    );
    assert_eq!(
        windows(qwen(&[window.clone(), uses(true), types([full, sliding])])),
        second
    );
    // transformers computes no window here, others do: within it all agree.
    let disputed = qwen(&[window.clone(), uses(false), types([full, sliding])]);
    let disputed = disputed.expect("it is read");
    assert_eq!(
        (disputed.context(), disputed.context_key()),
        (4096, "sliding_window")
    );
    let entries = [window, types([sliding, sliding])];
    let llama = family("llama", "LlamaForCausalLM", &entries).expect("it is read");
    assert_eq!((llama.context(), llama.narrowest_window()), (4096, None));
}

#[test]
fn a_window_is_written_back() {
    for (name, class, entries) in [
        (
            "mistral",
            "MistralForCausalLM",
            json!({"sliding_window": 16}),
        ),
        (
            "qwen2",
            "Qwen2ForCausalLM",
            json!({"sliding_window": 16, "use_sliding_window": true, "max_window_layers": 1}),
        ),
        (
            "qwen3",
            "Qwen3ForCausalLM",
            json!({"sliding_window": 16, "use_sliding_window": true,
                   "layer_types": ["full_attention", "sliding_attention"]}),
        ),
    ] {
        let mut json = tiny_with("model_type", name.into());
        json["architectures"] = json!([class]);
        for (key, value) in entries.as_object().expect("an object") {
            json[key] = value.clone();
        }
        let config = ModelConfig::from_json(json).expect("it is read");
        assert_eq!(config.narrowest_window(), Some(16));
        let written = config.to_json(FloatType::F32);
        for (key, value) in entries.as_object().expect("an object") {
            assert_eq!(written[key], *value, "{key}");
        }
        assert_eq!(
            ModelConfig::from_json(written).expect("it is read").plan,
            config.plan
        );
    }
}

#[test]
fn refusals_name_the_value() {
    let long = "X".repeat(500);
    for (key, value, parts) in [
        (
            "architectures",
            json!(["Gemma2ForCausalLM"]),
            vec!["[\"Gemma2ForCausalLM\"]"],
        ),
        ("architectures", json!([long]), vec!["XXXX…"]),
        (
            "quantization_config",
            json!({"modules_to_not_convert": ["lm_head"], "bits": 4, "quant_method": "gptq"}),
            vec![
                "= gptq, 4 bits changes",
                "take the model that is not quantized",
            ],
        ),
        (
            "quantization_config",
            json!({"quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4"}),
            vec!["= bitsandbytes, 4 bits (nf4) changes"],
        ),
        (
            "quantization_config",
            json!({"quant_method": "fp8", "fmt": "e4m3"}),
            vec!["= fp8 (e4m3)"],
        ),
        (
            "quantization",
            json!({"group_size": 64, "bits": 4}),
            vec!["= 4 bits changes"],
        ),
        (
            "layer_types",
            json!(["full_attention", "linear_attention"]),
            vec!["= layer 1: \"linear_attention\" changes"],
        ),
        (
            "layer_types",
            json!(["full_attention"]),
            vec!["has 1 entries for 2 layers"],
        ),
        ("query_pre_attn_scalar", json!(256), vec!["= 256 changes"]),
        (
            "rotary_emb_base",
            json!(1e6),
            vec!["= 1000000.0 changes", "remove it if unused"],
        ),
        ("is_causal", json!(false), vec!["= false changes"]),
    ] {
        let message = error(tiny_with(key, value));
        assert!(message.contains(&format!("`{key}`")), "{message}");
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(message.len() < 300, "{message}");
    }
}

#[test]
fn every_spelling_of_a_scaling_is_read_or_refused_by_name() {
    let read = |key: &str, value: Value| ModelConfig::from_json(tiny_with(key, value));
    for value in [
        Value::Null,
        json!({}),
        json!({"type": "default"}),
        json!({"rope_type": "default", "factor": 1.0}),
        json!({"rope_type": null, "type": null}),
    ] {
        let config = read("rope_scaling", value.clone()).expect("it is read");
        assert_eq!(config.rope.scaling, RopeScaling::None, "{value}");
    }
    let inside = read(
        "rope_scaling",
        json!({"type": "linear", "factor": 2, "rope_theta": 5e5}),
    );
    assert_eq!(inside.expect("it is read").rope.theta, 5e5);
    let llama3 = json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0});
    let mut outside = tiny_with("rope_scaling", llama3.clone());
    outside["original_max_position_embeddings"] = 8192.into();
    let scaling = ModelConfig::from_json(outside)
        .expect("it is read")
        .rope
        .scaling;
    assert!(matches!(
        scaling,
        RopeScaling::Llama3 {
            original_max_positions: 8192,
            ..
        }
    ));
    for (value, part) in [
        (json!({"factor": 4.0}), "`rope_scaling.factor` = 4.0"),
        (
            json!({"type": "default", "factor": 4.0}),
            "`rope_scaling.factor` = 4.0",
        ),
        (
            json!({"type": "linear"}),
            "`rope_scaling.factor` is missing",
        ),
        (
            json!({"type": "linear", "rope_type": "llama3"}),
            "`rope_scaling.type` differs",
        ),
        (
            json!({"type": "linear", "factor": 2, "attention_factor": 1.2}),
            "`rope_scaling.attention_factor` = 1.2",
        ),
        (
            json!({"type": "linear", "factor": 2, "low_freq_factor": 1}),
            "`rope_scaling.low_freq_factor` = 1",
        ),
        (
            llama3,
            "`rope_scaling.original_max_position_embeddings` is missing",
        ),
        (
            json!({"full_attention": {"rope_type": "default"}}),
            "`rope_scaling.full_attention`",
        ),
    ] {
        let message = error(tiny_with("rope_scaling", value));
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn what_names_absent_files_or_nothing_is_not_written_back() {
    let mut json = tiny_with("quantization_config", json!({}));
    json["auto_map"] = json!({"AutoModelForCausalLM": "modeling_x.Other"});
    let config = ModelConfig::from_json(json).expect("it is read");
    let written = config.to_json(FloatType::F32);
    let keys = written.as_object().expect("an object");
    assert!(!keys.contains_key("quantization_config") && !keys.contains_key("auto_map"));
}

#[test]
fn a_byte_order_mark_is_skipped_and_other_files_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    std::fs::write(&path, format!("\u{feff}{}", tiny_json())).expect("writable");
    assert_eq!(
        ModelConfig::read(folder.path())
            .expect("it is read")
            .tensors(),
        tiny().tensors()
    );
    for (text, part) in [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "it is a Git LFS pointer",
        ),
        ("<!doctype html><html>", "it is a web page"),
        ("", "it is empty"),
    ] {
        std::fs::write(&path, text).expect("writable");
        let error = ModelConfig::read(folder.path())
            .expect_err("it is another file")
            .to_string();
        assert!(
            error.contains(part) && error.contains("config.json"),
            "{error}"
        );
    }
}

#[test]
fn hostile_values_are_refused_by_name() {
    for (key, value) in [
        ("num_attention_heads", json!(0)),
        ("num_attention_heads", json!(-1)),
        ("num_attention_heads", json!(3)),
        ("num_attention_heads", json!("2")),
        ("num_attention_heads", json!(1e300)),
        ("num_key_value_heads", json!(0)),
        ("num_hidden_layers", json!(1_000_000_000_u64)),
        ("head_dim", json!(3)),
        ("vocab_size", json!(1_000_000_000_000_u64)),
        ("vocab_size", json!(-5)),
        ("vocab_size", json!(31.5)),
        ("vocab_size", json!([32])),
        ("vocab_size", Value::Null),
        ("hidden_size", json!(u64::MAX)),
        ("intermediate_size", json!(0)),
        ("max_position_embeddings", json!(0)),
        ("rms_norm_eps", json!(0)),
        ("rms_norm_eps", json!(-1.0)),
        ("rms_norm_eps", json!("small")),
        ("rope_theta", json!(0)),
        ("rope_theta", json!("10000")),
        ("rope_scaling", json!([1])),
        ("tie_word_embeddings", json!("yes")),
        ("bos_token_id", json!(32)),
        ("eos_token_id", json!([2, -7])),
        ("eos_token_id", json!({"id": 2})),
        ("model_type", json!(7)),
    ] {
        let message = error(tiny_with(key, value.clone()));
        let key = match (key, value.as_u64()) {
            // The message is about the value that no longer fits.
            ("num_attention_heads", Some(3)) => "hidden_size",
            _ => key,
        };
        assert!(message.contains(&format!("`{key}`")), "{message}");
        assert!(message.len() < 200, "{message}");
    }
    let mut odd = tiny_with("num_attention_heads", 4.into());
    odd["num_key_value_heads"] = 3.into();
    assert!(error(odd).contains("does not divide the 4 attention heads"));
    assert!(error(json!([])).contains("not a JSON object"));
    assert!(error(json!({})).contains("`model_type` is missing"));
    assert!(ModelConfig::llama(32, 8, 12, 2, 0, 1).is_err());
}

#[test]
fn broken_files_are_one_clear_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    let missing = ModelConfig::read(folder.path()).expect_err("there is none");
    assert!(missing.to_string().contains("cannot read"), "{missing}");
    let deep = "[".repeat(1_000_000);
    for text in ["", "{", "\u{0}", &deep, "{\"vocab_size\": NaN}"] {
        std::fs::write(&path, text).expect("the folder is writable");
        let error = ModelConfig::read(folder.path()).expect_err("it is broken");
        assert!(error.to_string().contains("config.json"), "{error}");
    }
    std::fs::remove_file(&path).expect("it is there");
    std::fs::create_dir(&path).expect("the folder is writable");
    let error = ModelConfig::read(folder.path()).expect_err("it is a folder");
    assert!(error.to_string().contains("not a regular file"), "{error}");
}

#[test]
fn what_is_written_is_read_back_and_keeps_unknown_keys_in_order() {
    let mut json = tiny_with("rope_scaling", json!({"type": "linear", "factor": 4.0}));
    json["_name"] = json!({"kept": [1, 2.50]});
    json["eos_token_id"] = json!([2, 3]);
    let config = ModelConfig::from_json(json.clone()).expect("the configuration is whole");
    let written = config.to_json(FloatType::Bf16);
    assert_eq!(written["_name"], json["_name"]);
    assert_eq!(written["dtype"], "bfloat16");
    assert_eq!(written["torch_dtype"], "bfloat16");
    assert_eq!(written["rope_parameters"]["rope_theta"], json!(10_000.0));
    let before: Vec<_> = json.as_object().expect("an object").keys().collect();
    let after: Vec<_> = written.as_object().expect("an object").keys().collect();
    assert_eq!(after[..before.len()], before);
    let again = ModelConfig::from_json(written.clone()).expect("what is written is read");
    assert_eq!(again.rope, config.rope);
    assert_eq!(again.eos, [2, 3]);
    assert_eq!(again.to_json(FloatType::Bf16), written);
}
