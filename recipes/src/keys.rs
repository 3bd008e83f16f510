//! The schema: every table and key a recipe may hold, with its type and range.

use std::fmt;

use crate::{
    Arguments, Arrangement, Backward, Behaviour, Duplicates, GiveUpHistory, GlobalData, Layout,
    ModelDtype, Moments, Observations, OnNotFinite, Packing, Precision, Rationale, Sampling,
    Schedule, Schemas, Separators, SystemPrefix, Truncate, Tune, WeightType,
};

/// What a key's value has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A string that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first bound to the second.
    Whole(u64, u64),
    /// A finite number within bounds.
    Real(Bounds),
    /// One of these names.
    Choice(&'static [&'static str]),
    /// An array of strings.
    Texts,
    /// A table of whole numbers from the first bound to the second, by names that its writer chooses.
    Wholes(u64, u64),
    /// A table of finite numbers within bounds, by names that its writer chooses.
    Reals(Bounds),
    /// An array of tables, each a source.
    Sources,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Text => "a string",
            Kind::Flag => "true or false",
            Kind::Whole(..) => "a whole number",
            Kind::Real(_) => "a number",
            Kind::Choice(_) => "a string",
            Kind::Texts => "an array of strings",
            Kind::Wholes(..) => "a table of whole numbers, such as { q_proj = 16 }",
            Kind::Reals(_) => "a table of numbers, such as { q_proj = 32.0 }",
            Kind::Sources => "an array of tables ([[data.sources]])",
        })
    }
}

/// An interval of numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    low: f64,
    low_belongs: bool,
    high: f64,
    high_belongs: bool,
}

impl Bounds {
    /// `low ≤ x ≤ high`
    const fn closed(low: f64, high: f64) -> Bounds {
        Bounds {
            low,
            low_belongs: true,
            high,
            high_belongs: true,
        }
    }

    /// `low < x ≤ high`
    pub(crate) const fn above(low: f64, high: f64) -> Bounds {
        Bounds {
            low,
            low_belongs: false,
            high,
            high_belongs: true,
        }
    }

    /// `low ≤ x < high`
    const fn below(low: f64, high: f64) -> Bounds {
        Bounds {
            low,
            low_belongs: true,
            high,
            high_belongs: false,
        }
    }

    /// Whether `x` lies within; NaN lies in no interval.
    pub(crate) fn holds(&self, x: f64) -> bool {
        (x > self.low || (self.low_belongs && x == self.low))
            && (x < self.high || (self.high_belongs && x == self.high))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = if self.low_belongs {
            "at least"
        } else {
            "more than"
        };
        let high = if self.high_belongs {
            "at most"
        } else {
            "less than"
        };
        write!(f, "{low} {}, {high} {}", self.low, self.high)
    }
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

/// A table: its keys and the tables in it.
#[derive(Debug)]
pub(crate) struct Table {
    /// Where the table's keys may stand, for messages.
    pub(crate) title: &'static str,
    pub(crate) keys: &'static [Key],
    pub(crate) tables: &'static [(&'static str, &'static Table)],
}

impl Table {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&'static Table> {
        self.tables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, table)| *table)
    }

    /// Everything that may stand in this table.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys
            .iter()
            .map(|key| key.name)
            .chain(self.tables.iter().map(|(name, _)| *name))
    }
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

/// Numbers of steps, examples and tokens: small enough for every platform's `usize`.
const MANY: u64 = 1_000_000_000;
/// TOML's integers end here.
const SEED: Kind = Kind::Whole(0, i64::MAX as u64);
const WIDTH: Kind = Kind::Whole(1, 1_048_576);

/// The whole recipe.
pub(crate) static ROOT: Table = Table {
    title: "the top of the recipe, before any table",
    keys: &[
        key("name", Kind::Text),
        key("description", Kind::Text),
        key("seed", SEED),
        key("arrangement", Kind::Choice(Arrangement::NAMES)),
        key("reuse", Kind::Flag),
        key("global_data", Kind::Choice(GlobalData::NAMES)),
    ],
    tables: &[("model", &MODEL), ("data", &DATA), ("stage", &STAGES)],
};

static MODEL: Table = Table {
    title: "[model]",
    keys: &[
        key("base", Kind::Text),
        key("tokenizer", Kind::Text),
        key("dtype", Kind::Choice(ModelDtype::NAMES)),
        key("weights", Kind::Choice(WeightType::NAMES)),
        key("double_quantization", Kind::Flag),
    ],
    tables: &[("random", &RANDOM)],
};

static RANDOM: Table = Table {
    title: "[model.random]",
    keys: &[
        key("hidden_size", WIDTH),
        key("intermediate_size", WIDTH),
        key("layers", Kind::Whole(1, 4096)),
        key("heads", Kind::Whole(1, 65_536)),
        key("kv_heads", Kind::Whole(1, 65_536)),
        key("max_positions", Kind::Whole(2, MANY)),
        key("tied", Kind::Flag),
        key("initializer_range", Kind::Real(Bounds::above(0.0, 1.0))),
    ],
    tables: &[],
};

