//! Whether a run's stages can be trained, before the first of them takes hours.

use glpft_checkpoints::{AdapterError, FloatType, ModelConfig, RunDirectory};
use glpft_model::{EMBEDDING, adapter_config};
use glpft_recipes::{Recipe, Stage, StartFrom, Tune};

use crate::arrangement::Job;
use crate::base::{Base, global_model};
use crate::error::{Error, StartError};
use crate::stage::{is_directory, leaves_adapter};

/// What a stage will train, checked.
#[derive(Clone, Debug)]
pub struct CheckedJob {
    /// The stage.
    pub job: Job,
    /// The shape of the model that it starts from.
    pub config: ModelConfig,
    /// The type that what it starts from is stored in.
    pub dtype: FloatType,
    /// Whether it leaves an adapter, not a whole model.
    pub leaves_adapter: bool,
}

/// What a stage starts from.
#[derive(Clone)]
struct Start {
    config: ModelConfig,
    in_files: bool,
    dtype: FloatType,
}

/// Checks what every one of some stages, in their order, starts from against what it asks for: weights (their
/// headers), adapter targets, the longest example. `run` is the run that is there already, if one is.
///
/// # Errors
/// The first that cannot be trained.
pub fn check_jobs(
    recipe: &Recipe,
    run: Option<&RunDirectory>,
    jobs: &[Job],
) -> Result<Vec<CheckedJob>, Error> {
    let mut bases: Vec<(StartFrom, Start)> = Vec::new();
    let mut checked = Vec::with_capacity(jobs.len());
    for job in jobs {
        let from = origin(run, jobs, job)?;
        let known = bases.iter().find(|(other, _)| *other == from);
        let start = match known {
            Some((_, start)) => start.clone(),
            None => {
                let base = Base::for_start(recipe, &from, run)?;
                let weights = base.open_weights()?;
                // Most weights are stored as this tensor is.
                let stored = weights.and_then(|files| files.float_type(EMBEDDING));
                let start = Start {
                    in_files: is_directory(&base.weights),
                    dtype: stored.unwrap_or(FloatType::F32),
                    config: base.config,
                };
                bases.push((from, start.clone()));
                start
            }
        };
        let config = start.config;
        check_targets(recipe, job.stage, &config)?;
        check_length(recipe, job.stage, &config)?;
        let settings = recipe.stage(job.stage);
        // The global model will be a directory, whatever it starts from.
        let in_files = job.from == StartFrom::Global || start.in_files;
        let leaves_adapter = leaves_adapter(settings, job.stage, in_files);
        if let Some(window) = config.narrowest_window()
            && settings.wakes()
        {
            return Err(glpft_model::ModelError::WindowOnTrunk { window }.into());
        }
        if settings.wakes() && !leaves_adapter {
            return Err(Error::Setting {
                key: format!("stage.{}.lora.wake", job.stage.name()),
                problem: "an adapter that wakes cannot be merged, so that it needs a base in Hugging Face's form; `glpft \
                          export` makes one of a GGUF file"
                    .to_owned(),
            });
        }
        checked.push(CheckedJob {
            job: job.clone(),
            config,
            dtype: start.dtype,
            leaves_adapter,
        });
    }
    Ok(checked)
}

/// What stands for the model that a job starts from, until that is there.
fn origin(run: Option<&RunDirectory>, jobs: &[Job], job: &Job) -> Result<StartFrom, Error> {
    if job.from != StartFrom::Global || global_model(run).is_some() {
        return Ok(job.from.clone());
    }
    match jobs.iter().find(|job| job.stage == Stage::Global) {
        Some(global) => Ok(global.from.clone()),
        None => Err(Error::Start(StartError::NoGlobalModel {
            stage: job.stage.name(),
            path: run.map_or_else(
                || "models/global".into(),
                |run| run.model(Stage::Global.name()),
            ),
        })),
    }
}

fn check_targets(recipe: &Recipe, stage: Stage, config: &ModelConfig) -> Result<(), Error> {
    let settings = recipe.stage(stage);
    if settings.tune != Tune::Lora {
        return Ok(());
    }
    let names = config.projection_names();
    let known = |target: &String| names.contains(&target.as_str());
    let Some(target) = settings.lora.target_modules.iter().find(|one| !known(one)) else {
        return check_patterns(recipe, stage, config);
    };
    Err(Error::Setting {
        key: format!("stage.{}.lora.target_modules", stage.name()),
        problem: format!("the model has no `{target}`; it has {}", names.join(", ")),
    })
}

/// A pattern that no adapter has would be a misspelt one.
fn check_patterns(recipe: &Recipe, stage: Stage, config: &ModelConfig) -> Result<(), Error> {
    let lora = &recipe.stage(stage).lora;
    let key = |key: &str| format!("stage.{}.lora.{key}", stage.name());
    match adapter_config(lora).unmatched_pattern(config) {
        Ok(None) => Ok(()),
        Ok(Some((pattern_key, pattern))) => Err(Error::Setting {
            key: key(pattern_key),
            problem: format!(
                "`{pattern}` matches no adapted projection; it is a regular expression for the end of a path such as \
                 model.layers.0.self_attn.{}",
                lora.target_modules.first().map_or("q_proj", String::as_str)
            ),
        }),
        Err(AdapterError::Pattern {
            key: pattern_key,
            text,
            message,
        }) => Err(Error::Setting {
            key: key(pattern_key),
            problem: format!("`{text}` is not a usable regular expression: {message}"),
        }),
        Err(error) => Err(error.into()),
    }
}

fn check_length(recipe: &Recipe, stage: Stage, config: &ModelConfig) -> Result<(), Error> {
    let (wanted, longest) = (recipe.stage(stage).max_length, config.context());
    if wanted <= longest {
        return Ok(());
    }
    let key = format!("stage.{}.max_length", stage.name());
    Err(Error::Setting {
        problem: format!(
            "it is {wanted}, but the model was made for {longest} positions at most ({}); --set {key}={longest}",
            config.context_key()
        ),
        key,
    })
}
