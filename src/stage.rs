//! One stage of a run: load, train, leave a finished model.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_checkpoints::{
    AdapterConfig, AdapterDirectory, ComputedBy, DEFAULT_SHARD_BYTES, FloatType, ModelCard,
    ModelDirectory, ModelFiles, Provenance, RunDirectory, read_json,
};
use glpft_data::{Origins, PreparedDataset, Selection, Split};
use glpft_model::{Decoder, Trained, adapter_config};
use glpft_recipes::{ModelDtype, Recipe, Stage, StageRecipe, StartFrom, Tune};
use glpft_train::{Gradients, Observer, OpenStage, Outcome, StageRun, TrainError};

use crate::arrangement::Job;
use crate::base::{Base, BaseWeights, global_model};
use crate::error::Error;
use crate::model::{Values, attach_adapters, largest, load};
use crate::place::record;
use crate::prepare::{PrepareReport, datasets_of};
use crate::result::FinishedStage;

/// What every stage of a run shares.
pub struct Context<'a> {
    /// What is trained.
    pub recipe: &'a Recipe,
    /// The run's recipe: the same, but for what one start alone changes (`train --from`).
    pub recorded: &'a Recipe,
    /// Its directory.
    pub run: &'a RunDirectory,
    /// What computes.
    pub device: &'a Device,
    /// The same as it was asked for.
    pub device_name: &'a str,
    /// Go on from a checkpoint that another recipe or other data led to.
    pub resume_anyway: bool,
    /// Set from outside to end the stage under way.
    pub stop: &'a AtomicBool,
    /// Set from outside to have it write a checkpoint and go on.
    pub save: &'a AtomicBool,
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
    let (train, validation, mut data) = examples(context, job, &base)?;
    let report: PrepareReport = read_json(&context.run.prepare())?;
    let origins = Origins::new(&report.source.report);
    data.insert("model that it starts from".to_owned(), base.fingerprint()?);
    let provenance = Provenance {
        recipe: recipe.deciding(job.stage),
        data,
    };
    let computed_by = ComputedBy {
        device: context.device_name.to_owned(),
        threads: rayon::current_num_threads(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };

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

    let directory = run.stage(job.stage.name());
    let stage = StageRun {
        stage: job.stage,
        recipe: settings,
        seed: recipe.seed,
        sampling: recipe.data.sampling,
        packing: recipe.data.packing,
        train: &train,
        validation: &validation,
        origins: &origins,
        directory: &directory,
        provenance: &provenance,
        resume_anyway: context.resume_anyway,
        computed_by: &computed_by,
        stop: context.stop,
        save: context.save,
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
    let opened = OpenStage::open(&mut model, &stage)?;
    // Only now: a start that is refused changes nothing.
    record(run, context.recorded)?;
    let report = match opened.train(&mut model, observer, inspect)? {
        Outcome::Finished(report) => report,
        Outcome::Interrupted(checkpoint) => {
            return Err(Error::Interrupted {
                stage: job.stage.name(),
                checkpoint: checkpoint.path,
            });
        }
    };

    let finished = FinishedStage {
        stage: job.stage,
        model: run.model(job.stage.name()),
        adapter: leaves_adapter(settings, job.stage, is_directory(&base.weights)),
        from: base.name(),
        report,
        wall_seconds: started.elapsed().as_secs_f64(),
    };
    // Before the model: with that in its place the stage is finished, and nothing of it is done again.
    finished.write(run)?;
    finish(context, job, &base, model, &finished)?;
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
        keep_best: false,
        ..recipe.stage(stage).clone()
    }
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

/// The stage's training and validation examples, and the fingerprints of the datasets that they are of.
fn examples(
    context: &Context<'_>,
    job: &Job,
    base: &Base,
) -> Result<(Selection, Selection, BTreeMap<String, String>), Error> {
    let mut datasets = Vec::new();
    let mut fingerprints = BTreeMap::new();
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
        let prepared = PreparedDataset::open(&path, vocab_size)?;
        let name = format!("{} dataset", dataset.name());
        fingerprints.insert(name, prepared.fingerprint().to_owned());
        datasets.push(prepared);
    }
    let (global, reuse) = (job.stage == Stage::Global, context.recipe.reuse);
    let train = Selection::new(&datasets, |split| split.trains(global, reuse));
    let validation = Selection::new(&datasets, |split| split == Split::Validation);
    Ok((train, validation, fingerprints))
}

