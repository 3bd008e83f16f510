//! A resolved recipe as the flat list of its keys: what is written and what is compared.

use std::collections::BTreeMap;

use crate::{Recipe, Stage, StageRecipe, StartFrom, value::Value};

/// A key of a resolved recipe; no value where an optional one is not set.
pub(crate) struct Entry {
    /// The table, as its header spells it; empty at the top.
    pub(crate) table: String,
    pub(crate) key: &'static str,
    pub(crate) value: Option<Value>,
}

impl Entry {
    /// The key from the top.
    pub(crate) fn path(&self) -> String {
        if self.table.is_empty() {
            self.key.to_owned()
        } else {
            format!("{}.{}", self.table, self.key)
        }
    }
}

/// Every key in the order in which recipes are written.
pub(crate) fn entries(recipe: &Recipe) -> Vec<Entry> {
    let mut list = List(Vec::new());
    let Recipe {
        name,
        description,
        seed,
        arrangement,
        reuse,
        global_data,
        model,
        data,
        stage: _,
    } = recipe;
    list.table("")
        .text("name", name)
        .text("description", description)
        .whole("seed", *seed)
        .text("arrangement", arrangement.name())
        .flag("reuse", *reuse)
        .text("global_data", global_data.name());
    list.table("model")
        .text("base", &model.base)
        .optional("tokenizer", model.tokenizer.as_deref())
        .text("dtype", model.dtype.name())
        .text("weights", model.weights.name())
        .flag("double_quantization", model.double_quantization);
    if let Some(random) = &model.random {
        list.table("model.random")
            .size("hidden_size", random.hidden_size)
            .size("intermediate_size", random.intermediate_size)
            .size("layers", random.layers)
            .size("heads", random.heads)
            .size("kv_heads", random.kv_heads)
            .size("max_positions", random.max_positions)
            .flag("tied", random.tied)
            .real("initializer_range", random.initializer_range);
    }
    list.table("data")
        .text("source", &data.source)
        .push(
            "sources",
            Some(Value::Sources(data.sources.clone())).filter(|_| !data.sources.is_empty()),
        )
        .text("duplicates", data.duplicates.name())
        .optional("test_query_ids", data.test_query_ids.as_deref())
        .optional("prompts", data.prompts.as_deref())
        .text("layout", data.layout.name())
        .text("behaviour", data.behaviour.name())
        .text("give_up_history", data.give_up_history.name())
        .text("system_prefix", data.system_prefix.name())
        .flag("valid_only", data.valid_only)
        .text("separators", data.separators.name())
        .text("observations", data.observations.name())
        .text("arguments", data.arguments.name())
        .text("schemas", data.schemas.name())
        .text("rationale", data.rationale.name())
        .text("truncate", data.truncate.name())
        .text("sampling", data.sampling.name())
        .text("packing", data.packing.name())
        .flag("train_on_inputs", data.train_on_inputs)
        .flag("strict", data.strict)
        .real("max_bad_fraction", data.max_bad_fraction)
        .real("fraction", data.fraction)
        .real("validation_fraction", data.validation_fraction)
        .whole("split_seed", data.split_seed);
    for stage in Stage::ALL {
        push_stage(&mut list, stage.name(), recipe.stage(stage));
    }
    list.0
}

fn push_stage(list: &mut List, name: &str, stage: &StageRecipe) {
    let from = match &stage.from {
        StartFrom::Base => "base",
        StartFrom::Global => "global",
        StartFrom::Directory(directory) => directory,
    };
    list.table(&format!("stage.{name}"))
        .text("from", from)
        .text("tune", stage.tune.name())
        .whole("epochs", stage.epochs.into())
        .real("lr", stage.lr)
        .real("warmup_ratio", stage.warmup_ratio)
        .real("weight_decay", stage.weight_decay)
        .text("schedule", stage.schedule.name())
        .size("batch", stage.batch)
        .size("micro_batch_tokens", stage.micro_batch_tokens)
        .size("recompute", stage.recompute)
        .text("backward", stage.backward.name())
        .size("max_length", stage.max_length)
        .text("precision", stage.precision.name())
        .real("clip_norm", stage.clip_norm)
        .real("beta1", stage.beta1)
        .real("beta2", stage.beta2)
        .real("epsilon", stage.epsilon)
        .text("moments", stage.moments.name())
        .size("eval_every", stage.eval_every)
        .size("checkpoint_every", stage.checkpoint_every)
        .size("keep_checkpoints", stage.keep_checkpoints)
        .flag("keep_best", stage.keep_best)
        .text("on_not_finite", stage.on_not_finite.name())
        .whole("max_not_finite", stage.max_not_finite)
        .push(
            "max_steps",
            stage.max_steps.map(|steps| Value::Whole(steps as u64)),
        );
    list.table(&format!("stage.{name}.lora"))
        .size("rank", stage.lora.rank)
        .real("alpha", stage.lora.alpha)
        .flag("rslora", stage.lora.rslora)
        .push("rank_pattern", Some(ranks(&stage.lora.rank_pattern)))
        .push(
            "alpha_pattern",
            Some(Value::Reals(stage.lora.alpha_pattern.clone())),
        )
        .real("dropout", stage.lora.dropout)
        .flag("wake", stage.lora.wake)
        .push(
            "target_modules",
            Some(Value::Texts(stage.lora.target_modules.clone())),
        );
}

fn ranks(ranks: &BTreeMap<String, usize>) -> Value {
    let ranks = ranks.iter();
    Value::Wholes(
        ranks
            .map(|(name, &rank)| (name.clone(), rank as u64))
            .collect(),
    )
}

struct List(Vec<Entry>);

impl List {
    fn table(&mut self, table: &str) -> Rows<'_> {
        Rows {
            table: table.to_owned(),
            list: &mut self.0,
        }
    }
}

/// The rows of one table.
struct Rows<'a> {
    table: String,
    list: &'a mut Vec<Entry>,
}

impl Rows<'_> {
    fn push(self, key: &'static str, value: Option<Value>) -> Self {
        self.list.push(Entry {
            table: self.table.clone(),
            key,
            value,
        });
        self
    }

    /// An empty text is one that is not set.
    fn text(self, key: &'static str, text: &str) -> Self {
        self.optional(key, Some(text).filter(|text| !text.is_empty()))
    }

    fn optional(self, key: &'static str, text: Option<&str>) -> Self {
        self.push(key, text.map(|text| Value::Text(text.to_owned())))
    }

    fn flag(self, key: &'static str, flag: bool) -> Self {
        self.push(key, Some(Value::Flag(flag)))
    }

    fn whole(self, key: &'static str, number: u64) -> Self {
        self.push(key, Some(Value::Whole(number)))
    }

    fn size(self, key: &'static str, number: usize) -> Self {
        self.whole(key, number as u64)
    }

    fn real(self, key: &'static str, number: f64) -> Self {
        self.push(key, Some(Value::Real(number)))
    }
}
