//! One stage of a run: load, train, leave a finished model.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_checkpoints::{
    AdapterConfig, AdapterDirectory, DEFAULT_SHARD_BYTES, FloatType, ModelCard, ModelDirectory,
    ModelFiles, RunDirectory, read_json,
};
use glpft_data::{PreparedDataset, Selection, Split};
use glpft_model::{Decoder, Trained};
use glpft_recipes::{Recipe, Stage, StageRecipe, StartFrom, Tune};
use glpft_train::{Gradients, Observer, Outcome, StageReport, StageRun, TrainError, train_stage};

use crate::arrangement::Job;
use crate::base::{Base, BaseWeights, global_model};
use crate::error::Error;
use crate::model::{Values, attach_adapters, load};
use crate::prepare::{PrepareReport, datasets_of};
use crate::result::FinishedStage;

/// What every stage of a run shares.
pub struct Context<'a> {
    /// The run's recipe.
    pub recipe: &'a Recipe,
    /// Its directory.
    pub run: &'a RunDirectory,
    /// What computes.
    pub device: &'a Device,
    /// Set from outside to end the stage under way.
    pub stop: &'a AtomicBool,
    /// Where the first step's averaged gradients are written, for comparison with other programs.
    pub dump_gradients: Option<&'a Path>,
}

/// Trains a stage and leaves its model in `models/<stage>/`.
///
/// # Errors
/// What it starts from or reads is absent or unusable, training fails, the disk refuses; [`Error::Interrupted`] where
/// it was told to stop.
pub fn run_stage(
    context: &Context<'_>,
    job: &Job,
    observer: &mut dyn Observer,
) -> Result<FinishedStage, Error> {
    let started = Instant::now();
    let Context { recipe, run, .. } = context;
    let settings = recipe.stage(job.stage);
    let base = start(context, job)?;
    let (train, validation, data) = examples(context, job, &base)?;

    let mut model = load(&base, context.device, recipe.seed)?;
    let lora = settings.tune == Tune::Lora;
    if lora {
        attach_adapters(&mut model, &settings.lora, recipe, job.stage)?;
    }
    model.train(if lora {
        Trained::Adapters
    } else {
        Trained::All
    });

    let recipe_fingerprint = recipe_fingerprint(recipe, job.stage);
    let data_fingerprint =
        glpft_data::fingerprint(&[data.as_bytes(), base.fingerprint()?.as_bytes()]);
    let directory = run.stage(job.stage.name());
    let stage = StageRun {
        stage: job.stage,
        recipe: settings,
        seed: recipe.seed,
        sampling: recipe.data.sampling,
        packing: recipe.data.packing,
        train: &train,
        validation: &validation,
        directory: &directory,
        recipe_fingerprint: &recipe_fingerprint,
        data_fingerprint: &data_fingerprint,
        stop: context.stop,
    };
    let mut first = Gradients::default();
    let inspect =
        &mut |model: &mut Decoder, step: u64, gradients: &Gradients, scale: f64| match context
            .dump_gradients
        {
            Some(path) if step == 1 => {
                first.extend(gradients);
                match first.is_complete(model) {
                    true => std::mem::take(&mut first).write(model, scale, path),
                    false => Ok(()),
                }
            }
            _ => Ok::<_, TrainError>(()),
        };
    let report = match train_stage(&mut model, &stage, observer, inspect)? {
        Outcome::Finished(report) => report,
        Outcome::Interrupted(checkpoint) => {
            return Err(Error::Interrupted {
                stage: job.stage.name(),
                checkpoint: checkpoint.path,
            });
        }
    };

    let model_directory = run.model(job.stage.name());
    let adapter = finish(context, job, &base, model, &report, &model_directory)?;
    let finished = FinishedStage {
        stage: job.stage,
        model: model_directory,
        adapter,
        from: base.name(),
        report,
        wall_seconds: started.elapsed().as_secs_f64(),
    };
    finished.write(run)?;
    Ok(finished)
}

/// A stage's settings, but for what it starts from and for those that decide what is written and how much memory it
/// takes, not what is learned.
pub(crate) fn what_is_learned(recipe: &Recipe, stage: Stage) -> StageRecipe {
    StageRecipe {
        from: StartFrom::Base,
        recompute: 0,
        eval_every: 0,
        checkpoint_every: 0,
        keep_checkpoints: 0,
        ..recipe.stage(stage).clone()
    }
}

/// Tells what of a recipe decides a stage, but for its data and what it starts from, which count by their content.
fn recipe_fingerprint(recipe: &Recipe, stage: Stage) -> String {
    let settings = what_is_learned(recipe, stage);
    let Recipe {
        seed,
        arrangement,
        reuse,
        ..
    } = recipe;
    let (sampling, packing) = (recipe.data.sampling, recipe.data.packing);
    let text = format!("{settings:?} {seed} {arrangement:?} {reuse} {sampling:?} {packing:?}");
    glpft_data::fingerprint(&[text.as_bytes()])
}

