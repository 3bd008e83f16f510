//! From the keys that are set to a whole recipe: every default is in this file.

use std::collections::BTreeMap;
use std::path::Path;

use crate::{
    Arguments, Arrangement, Backward, Behaviour, DataRecipe, Duplicates, FrozenWeights,
    GiveUpHistory, GlobalData, Layout, LoraRecipe, ModelDtype, ModelRecipe, Moments, Observations,
    OnNotFinite, Packing, Place, Precision, RandomModel, Rationale, Recipe, RecipeError, Sampling,
    Schedule, Schemas, Separators, Stage, StageRecipe, Stages, StartFrom, SystemPrefix, Truncate,
    Tune, WeightType, check::check, choice::Choice, nearest::listed, settings::Settings,
    value::Value,
};

/// Where `max_length` is not set: the published maximum.
const MAX_LENGTH: usize = 4096;

/// Fills in every default and checks what concerns more than one key.
pub(crate) fn resolve(settings: &Settings) -> Result<Recipe, RecipeError> {
    let arrangement = settings.choice("arrangement", Arrangement::Glpft);
    let model = model(settings)?;
    let positions = model
        .random
        .as_ref()
        .map_or(MAX_LENGTH, |random| random.max_positions);
    let max_length = positions.min(MAX_LENGTH);
    let stage = |stage| self::stage(settings, stage, arrangement, &model, max_length);
    let recipe = Recipe {
        name: settings
            .text("name")
            .unwrap_or_else(|| default_name(settings.file())),
        description: settings.text("description").unwrap_or_default(),
        seed: settings.whole("seed", 42),
        arrangement,
        reuse: settings.flag("reuse", true),
        global_data: settings.choice("global_data", GlobalData::Trajectories),
        data: data(settings),
        stage: Stages {
            global: stage(Stage::Global)?,
            planner: stage(Stage::Planner)?,
            caller: stage(Stage::Caller)?,
            summarizer: stage(Stage::Summarizer)?,
        },
        model,
    };
    check(&recipe, settings)?;
    Ok(recipe)
}

/// The file's stem, with what a directory's name should not hold replaced.
fn default_name(file: &str) -> String {
    let stem = Path::new(file)
        .file_stem()
        .map(|stem| stem.to_string_lossy())
        .unwrap_or_default();
    let name: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name: String = name.trim_matches(['.', '-']).chars().take(64).collect();
    if name.is_empty() {
        "recipe".to_owned()
    } else {
        name
    }
}

fn model(settings: &Settings) -> Result<ModelRecipe, RecipeError> {
    let random = match settings.has_table("model.random") {
        Some(place) => Some(random(settings, place.clone())?),
        None => None,
    };
    Ok(ModelRecipe {
        base: settings.text("model.base").unwrap_or_default(),
        tokenizer: settings.text("model.tokenizer"),
        dtype: settings.choice("model.dtype", ModelDtype::Base),
        weights: settings.choice("model.weights", WeightType::F32),
        double_quantization: settings.flag("model.double_quantization", false),
        random,
    })
}

fn random(settings: &Settings, place: Place) -> Result<RandomModel, RecipeError> {
    let required = ["hidden_size", "intermediate_size", "layers", "heads"];
    let lacking: Vec<&str> = required
        .into_iter()
        .filter(|key| settings.get(&format!("model.random.{key}")).is_none())
        .collect();
    if !lacking.is_empty() {
        return Err(RecipeError::Conflict {
            place,
            message: format!("[model.random] lacks {}; give them", listed(&lacking)),
        });
    }
    let heads = settings.whole("model.random.heads", 1);
    Ok(RandomModel {
        hidden_size: settings.whole("model.random.hidden_size", 1),
        intermediate_size: settings.whole("model.random.intermediate_size", 1),
        layers: settings.whole("model.random.layers", 1),
        heads,
        kv_heads: settings.whole("model.random.kv_heads", heads),
        max_positions: settings.whole("model.random.max_positions", MAX_LENGTH),
        tied: settings.flag("model.random.tied", true),
        initializer_range: settings.real("model.random.initializer_range", 0.02),
    })
}

