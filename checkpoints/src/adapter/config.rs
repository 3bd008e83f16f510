//! An adapter's settings: `adapter_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::names::{LARGEST_LIST, check_pattern, check_patterns};
use super::unsupported::refuse_unsupported;
use super::{ADAPTER_CONFIG_FILE, AdapterError, ModuleNames};
use crate::config::fields::Fields;
use crate::{ConfigError, HubName, json};

/// Far above every useful rank, low enough that no product of sizes overflows.
const LARGEST_RANK: usize = 1 << 14;
/// The bounds of `lora_alpha`.
const ALPHA: std::ops::RangeInclusive<f64> = f64::MIN_POSITIVE..=1e6;

/// Settings of low-rank adapters, as PEFT has them: each targeted module gets `scale · B·A` added.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterConfig {
    /// The rank, PEFT's `r`.
    pub rank: usize,
    /// The scale's numerator, PEFT's `lora_alpha`.
    pub alpha: f64,
    /// The share of inputs dropped while training, from 0 to below 1.
    pub dropout: f64,
    /// Whether the scale is `alpha / √rank` (arXiv 2312.03732), not `alpha / rank`.
    pub rslora: bool,
    /// Ranks of modules whose path, or the end of it after a dot, a regular expression matches; the first that does
    /// counts.
    pub rank_pattern: Vec<(String, usize)>,
    /// `alpha` of such modules.
    pub alpha_pattern: Vec<(String, f64)>,
    /// The modules that are adapted.
    pub target_modules: ModuleNames,
    /// Modules that are not, although they are targets.
    pub exclude_modules: Option<ModuleNames>,
    /// The layers that are adapted; empty: all.
    pub layers: Vec<usize>,
    /// Regular expressions for what a layer's number stands behind, such as `layers`; empty: anything.
    pub layers_pattern: Vec<String>,
    /// Modules that are stored whole: ends of their paths.
    pub modules_to_save: Vec<String>,
    /// Whether what is done to the embedding is done to a head that is tied to it, too.
    pub ensure_weight_tying: bool,
    /// The token ids that wake it (activated LoRA, arXiv 2504.12397; PEFT's `alora_invocation_tokens`): it acts from where they
    /// last stand in a text. Empty: it acts on every token.
    pub invocation: Vec<u32>,
    /// Where the base is (`base_model_name_or_path`): a path, absolute or relative to the adapter's folder, or a name
    /// on the hub; empty where the adapter does not say.
    pub base: String,
    /// Which revision of a base on the hub; none: the hub's main one.
    pub revision: Option<String>,
}

/// What PEFT takes where nothing is said.
impl Default for AdapterConfig {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 8.0,
            dropout: 0.0,
            rslora: false,
            rank_pattern: Vec::new(),
            alpha_pattern: Vec::new(),
            target_modules: ModuleNames::Names(Vec::new()),
            exclude_modules: None,
            layers: Vec::new(),
            layers_pattern: Vec::new(),
            modules_to_save: Vec::new(),
            ensure_weight_tying: false,
            invocation: Vec::new(),
            base: String::new(),
            revision: None,
        }
    }
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
        let default = Self::default();
        let dropout = fields.number("lora_dropout", 0.0..=1.0)?.unwrap_or(0.0);
        if dropout == 1.0 {
            return Err(fields
                .invalid("lora_dropout", "is 1; it must be below 1")
                .into());
        }
        let config = Self {
            rank: fields.required_count("r", LARGEST_RANK)?,
            alpha: fields.number("lora_alpha", ALPHA)?.unwrap_or(default.alpha),
            dropout,
            rslora: fields.flag("use_rslora")?.unwrap_or(false),
            rank_pattern: pattern(&fields, "rank_pattern", |fields, key| {
                fields.required_count(key, LARGEST_RANK)
            })?,
            alpha_pattern: pattern(&fields, "alpha_pattern", |fields, key| {
                fields.required_number(key, ALPHA)
            })?,
            target_modules: targets(&fields)?,
            exclude_modules: excluded(&fields)?,
            layers: layers(&fields)?,
            layers_pattern: texts(&fields, "layers_pattern")?,
            modules_to_save: names(&fields, "modules_to_save")?,
            ensure_weight_tying: fields.flag("ensure_weight_tying")?.unwrap_or(false),
            invocation: invocation(&fields)?,
            base: fields.text("base_model_name_or_path")?.unwrap_or_default(),
            revision: fields.text("revision")?,
        };
        if !config.invocation.is_empty() && !config.modules_to_save.is_empty() {
            let advice = "an adapter with `alora_invocation_tokens` leaves what is before them to the base; what is stored \
                          whole changes that, too";
            return Err(fields.unsupported("modules_to_save", advice).into());
        }
        config.check_patterns(&fields)?;
        Ok(config)
    }

    /// The base's name on the hub, where it may be one.
    pub fn hub_name(&self) -> Option<HubName> {
        HubName::parse(&match &self.revision {
            Some(revision) => format!("{}@{revision}", self.base),
            None => self.base.clone(),
        })
    }

    /// Checks every regular expression before it is used.
    fn check_patterns(&self, fields: &Fields) -> Result<(), ConfigError> {
        let ranks = self.rank_pattern.iter().map(|(pattern, _)| pattern);
        check_patterns(fields, "rank_pattern", ranks)?;
        let alphas = self.alpha_pattern.iter().map(|(pattern, _)| pattern);
        check_patterns(fields, "alpha_pattern", alphas)?;
        check_patterns(fields, "layers_pattern", self.layers_pattern.iter())?;
        // PEFT takes these for regular expressions, too, where it says what is not adapted.
        check_patterns(fields, "modules_to_save", self.modules_to_save.iter())?;
        if let ModuleNames::Pattern(pattern) = &self.target_modules {
            check_pattern(fields, "target_modules", pattern)?;
        }
        if let Some(ModuleNames::Pattern(pattern)) = &self.exclude_modules {
            check_pattern(fields, "exclude_modules", pattern)?;
        }
        Ok(())
    }

    /// The content of an `adapter_config.json` as PEFT writes it.
    pub fn to_json(&self) -> Value {
        let some = |list: Value| match list.as_array().is_none_or(Vec::is_empty) {
            true => Value::Null,
            false => list,
        };
        let ranks = self.rank_pattern.iter();
        let ranks: Map<_, _> = ranks
            .map(|(pattern, rank)| (pattern.clone(), json!(rank)))
            .collect();
        let alphas = self.alpha_pattern.iter();
        let alphas: Map<_, _> = alphas
            .map(|(pattern, alpha)| (pattern.clone(), whole(*alpha)))
            .collect();
        let mut settings = json!({
            "alpha_pattern": alphas,
            "auto_mapping": null,
            "base_model_name_or_path": self.base,
            "bias": "none",
            "ensure_weight_tying": self.ensure_weight_tying,
            "exclude_modules": self.exclude_modules.as_ref().map(ModuleNames::to_json),
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "layers_pattern": some(json!(self.layers_pattern)),
            "layers_to_transform": some(json!(self.layers)),
            "lora_alpha": whole(self.alpha),
            "lora_dropout": self.dropout,
            "modules_to_save": some(json!(self.modules_to_save)),
            "peft_type": "LORA",
            "r": self.rank,
            "rank_pattern": ranks,
            "revision": self.revision,
            "target_modules": self.target_modules.to_json(),
            "task_type": "CAUSAL_LM",
            "use_dora": false,
            "use_rslora": self.rslora,
        });
        if !self.invocation.is_empty() {
            settings["alora_invocation_tokens"] = json!(self.invocation);
        }
        settings
    }
}

