//! An adapter's settings: `adapter_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{ADAPTER_CONFIG_FILE, AdapterError};
use crate::fields::Fields;
use crate::{ConfigError, ModelConfig, Projection, TensorShape, json};

/// Far above every useful rank, low enough that no product of sizes overflows.
const LARGEST_RANK: usize = 1 << 14;

/// Settings of a low-rank adapter: each targeted map gets `(alpha / rank) · B·A` added.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterConfig {
    /// The rank, PEFT's `r`.
    pub rank: usize,
    /// The scale's numerator, PEFT's `lora_alpha`.
    pub alpha: f64,
    /// The share of inputs dropped while training, from 0 to below 1.
    pub dropout: f64,
    /// The last parts of the paths that are adapted, such as `q_proj`, or whole paths.
    pub target_modules: Vec<String>,
    /// Where the base is (`base_model_name_or_path`); relative to the adapter's folder.
    pub base: String,
}

impl AdapterConfig {
    /// Reads `adapter_config.json` of the folder `directory`.
    pub fn read(directory: &Path) -> Result<Self, AdapterError> {
        let path = directory.join(ADAPTER_CONFIG_FILE);
        Self::take(&path, json::read_value(&path)?)
    }

    /// Takes the content of an `adapter_config.json`.
    pub fn from_json(value: Value) -> Result<Self, AdapterError> {
        Self::take(Path::new(ADAPTER_CONFIG_FILE), value)
    }

    fn take(path: &Path, value: Value) -> Result<Self, AdapterError> {
        let Value::Object(map) = value else {
            return Err(AdapterError::Config(ConfigError::Json {
                path: path.to_owned(),
                message: "is not a JSON object".into(),
            }));
        };
        let fields = Fields::new(path, &map);
        refuse_unsupported(&fields, &map)?;
        let dropout = fields.number("lora_dropout", 0.0..=1.0)?.unwrap_or(0.0);
        if dropout == 1.0 {
            return Err(fields
                .invalid("lora_dropout", "is 1; it must be below 1")
                .into());
        }
        Ok(Self {
            rank: fields.required_count("r", LARGEST_RANK)?,
            // What PEFT takes where the key is absent.
            alpha: fields
                .number("lora_alpha", f64::MIN_POSITIVE..=1e6)?
                .unwrap_or(8.0),
            dropout,
            target_modules: targets(&fields)?,
            base: fields.text("base_model_name_or_path")?.unwrap_or_default(),
        })
    }

    /// The content of an `adapter_config.json` as PEFT writes it.
    pub fn to_json(&self) -> Value {
        // PEFT calls this a whole number, and old versions print it as one.
        let alpha = match self.alpha.fract() == 0.0 {
            true => Value::from(self.alpha as i64),
            false => Value::from(self.alpha),
        };
        json!({
            "alpha_pattern": {},
            "auto_mapping": null,
            "base_model_name_or_path": self.base,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "layers_pattern": null,
            "layers_to_transform": null,
            "lora_alpha": alpha,
            "lora_dropout": self.dropout,
            "modules_to_save": null,
            "peft_type": "LORA",
            "r": self.rank,
            "rank_pattern": {},
            "revision": null,
            "target_modules": self.target_modules,
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": false,
        })
    }

    /// What the outputs of `B·A` are multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// The linear maps of `model` that are adapted, in its order. Each target must match one.
    pub fn projections(&self, model: &ModelConfig) -> Result<Vec<Projection>, AdapterError> {
        let mut projections = model.projections();
        let matches = |target: &str, path: &str| {
            let before = path.strip_suffix(target);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        for target in &self.target_modules {
            let mut paths = projections.iter().map(|projection| &projection.path);
            if target.is_empty() || !paths.any(|path| matches(target, path)) {
                let target = target.clone();
                return Err(AdapterError::Target { target });
            }
        }
        projections.retain(|projection| {
            let mut targets = self.target_modules.iter();
            targets.any(|target| matches(target, &projection.path))
        });
        Ok(projections)
    }

    /// The adapter's tensors on `model`, as PEFT names them: for each adapted map
    /// `base_model.model.<path>.lora_A.weight` `[rank, inputs]` and `lora_B.weight`
    /// `[outputs, rank]`.
    pub fn tensors(&self, model: &ModelConfig) -> Result<Vec<TensorShape>, AdapterError> {
        let projections = self.projections(model)?;
        let tensors = projections.iter().flat_map(|projection| {
            let name = |part| format!("base_model.model.{}.{part}.weight", projection.path);
            [
                TensorShape::new(name("lora_A"), [self.rank, projection.inputs]),
                TensorShape::new(name("lora_B"), [projection.outputs, self.rank]),
            ]
        });
        Ok(tensors.collect())
    }
}

fn targets(fields: &Fields) -> Result<Vec<String>, ConfigError> {
    let key = "target_modules";
    let wrong = || fields.invalid(key, "must be a list of module names, or \"all-linear\"");
    match fields.get(key) {
        None => Err(fields.invalid(key, "is missing")),
        Some(Value::String(all)) if all == "all-linear" => {
            Ok(Projection::NAMES.map(str::to_owned).to_vec())
        }
        Some(Value::String(_)) => Err(fields.unsupported(key, "a list of module names is")),
        Some(Value::Array(names)) if !names.is_empty() && names.len() <= 1 << 14 => {
            let text = |name: &Value| Some(name.as_str()?.to_owned());
            let names = names.iter().map(text).collect::<Option<_>>();
            names.ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// Refuses every option of PEFT that changes what the adapter computes.
fn refuse_unsupported(fields: &Fields, map: &Map<String, Value>) -> Result<(), ConfigError> {
    for (key, only) in [
        ("peft_type", "LORA"),
        ("task_type", "CAUSAL_LM"),
        ("bias", "none"),
    ] {
        if fields.text(key)?.is_some_and(|text| text != only) {
            return Err(fields.unsupported(key, &format!("only `{only}` is")));
        }
    }
    // Some ways of initialization change the base as well.
    match fields.get("init_lora_weights") {
        None | Some(Value::Bool(_)) => {}
        Some(Value::String(name)) if name == "gaussian" => {}
        Some(_) => return Err(fields.unsupported("init_lora_weights", "true and false are")),
    }
    let named = [
        "alora_invocation_tokens",
        "alpha_pattern",
        "exclude_modules",
        "fan_in_fan_out",
        "layer_replication",
        "layers_pattern",
        "layers_to_transform",
        "lora_bias",
        "modules_to_save",
        "rank_pattern",
        "target_parameters",
        "trainable_token_indices",
    ];
    for (key, value) in map {
        // Further variants of LoRA come as `use_…` flags and `…_config` objects.
        let variant = key.starts_with("use_") || key.ends_with("_config");
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(items) => items.is_empty(),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        if (variant || named.contains(&key.as_str())) && !empty {
            return Err(fields.unsupported(key, "only leaving it out is"));
        }
    }
    Ok(())
}