fn data(settings: &Settings) -> DataRecipe {
    let behaviour = settings.choice("data.behaviour", Behaviour::Fixed);
    let compat = behaviour == Behaviour::Compat;
    /// compat's default or fixed's.
    fn by<T>(compat: bool, in_compat: T, in_fixed: T) -> T {
        if compat { in_compat } else { in_fixed }
    }
    DataRecipe {
        source: settings.text("data.source").unwrap_or_default(),
        sources: match settings.get("data.sources") {
            Some(Value::Sources(sources)) => sources.clone(),
            _ => Vec::new(),
        },
        duplicates: settings.choice("data.duplicates", Duplicates::Keep),
        test_query_ids: settings.text("data.test_query_ids"),
        prompts: settings.text("data.prompts"),
        layout: settings.choice("data.layout", Layout::RoleFirst),
        behaviour,
        give_up_history: settings.choice(
            "data.give_up_history",
            by(compat, GiveUpHistory::Stale, GiveUpHistory::Own),
        ),
        system_prefix: settings.choice(
            "data.system_prefix",
            by(compat, SystemPrefix::Train, SystemPrefix::Both),
        ),
        valid_only: settings.flag("data.valid_only", !compat),
        separators: settings.choice(
            "data.separators",
            by(compat, Separators::Literal, Separators::Eos),
        ),
        observations: settings.choice(
            "data.observations",
            by(
                compat,
                Observations::Response,
                Observations::ResponseOrError,
            ),
        ),
        arguments: settings.choice(
            "data.arguments",
            // As with the schemas.
            by(
                compat || settings.is_resolved(),
                Arguments::Published,
                Arguments::Lenient,
            ),
        ),
        schemas: settings.choice(
            "data.schemas",
            // What was resolved before there was this key was trained with the published text.
            by(
                compat || settings.is_resolved(),
                Schemas::Published,
                Schemas::Whole,
            ),
        ),
        rationale: settings.choice("data.rationale", Rationale::Keep),
        truncate: settings.choice(
            "data.truncate",
            by(compat, Truncate::Last, Truncate::OldestTurns),
        ),
        sampling: settings.choice(
            "data.sampling",
            by(compat, Sampling::Example, Sampling::Trajectory),
        ),
        packing: settings.choice("data.packing", Packing::Tree),
        train_on_inputs: settings.flag("data.train_on_inputs", false),
        strict: settings.flag("data.strict", false),
        max_bad_fraction: settings.real("data.max_bad_fraction", 0.1),
        fraction: settings.real("data.fraction", 1.0),
        validation_fraction: settings.real("data.validation_fraction", 0.05),
        split_seed: settings.whole("data.split_seed", 42),
    }
}

fn stage(
    settings: &Settings,
    stage: Stage,
    arrangement: Arrangement,
    model: &ModelRecipe,
    max_length: usize,
) -> Result<StageRecipe, RecipeError> {
    let tune = settings.choice(&format!("stage.{}.tune", stage.name()), Tune::Full);
    let key = |key: &str| format!("stage.{}.{key}", stage.name());
    // The published values (Llama-2-chat 7B and 13B).
    let (epochs, lr, warmup_ratio, weight_decay) = match stage {
        Stage::Global => (2, 5e-5, 0.4, 0.0),
        Stage::Planner | Stage::Caller => (1, 1e-5, 0.2, 0.01),
        Stage::Summarizer => (2, 1e-5, 0.4, 0.01),
    };
    Ok(StageRecipe {
        from: start_from(settings, stage, arrangement)?,
        tune,
        frozen: match tune {
            Tune::Full => FrozenWeights::default(),
            Tune::Lora => model.frozen_weights(),
        },
        lora: LoraRecipe {
            rank: settings.whole(&key("lora.rank"), 8),
            alpha: settings.real(&key("lora.alpha"), 16.0),
            rslora: settings.flag(&key("lora.rslora"), false),
            rank_pattern: settings.wholes(&key("lora.rank_pattern")),
            alpha_pattern: settings.reals(&key("lora.alpha_pattern")),
            dropout: settings.real(&key("lora.dropout"), 0.05),
            // `[stage.lora] wake` speaks of the local stages.
            wake: (stage != Stage::Global || settings.is_set(&key("lora.wake")))
                && settings.flag(&key("lora.wake"), false),
            target_modules: settings
                .texts(&key("lora.target_modules"))
                .unwrap_or_else(|| vec!["q_proj".to_owned(), "v_proj".to_owned()]),
        },
        epochs: settings.whole(&key("epochs"), epochs),
        lr: settings.real(&key("lr"), lr),
        warmup_ratio: settings.real(&key("warmup_ratio"), warmup_ratio),
        weight_decay: settings.real(&key("weight_decay"), weight_decay),
        schedule: settings.choice(&key("schedule"), Schedule::Cosine),
        batch: settings.whole(&key("batch"), 16),
        micro_batch_tokens: settings.whole(&key("micro_batch_tokens"), 4096),
        recompute: settings.whole(&key("recompute"), 0),
        backward: settings.choice(&key("backward"), Backward::Whole),
        max_length: settings.whole(&key("max_length"), max_length),
        precision: settings.choice(&key("precision"), Precision::F32),
        clip_norm: settings.real(&key("clip_norm"), 1.0),
        beta1: settings.real(&key("beta1"), 0.9),
        beta2: settings.real(&key("beta2"), 0.999),
        epsilon: settings.real(&key("epsilon"), 1e-8),
        moments: settings.choice(&key("moments"), Moments::F32),
        eval_every: settings.whole(&key("eval_every"), 0),
        checkpoint_every: settings.whole(&key("checkpoint_every"), 100),
        keep_checkpoints: settings.whole(&key("keep_checkpoints"), 1),
        keep_best: settings.flag(&key("keep_best"), false),
        on_not_finite: settings.choice(&key("on_not_finite"), OnNotFinite::Stop),
        max_not_finite: settings.whole(&key("max_not_finite"), 10),
        max_steps: settings
            .get(&key("max_steps"))
            .map(|_| settings.whole(&key("max_steps"), 1)),
    })
}

