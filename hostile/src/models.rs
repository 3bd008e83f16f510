//! Models and tokenizers in Hugging Face's form.

use std::path::Path;

use glpft_checkpoints::{
    ADAPTER_CONFIG_FILE, AdapterConfig, CONFIG_FILE, FloatType, LEASES_FOLDER, ModelConfig,
    ModelFiles, TRAINER_STATE_FILE, TrainerState, WEIGHTS_FILE, WEIGHTS_INDEX_FILE, lease_holder,
    open_leases,
};
use glpft_data::{PromptTokenizer, Text, sample};
use glpft_recipes::Separators;
use serde_json::{Value, json};

use crate::{Parser, put};

/// A small model's folder, with config, weights and what it should compute; made for other tests.
macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/golden/", $name))
    };
}

fn tiny() -> Option<ModelConfig> {
    ModelConfig::llama(32, 8, 12, 2, 2, 1).ok()
}

/// Opens weights and reads what is in them.
pub(crate) fn read_weights(path: &Path, config: Option<&ModelConfig>) {
    let Ok(files) = ModelFiles::open(path) else {
        return;
    };
    for name in files.names() {
        let _ = files.float_type(name);
        let shape = files.shape(name).unwrap_or_default().to_vec();
        let _ = files.read_f32(name, &shape);
    }
    if let Some(config) = config {
        let _ = files.check(config);
    }
}

pub(crate) const SAFETENSORS: Parser = Parser {
    name: "safetensors",
    read: |data, folder| {
        put(&folder.join(WEIGHTS_FILE), data);
        read_weights(folder, tiny().as_ref());
    },
    examples: || {
        vec![
            golden!("llama/model.safetensors").to_vec(),
            one_tensor("F32", 8),
            one_tensor("BF16", 4),
        ]
    },
    fixtures: &[],
};