/// What the stage starts from.
fn start(context: &Context<'_>, job: &Job) -> Result<Base, Error> {
    if job.from == StartFrom::Global && global_model(Some(context.run)).is_none() {
        return Err(Error::NoGlobalModel {
            stage: job.stage.name(),
            path: context.run.model(Stage::Global.name()),
        });
    }
    Base::for_start(context.recipe, &job.from, Some(context.run))
}

/// The stage's training and validation examples, and the fingerprint of the data that they are of.
fn examples(
    context: &Context<'_>,
    job: &Job,
    base: &Base,
) -> Result<(Selection, Selection, String), Error> {
    let mut datasets = Vec::new();
    let report: PrepareReport = read_json(&context.run.prepare())?;
    for &dataset in datasets_of(context.recipe, job.stage) {
        let told = report.dataset(dataset);
        if told.is_none_or(|told| told.tokenizer != base.tokenizer.fingerprint()) {
            return Err(Error::OtherTokenizer {
                stage: job.stage.name(),
                model: base.name(),
                dataset: dataset.name(),
            });
        }
        let path = context
            .run
            .data()
            .join(format!("{}.safetensors", dataset.name()));
        let vocab_size = base.tokenizer.vocab_size();
        datasets.push(PreparedDataset::open(&path, vocab_size)?);
    }
    let (global, reuse) = (job.stage == Stage::Global, context.recipe.reuse);
    let train = Selection::new(&datasets, |split| split.trains(global, reuse));
    let validation = Selection::new(&datasets, |split| split == Split::Validation);
    let parts: Vec<&[u8]> = datasets
        .iter()
        .map(|dataset| dataset.fingerprint().as_bytes())
        .collect();
    Ok((train, validation, glpft_data::fingerprint(&parts)))
}

/// Writes the finished model; says whether it is an adapter.
///
/// The global model is always whole: the local stages start from it. So is a role whose base exists nowhere in files,
/// or not in Hugging Face's form: no program but this one would put the adapter on a GGUF file.
fn finish(
    context: &Context<'_>,
    job: &Job,
    base: &Base,
    mut model: Decoder,
    report: &StageReport,
    directory: &Path,
) -> Result<bool, Error> {
    let recipe = context.recipe;
    let settings = recipe.stage(job.stage);
    let metrics = [
        ("training loss, last step", report.last_loss),
        ("validation loss, before", report.first_validation_loss),
        ("validation loss, after", report.last_validation_loss),
    ];
    let mut card = ModelCard {
        title: format!("{}: {}", recipe.name, job.stage.name()),
        base: base.name(),
        data: recipe.data.source.clone(),
        recipe: recipe.to_toml(),
        metrics: metrics
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        adapter: false,
    };
    let BaseWeights::Directory(base_directory) = &base.weights else {
        return write_model(model, base, &card, FloatType::F32, directory).map(|()| false);
    };
    if settings.tune == Tune::Full || job.stage == Stage::Global {
        return write_model(model, base, &card, FloatType::F32, directory).map(|()| false);
    }
    card.adapter = true;
    let config = AdapterConfig {
        rank: settings.lora.rank,
        alpha: settings.lora.alpha,
        dropout: settings.lora.dropout,
        target_modules: settings.lora.target_modules.clone(),
        base: adapter_base(context.run, base_directory)?,
    };
    let fingerprint =
        glpft_checkpoints::fingerprint(&base.config, &ModelFiles::open(base_directory)?)?;
    let values = Values::of(&mut model);
    AdapterDirectory {
        config: &config,
        model: &base.config,
        base_fingerprint: &fingerprint,
        dtype: FloatType::F32,
        tokenizer: Some(base.tokenizer_files.source()),
        card: Some(&card),
    }
    .write(directory, &mut |name| values.read(name))?;
    Ok(true)
}

/// Writes a whole model directory, adapters merged.
pub(crate) fn write_model(
    mut model: Decoder,
    base: &Base,
    card: &ModelCard,
    dtype: FloatType,
    directory: &Path,
) -> Result<(), Error> {
    model.merge();
    let config = model.config().clone();
    let values = Values::of(&mut model);
    ModelDirectory {
        config: &config,
        dtype,
        shard_bytes: DEFAULT_SHARD_BYTES,
        tokenizer: base.tokenizer_files.source(),
        card,
    }
    .write(directory, &mut |name| values.read(name))?;
    Ok(())
}

/// The base's path as an adapter in `models/<role>/` names it: relative inside the run, so that the run can move.
fn adapter_base(run: &RunDirectory, base: &Path) -> Result<String, Error> {
    let absolute = |path: &Path| {
        path.canonicalize()
            .map_err(|source| glpft_checkpoints::FileError::new("find", path, source))
    };
    let (base, root) = (absolute(base)?, absolute(run.root())?);
    Ok(match base.strip_prefix(root.join("models")) {
        Ok(inside) => format!("../{}", inside.display()),
        Err(_) => base.display().to_string(),
    })
}