/// What a stage starts from. The arrangement decides over `global`: without a global stage in it, that is the
/// base.
fn start_from(
    settings: &Settings,
    stage: Stage,
    arrangement: Arrangement,
) -> Result<StartFrom, RecipeError> {
    let path = format!("stage.{}.from", stage.name());
    let from = match settings.text(&path).as_deref() {
        None | Some("global") => StartFrom::Global,
        Some("base") => StartFrom::Base,
        Some(directory) => StartFrom::Directory(directory.to_owned()),
    };
    match (stage, from) {
        (Stage::Global, StartFrom::Base) => Ok(StartFrom::Base),
        // `[stage] from` speaks of the local stages.
        (Stage::Global, _) if !settings.is_set(&path) => Ok(StartFrom::Base),
        (Stage::Global, _) => Err(RecipeError::Conflict {
            place: settings.place(&path),
            message: format!(
                "`{path}` can only be \"base\": the global stage starts from `model.base`; set that instead"
            ),
        }),
        (_, StartFrom::Global) if arrangement == Arrangement::OneStage => Ok(StartFrom::Base),
        (_, from) => Ok(from),
    }
}

/// Values as the schema has typed them; the fallback is the default.
impl Settings {
    fn text(&self, path: &str) -> Option<String> {
        match self.get(path) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn texts(&self, path: &str) -> Option<Vec<String>> {
        match self.get(path) {
            Some(Value::Texts(texts)) => Some(texts.clone()),
            _ => None,
        }
    }

    fn flag(&self, path: &str, default: bool) -> bool {
        match self.get(path) {
            Some(Value::Flag(flag)) => *flag,
            _ => default,
        }
    }

    fn whole<T: TryFrom<u64>>(&self, path: &str, default: T) -> T {
        match self.get(path) {
            Some(Value::Whole(number)) => T::try_from(*number).unwrap_or(default),
            _ => default,
        }
    }

    fn wholes(&self, path: &str) -> BTreeMap<String, usize> {
        let numbers = match self.get(path) {
            Some(Value::Wholes(numbers)) => numbers.clone(),
            _ => BTreeMap::new(),
        };
        let numbers = numbers.into_iter();
        numbers
            .filter_map(|(name, number)| Some((name, usize::try_from(number).ok()?)))
            .collect()
    }

    fn reals(&self, path: &str) -> BTreeMap<String, f64> {
        match self.get(path) {
            Some(Value::Reals(numbers)) => numbers.clone(),
            _ => BTreeMap::new(),
        }
    }

    fn real(&self, path: &str, default: f64) -> f64 {
        match self.get(path) {
            Some(Value::Real(number)) => *number,
            _ => default,
        }
    }

    fn choice<T: Choice>(&self, path: &str, default: T) -> T {
        match self.get(path) {
            Some(Value::Text(name)) => T::from_name(name).unwrap_or(default),
            _ => default,
        }
    }
}
