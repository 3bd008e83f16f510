//! What has to hold between keys.

use std::collections::HashSet;

use crate::{
    Arrangement, Backward, GlobalData, Layout, Packing, RandomModel, Recipe, RecipeError, Sampling,
    Stage, StartFrom, Tune, WeightType, settings::Settings,
};

/// Checks a resolved recipe, cheapest first.
pub(crate) fn check(recipe: &Recipe, settings: &Settings) -> Result<(), RecipeError> {
    let conflict = |key: &str, message: String| {
        Err(RecipeError::Conflict {
            place: settings.place(key),
            message,
        })
    };
    if !is_directory_name(&recipe.name) {
        return conflict(
            "name",
            "`name` names the run's directory: letters, digits, `.`, `_` and `-`, at most 64 of them, the first \
             a letter or digit"
                .to_owned(),
        );
    }
    if !recipe.reuse && recipe.arrangement != Arrangement::Glpft {
        return conflict(
            "reuse",
            format!(
                "`reuse = false` splits the data between the global and the local stages, which only \
                 `arrangement = \"glpft\"` has both of, not \"{}\"",
                recipe.arrangement
            ),
        );
    }
    if recipe.global_data != GlobalData::Trajectories && recipe.arrangement != Arrangement::Glpft {
        return conflict(
            "global_data",
            format!(
                "`global_data = \"{}\"` is about the global stage of `arrangement = \"glpft\"`; \"{}\" says by itself \
                 what is read",
                recipe.global_data, recipe.arrangement
            ),
        );
    }
    if !recipe.data.sources.is_empty() && !recipe.data.source.is_empty() {
        return conflict(
            "data.sources",
            "`data.source` and `data.sources` are both set; put the one among the others, or leave it away".to_owned(),
        );
    }
    check_model(recipe, settings)?;
    for stage in Stage::ALL {
        let path = |key: &str| format!("stage.{}.{key}", stage.name());
        let settled = recipe.stage(stage);
        if settled.backward == Backward::LayerWise && settled.recompute > 1 {
            let key = path("recompute");
            return conflict(
                &key,
                format!(
                    "`{key}` is {}, but `backward = \"layer-wise\"` computes every layer again; leave one of the two away",
                    settled.recompute
                ),
            );
        }
        check_wake(recipe, stage, settings)?;
        let modules = path("lora.target_modules");
        if settled.lora.target_modules.is_empty() {
            return conflict(
                &modules,
                format!("`{modules}` is empty; name projections, such as [\"q_proj\", \"v_proj\"]"),
            );
        }
        let mut seen = HashSet::new();
        for module in &settled.lora.target_modules {
            let plain = module.chars().all(|c| c.is_alphanumeric() || c == '_');
            if module.is_empty() || !plain {
                return conflict(
                    &modules,
                    format!(
                        "{module:?} in `{modules}` is not a projection's name; give the last part of it, such as \
                         `q_proj`"
                    ),
                );
            }
            if !seen.insert(module) {
                return conflict(&modules, format!("`{module}` stands twice in `{modules}`"));
            }
        }
        if let Some(random) = &recipe.model.random
            && !matches!(settled.from, StartFrom::Directory(_))
            && settled.max_length > random.max_positions
        {
            let key = path("max_length");
            return conflict(
                &key,
                format!(
                    "`{key}` is {}, but `model.random.max_positions` is {}; lower the one or raise the other",
                    settled.max_length, random.max_positions
                ),
            );
        }
    }
    Ok(())
}

/// What an adapter that wakes needs: a history that is the same for every role and that nothing is learned of.
fn check_wake(recipe: &Recipe, stage: Stage, settings: &Settings) -> Result<(), RecipeError> {
    let (settled, data) = (recipe.stage(stage), &recipe.data);
    if !settled.lora.wake || settled.tune != Tune::Lora {
        return Ok(());
    }
    let key = format!("stage.{}.lora.wake", stage.name());
    let needed = if stage == Stage::Global {
        "is for the local stages: the global model is whole, and an adapter that wakes cannot be merged".to_owned()
    } else if data.layout != Layout::RoleLast {
        "needs `data.layout = \"role-last\"`: elsewhere the instruction comes before the history"
            .to_owned()
    } else if data.packing != Packing::Tree {
        format!("needs `data.packing = \"tree\"`, not \"{}\"", data.packing)
    } else if data.sampling != Sampling::Trajectory {
        format!(
            "needs `data.sampling = \"trajectory\"`, not \"{}\": the steps of a trajectory share its history",
            data.sampling
        )
    } else if data.train_on_inputs {
        "and `data.train_on_inputs` exclude each other: no adapter acts on the history".to_owned()
    } else if settled.backward != Backward::Whole {
        format!(
            "needs `stage.backward = \"whole\"`, not \"{}\"",
            settled.backward
        )
    } else {
        return Ok(());
    };
    Err(RecipeError::Conflict {
        place: settings.place(&key),
        message: format!("`{key}` {needed}"),
    })
}