static DATA: Table = Table {
    title: "[data]",
    keys: &[
        key("source", Kind::Text),
        key("sources", Kind::Sources),
        key("duplicates", Kind::Choice(Duplicates::NAMES)),
        key("test_query_ids", Kind::Text),
        key("prompts", Kind::Text),
        key("layout", Kind::Choice(Layout::NAMES)),
        key("behaviour", Kind::Choice(Behaviour::NAMES)),
        key("give_up_history", Kind::Choice(GiveUpHistory::NAMES)),
        key("system_prefix", Kind::Choice(SystemPrefix::NAMES)),
        key("valid_only", Kind::Flag),
        key("separators", Kind::Choice(Separators::NAMES)),
        key("observations", Kind::Choice(Observations::NAMES)),
        key("arguments", Kind::Choice(Arguments::NAMES)),
        key("schemas", Kind::Choice(Schemas::NAMES)),
        key("rationale", Kind::Choice(Rationale::NAMES)),
        key("truncate", Kind::Choice(Truncate::NAMES)),
        key("sampling", Kind::Choice(Sampling::NAMES)),
        key("packing", Kind::Choice(Packing::NAMES)),
        key("train_on_inputs", Kind::Flag),
        key("strict", Kind::Flag),
        key("max_bad_fraction", Kind::Real(Bounds::closed(0.0, 1.0))),
        key("fraction", Kind::Real(Bounds::above(0.0, 1.0))),
        key("validation_fraction", Kind::Real(Bounds::closed(0.0, 0.5))),
        key("split_seed", SEED),
    ],
    tables: &[],
};

/// The keys of one stage; in `[stage]` they hold for all four.
const STAGE_KEYS: &[Key] = &[
    key("from", Kind::Text),
    key("tune", Kind::Choice(Tune::NAMES)),
    key("epochs", Kind::Whole(1, 100_000)),
    key("lr", Kind::Real(Bounds::above(0.0, 1.0))),
    key("warmup_ratio", Kind::Real(Bounds::closed(0.0, 1.0))),
    key("weight_decay", Kind::Real(Bounds::closed(0.0, 1.0))),
    key("schedule", Kind::Choice(Schedule::NAMES)),
    key("batch", Kind::Whole(1, MANY)),
    key("micro_batch_tokens", Kind::Whole(1, MANY)),
    key("recompute", Kind::Whole(0, MANY)),
    key("backward", Kind::Choice(Backward::NAMES)),
    key("max_length", Kind::Whole(2, MANY)),
    key("precision", Kind::Choice(Precision::NAMES)),
    key("clip_norm", Kind::Real(Bounds::closed(0.0, 1e6))),
    key("beta1", Kind::Real(Bounds::below(0.0, 1.0))),
    key("beta2", Kind::Real(Bounds::below(0.0, 1.0))),
    key("epsilon", Kind::Real(Bounds::above(0.0, 1.0))),
    key("moments", Kind::Choice(Moments::NAMES)),
    key("eval_every", Kind::Whole(0, MANY)),
    key("checkpoint_every", Kind::Whole(0, MANY)),
    key("keep_checkpoints", Kind::Whole(1, MANY)),
    key("keep_best", Kind::Flag),
    key("on_not_finite", Kind::Choice(OnNotFinite::NAMES)),
    key("max_not_finite", Kind::Whole(0, MANY)),
    key("max_steps", Kind::Whole(1, MANY)),
];

static STAGES: Table = Table {
    title: "[stage] or [stage.<name>]",
    keys: STAGE_KEYS,
    tables: &[
        ("lora", &LORA),
        ("global", &STAGE),
        ("planner", &STAGE),
        ("caller", &STAGE),
        ("summarizer", &STAGE),
    ],
};

static STAGE: Table = Table {
    title: "[stage] or [stage.<name>]",
    keys: STAGE_KEYS,
    tables: &[("lora", &LORA)],
};

/// What an adapter's file may say.
const MOST_RANK: u64 = 16_384;
const RANK: Kind = Kind::Whole(1, MOST_RANK);
const RANKS: Kind = Kind::Wholes(1, MOST_RANK);
const ALPHA: Bounds = Bounds::above(0.0, 1e6);

static LORA: Table = Table {
    title: "[stage.lora] or [stage.<name>.lora]",
    keys: &[
        key("rank", RANK),
        key("alpha", Kind::Real(ALPHA)),
        key("rslora", Kind::Flag),
        key("rank_pattern", RANKS),
        key("alpha_pattern", Kind::Reals(ALPHA)),
        key("dropout", Kind::Real(Bounds::below(0.0, 1.0))),
        key("wake", Kind::Flag),
        key("target_modules", Kind::Texts),
    ],
    tables: &[],
};

/// Every table, for "this key belongs there".
pub(crate) static TABLES: [&Table; 6] = [&ROOT, &MODEL, &RANDOM, &DATA, &STAGES, &LORA];