fn one_tensor(dtype: &str, size: usize) -> Vec<u8> {
    let header =
        json!({"a": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + size, 0);
    bytes
}

pub(crate) const INDEX: Parser = Parser {
    name: "index",
    read: |data, folder| {
        put(&folder.join("one.safetensors"), &one_tensor("F32", 8));
        put(&folder.join(WEIGHTS_INDEX_FILE), data);
        read_weights(folder, None);
    },
    examples: || {
        let index = json!({
            "metadata": {"total_size": 8},
            "weight_map": {"a": "one.safetensors"},
        });
        vec![index.to_string().into_bytes()]
    },
    fixtures: &[],
};

pub(crate) const CONFIG: Parser = Parser {
    name: "config",
    read: |data, folder| {
        put(&folder.join(CONFIG_FILE), data);
        if let Ok(config) = ModelConfig::read(folder) {
            let _ = config.tensors();
            let _ = config.parameters();
            // What is written is read again.
            let again = ModelConfig::from_json(config.to_json(FloatType::F32));
            assert_eq!(
                again.ok().map(|again| again.tensors()),
                Some(config.tensors())
            );
        }
    },
    examples: || {
        vec![
            golden!("llama/config.json").to_vec(),
            golden!("llama-rope-llama3/config.json").to_vec(),
            golden!("mistral/config.json").to_vec(),
            golden!("qwen2/config.json").to_vec(),
            golden!("qwen3/config.json").to_vec(),
        ]
    },
    fixtures: &[],
};

pub(crate) const ADAPTER_CONFIG: Parser = Parser {
    name: "adapter_config",
    read: |data, folder| {
        put(&folder.join(ADAPTER_CONFIG_FILE), data);
        if let (Ok(adapter), Some(model)) = (AdapterConfig::read(folder), tiny()) {
            let _ = adapter.tensors(&model);
            let _ = adapter.unmatched_pattern(&model);
            assert!(AdapterConfig::from_json(adapter.to_json()).is_ok());
        }
    },
    examples: || {
        let config = json!({
            "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 16,
            "lora_dropout": 0.05, "target_modules": ["q_proj", "v_proj"], "bias": "none",
            "base_model_name_or_path": "base", "modules_to_save": null, "rank_pattern": {},
        });
        vec![
            config.to_string().into_bytes(),
            golden!("adapters/patterns/adapter_config.json").to_vec(),
            golden!("adapters/regex/adapter_config.json").to_vec(),
            golden!("adapters/layers/adapter_config.json").to_vec(),
            golden!("adapters/saved-untied/adapter_config.json").to_vec(),
        ]
    },
    fixtures: &[],
};

/// Loads a tokenizer and has it encode what tokenizers trip over.
pub(crate) fn use_tokenizer(json: &[u8], eos: &str) {
    let Ok(tokenizer) = PromptTokenizer::from_bytes(json, eos) else {
        return;
    };
    let mut text = Text::new();
    text.push("user: é\u{301} 12 ▁<unk></s>\u{0}🦀\n\n  ")
        .separate();
    text.push(eos).push("").separate();
    for separators in [Separators::Eos, Separators::Literal] {
        if let Ok(ids) = tokenizer.encode(&text, separators) {
            assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
            let _ = tokenizer.decode(&ids, true);
        }
    }
}

pub(crate) const TOKENIZER: Parser = Parser {
    name: "tokenizer",
    read: |data, _| use_tokenizer(data, "</s>"),
    examples: || {
        let mut small: Value = serde_json::from_slice(sample::tokenizer()).unwrap_or_default();
        // All kinds of parts, few tokens: most mutations meet something that means something.
        let model = &mut small["model"];
        if let Some(merges) = model["merges"].as_array_mut() {
            merges.truncate(20);
        }
        if let Some(vocabulary) = model["vocab"].as_object_mut() {
            vocabulary.retain(|_, id| id.as_u64().is_some_and(|id| id < 300));
        }
        let unigram = json!({
            "version": "1.0", "truncation": {"direction": "Right", "max_length": 9,
            "strategy": "LongestFirst", "stride": 0}, "padding": null,
            "added_tokens": [{"id": 0, "content": "</s>", "single_word": false, "lstrip": true,
            "rstrip": true, "normalized": false, "special": true}],
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}]},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first",
            "split": true},
            "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "</s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [0], "tokens": ["</s>"]}}},
            "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
            "model": {"type": "Unigram", "unk_id": 1, "byte_fallback": false,
            "vocab": [["</s>", 0.0], ["<unk>", 0.0], ["▁", -1.5], ["a", -2.0], ["user", -3.0], [":", -3.5]]},
        });
        vec![
            small.to_string().into_bytes(),
            unigram.to_string().into_bytes(),
        ]
    },
    fixtures: &[],
};

pub(crate) const LEASE: Parser = Parser {
    name: "lease",
    read: |data, folder| {
        let leases = folder.join(LEASES_FOLDER);
        if std::fs::create_dir_all(&leases).is_ok() {
            put(&leases.join("caller.1"), data);
            let holder = lease_holder(folder, "caller");
            let _ = holder.map(|holder| holder.to_string());
            let _ = open_leases(folder);
        }
    },
    examples: || {
        let lease = json!({
            "token": "0123456789abcdef", "work": "trains the caller",
            "machine": {"host": "node2", "boot": "b", "namespace": "pid:[4026531836]"},
            "process": {"id": 77, "started": "12345"},
            "length": 120_000, "beat": 3, "free": false, "inode": 5,
        });
        vec![lease.to_string().into_bytes()]
    },
    fixtures: &[],
};

pub(crate) const TRAINER_STATE: Parser = Parser {
    name: "trainer_state",
    read: |data, folder| {
        put(&folder.join(TRAINER_STATE_FILE), data);
        let _ = TrainerState::read(folder);
    },
    examples: || {
        let state = json!({"format": 2, "state": {
            "stage": "global", "step": 3, "epoch": 1, "position": 7, "seed": 42, "total": 9,
            "not_applied": 1, "lr_factor": 0.5,
            "usual_loss": {"steps": 2, "mean": 1.5, "variance": 0.25},
            "best_validation": {"step": 2, "loss": 1.25},
            "provenance": {"recipe": {"lr": "0.1"}, "data": {"planner dataset": "ab"}},
            "computed_by": {"device": "cpu", "threads": 2, "version": "0.1.0"},
        }});
        vec![state.to_string().into_bytes()]
    },
    fixtures: &[],
};