/// PEFT calls `alpha` a whole number, and old versions print it as one.
fn whole(alpha: f64) -> Value {
    match alpha.fract() == 0.0 {
        true => Value::from(alpha as i64),
        false => Value::from(alpha),
    }
}

fn targets(fields: &Fields) -> Result<ModuleNames, ConfigError> {
    let key = "target_modules";
    match fields.get(key) {
        None => Err(fields.invalid(key, "is missing")),
        Some(Value::String(text)) if text.eq_ignore_ascii_case(ModuleNames::ALL_LINEAR) => {
            Ok(ModuleNames::AllLinear)
        }
        Some(Value::String(text)) => Ok(ModuleNames::Pattern(text.clone())),
        Some(Value::Array(items))
            if items.is_empty() && fields.get("modules_to_save").is_some() =>
        {
            Ok(ModuleNames::Names(Vec::new()))
        }
        Some(Value::Array(items)) if !items.is_empty() => {
            Ok(ModuleNames::Names(names(fields, key)?))
        }
        Some(_) => Err(fields.invalid(
            key,
            "must be a list of module names, a regular expression, or \"all-linear\"",
        )),
    }
}

fn excluded(fields: &Fields) -> Result<Option<ModuleNames>, ConfigError> {
    let key = "exclude_modules";
    match fields.get(key) {
        Some(Value::String(text)) if !text.is_empty() => {
            Ok(Some(ModuleNames::Pattern(text.clone())))
        }
        None | Some(Value::String(_)) => Ok(None),
        Some(_) => {
            let names = names(fields, key)?;
            Ok((!names.is_empty()).then_some(ModuleNames::Names(names)))
        }
    }
}

/// `layers_to_transform`: a number or a list of them.
fn layers(fields: &Fields) -> Result<Vec<usize>, ConfigError> {
    let key = "layers_to_transform";
    let wrong = || fields.invalid(key, "must be a layer's number or a list of such numbers");
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    match fields.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= LARGEST_LIST => items
            .iter()
            .map(|item| number(item).ok_or_else(wrong))
            .collect(),
        Some(value) => Ok(vec![number(value).ok_or_else(wrong)?]),
    }
}

fn invocation(fields: &Fields) -> Result<Vec<u32>, ConfigError> {
    let key = "alora_invocation_tokens";
    let wrong = || fields.invalid(key, "must be a list of token ids");
    let id = |value: &Value| u32::try_from(value.as_u64()?).ok();
    match fields.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= LARGEST_LIST => items
            .iter()
            .map(|item| id(item).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// A text or a list of texts.
fn texts(fields: &Fields, key: &str) -> Result<Vec<String>, ConfigError> {
    match fields.get(key) {
        Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        _ => names(fields, key),
    }
}

/// A list of texts; null is an empty one.
fn names(fields: &Fields, key: &str) -> Result<Vec<String>, ConfigError> {
    let wrong = || fields.invalid(key, "must be a list of module names");
    match fields.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= LARGEST_LIST => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// An object of numbers by pattern, in the file's order.
fn pattern<T>(
    fields: &Fields,
    key: &str,
    read: impl Fn(&Fields, &str) -> Result<T, ConfigError>,
) -> Result<Vec<(String, T)>, ConfigError> {
    let Some(patterns) = fields.object(key)? else {
        return Ok(Vec::new());
    };
    let patterns = patterns.all_keys().map(|pattern| {
        let value = read(&patterns, pattern)?;
        Ok((pattern.clone(), value))
    });
    patterns.collect()
}