fn is_directory_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn check_model(recipe: &Recipe, settings: &Settings) -> Result<(), RecipeError> {
    let conflict = |key: &str, message: String| {
        Err(RecipeError::Conflict {
            place: settings.place(key),
            message,
        })
    };
    let model = &recipe.model;
    let trains_adapters = Stage::ALL
        .iter()
        .any(|&stage| recipe.stage(stage).tune == Tune::Lora);
    if model.weights != WeightType::F32 && !trains_adapters {
        return conflict(
            "model.weights",
            format!(
                "`model.weights = \"{}\"` is for weights that are not trained, but every stage trains them; set \
                 `stage.tune = \"lora\"`, or leave `model.weights` away",
                model.weights
            ),
        );
    }
    let adapts_base = Stage::ALL.iter().any(|&stage| {
        let settled = recipe.stage(stage);
        settled.tune == Tune::Lora && settled.from == StartFrom::Base
    });
    if model.weights != WeightType::F32 && adapts_base && model.base == "random" {
        return conflict(
            "model.weights",
            format!(
                "`model.weights = \"{}\"` is for weights of files, but the model is drawn at random; leave `model.weights` \
                 away",
                model.weights
            ),
        );
    }
    let has_scales = matches!(model.weights, WeightType::Int8 | WeightType::Nf4);
    if model.double_quantization && !has_scales {
        return conflict(
            "model.double_quantization",
            format!(
                "`model.double_quantization` is about the scales of `model.weights = \"int8\"` and \"nf4\"; \"{}\" has \
                 none",
                model.weights
            ),
        );
    }
    match (&model.random, model.base.as_str()) {
        (None, "random") => conflict(
            "model.base",
            "`model.base` is \"random\", but there is no [model.random]; give the shape: hidden_size, \
             intermediate_size, layers, heads"
                .to_owned(),
        ),
        (None, _) => Ok(()),
        // A base that is still to be set may yet be "random".
        (Some(_), base) if base != "random" && !base.is_empty() => conflict(
            "model.base",
            match settings.file().strip_prefix("built-in ") {
                // An override cannot take a table away.
                Some(name) => format!(
                    "`model.base` is {base:?}, but {name} has a [model.random], which is for \"random\" alone; \
                     `glpft recipe copy {name} my.toml`, and delete [model.random] and `tokenizer` there"
                ),
                None => format!(
                    "`model.base` is {base:?}, but [model.random] is there, which is for \"random\" alone; leave \
                     one of the two away"
                ),
            },
        ),
        (Some(_), _) if model.tokenizer.is_none() => conflict(
            "model.base",
            "a random model has no tokenizer of its own; set `model.tokenizer`".to_owned(),
        ),
        (Some(random), _) => check_random(random, settings),
    }
}

fn check_random(random: &RandomModel, settings: &Settings) -> Result<(), RecipeError> {
    let RandomModel {
        hidden_size,
        heads,
        kv_heads,
        ..
    } = *random;
    let wrong = if !hidden_size.is_multiple_of(heads) {
        Some((
            "hidden_size",
            format!("`hidden_size` {hidden_size} is not a multiple of `heads` {heads}"),
        ))
    } else if !(hidden_size / heads).is_multiple_of(2) {
        Some((
            "hidden_size",
            format!(
                "`hidden_size` / `heads` is {}, but rotary positions need an even head size",
                hidden_size / heads
            ),
        ))
    } else if !heads.is_multiple_of(kv_heads) {
        Some((
            "kv_heads",
            format!("`heads` {heads} is not a multiple of `kv_heads` {kv_heads}"),
        ))
    } else {
        None
    };
    match wrong {
        None => Ok(()),
        Some((key, message)) => Err(RecipeError::Conflict {
            place: settings.place(&format!("model.random.{key}")),
            message: format!("[model.random]: {message}"),
        }),
    }
}