/// Whether a stage leaves an adapter.
///
/// The global model is always whole: the local stages start from it. So is a role whose base exists nowhere in files,
/// or not in Hugging Face's form: no program but this one would put the adapter on a GGUF file.
pub(crate) fn leaves_adapter(settings: &StageRecipe, stage: Stage, in_files: bool) -> bool {
    settings.tune == Tune::Lora && stage != Stage::Global && in_files
}

/// Whether weights are in files of Hugging Face's form.
pub(crate) fn is_directory(weights: &BaseWeights) -> bool {
    matches!(weights, BaseWeights::Directory(_))
}

/// Writes the finished model.
fn finish(
    context: &Context<'_>,
    job: &Job,
    base: &Base,
    mut model: Decoder,
    finished: &FinishedStage,
) -> Result<(), Error> {
    let (report, directory) = (&finished.report, &finished.model);
    let recipe = context.recipe;
    let settings = recipe.stage(job.stage);
    let metrics = [
        ("training loss, last step", report.last_loss),
        ("validation loss, before", report.first_validation_loss),
        ("validation loss, after", report.last_validation_loss),
        (
            "validation perplexity, before",
            report.first_validation_perplexity,
        ),
        (
            "validation perplexity, after",
            report.last_validation_perplexity,
        ),
    ];
    let mut card = ModelCard {
        title: format!("{}: {}", recipe.name, job.stage.name()),
        base: base.name(),
        data: recipe.data.source_paths(),
        recipe: recipe.to_toml(),
        metrics: metrics
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        adapter: false,
        copied: None,
    };
    let base_directory = match &base.weights {
        BaseWeights::Directory(base_directory) if finished.adapter => base_directory,
        _ => {
            model.merge();
            let dtype = dtype(recipe.model.dtype, base, &mut model)?;
            return write_model(model, base, &card, dtype, directory);
        }
    };
    card.adapter = true;
    let (name, beside) = adapter_base(context.run, base_directory)?;
    let config = AdapterConfig {
        base: name,
        ..adapter_config(&settings.lora)
    };
    let fingerprint =
        glpft_checkpoints::fingerprint(&base.config, &ModelFiles::open(base_directory)?)?;
    let values = Values::of(&mut model);
    AdapterDirectory {
        config: &config,
        model: &base.config,
        base_fingerprint: &fingerprint,
        base_beside: beside.as_deref(),
        beside: &[],
        dtype: FloatType::F32,
        tokenizer: Some(base.tokenizer_files.source()),
        card: Some(&card),
    }
    .write(directory, &mut |name| values.read(name))?;
    Ok(())
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

/// The type that a finished model is written in. Half precision does not hold every weight: where the base has it and the
/// model has outgrown it, single precision does.
fn dtype(chosen: ModelDtype, base: &Base, model: &mut Decoder) -> Result<FloatType, Error> {
    Ok(match chosen {
        ModelDtype::F32 => FloatType::F32,
        ModelDtype::Bf16 => FloatType::Bf16,
        ModelDtype::F16 => FloatType::F16,
        ModelDtype::Base => match base.dtype()? {
            half @ FloatType::F16 if largest(model)? > f64::from(half.largest()) => FloatType::F32,
            dtype => dtype,
        },
    })
}

/// How an adapter in `models/<role>/` names its base: by an absolute path, which other programs read alike from every
/// directory; and, where that is in the run, by the path from the adapter, which holds when the run moves.
fn adapter_base(run: &RunDirectory, base: &Path) -> Result<(String, Option<String>), Error> {
    let absolute = |path: &Path| {
        path.canonicalize()
            .map_err(|source| glpft_checkpoints::FileError::new("find", path, source))
    };
    let (base, root) = (absolute(base)?, absolute(run.root())?);
    let inside = base.strip_prefix(root.join("models")).ok();
    let beside = inside.map(|inside| format!("../{}", inside.display()));
    Ok((base.display().to_string(), beside))
}
