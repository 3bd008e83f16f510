//! One stage of a run: load, train, leave a finished model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_checkpoints::{
    AdapterConfig, AdapterDirectory, ComputedBy, DEFAULT_SHARD_BYTES, FloatType, HubName,
    ModelCard, ModelConfig, ModelDirectory, ModelFiles, Provenance, RunDirectory, read_json,
};
use glpft_data::{Origins, PreparedDataset, Prompts, Selection, Split};
use glpft_model::{Decoder, Trained, adapter_config};
use glpft_recipes::{ModelDtype, Recipe, Stage, StageRecipe, StartFrom, Tune};
use glpft_train::{
    Gradients, Member, Observer, OpenStage, OpenStages, Outcome, StageRun, TrainError, Transport,
};

use crate::arrangement::Job;
use crate::base::{Base, BaseWeights, global_model};
use crate::error::{Error, Interruption, StartError};
use crate::model::{Values, attach_adapters, load_frozen};
use crate::place::record;
use crate::prepare::{PrepareReport, datasets_of};
use crate::result::FinishedStage;
use crate::stage_call::{StageCall, call};

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
    /// The ranks that train it together; [`Alone`](glpft_train::Alone) where there is one.
    pub ranks: &'a dyn Transport,
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
/// What it starts from or reads is absent or unusable, training fails, the disk refuses; [`Interruption::Stage`] where
/// it was told to stop.
pub fn run_stage(
    context: &Context<'_>,
    job: &Job,
    observer: &mut dyn Observer,
) -> Result<FinishedStage, Error> {
    let started = Instant::now();
    let ready = Ready::new(context, job, start(context, job)?)?;
    if context.dump_gradients.is_some() && !context.ranks.is_alone() {
        return Err(Error::Argument {
            argument: "--dump-gradients",
            problem: "no rank has the gradients of all parameters; start it without other ranks"
                .to_owned(),
        });
    }
    if !context.ranks.is_alone() {
        let (recipe, run) = (context.recipe, context.run.root());
        let (device, anyway) = (context.device_name, context.resume_anyway);
        let stage = StageCall::new(recipe, run, job, device, anyway);
        call(context.ranks, stage)?;
    }
    let mut model = ready.load(context)?;
    ready.adapt(context, &mut model)?;
    let computed_by = computed_by(context);
    let stage = ready.stage(context, &computed_by);
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
    record(context.run, context.recorded)?;
    let outcome = opened.train(&mut model, observer, inspect)?;
    ready.leave(context, model, outcome, started)
}

/// Takes part in a stage that another rank runs; writes nothing.
///
/// # Errors
/// As [`run_stage`].
pub(crate) fn follow_stage(
    context: &Context<'_>,
    job: &Job,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    let ready = Ready::new(context, job, start(context, job)?)?;
    let mut model = ready.load(context)?;
    ready.adapt(context, &mut model)?;
    let computed_by = computed_by(context);
    let stage = ready.stage(context, &computed_by);
    let opened = OpenStage::open(&mut model, &stage)?;
    match opened.train(&mut model, observer, &mut |_, _, _, _| Ok(()))? {
        Outcome::Finished(_) => Ok(()),
        Outcome::Interrupted(checkpoint) => Err(Error::Interruption(Interruption::Stage {
            stage: job.stage.name(),
            checkpoint: checkpoint.path,
        })),
    }
}

/// Trains stages whose adapters wake, in one pass over the histories that they share ([`OpenStages`]); each leaves what it
/// leaves alone. All start from the same model.
///
/// # Errors
/// As [`run_stage`], of any of them.
pub fn run_stages_together(
    context: &Context<'_>,
    jobs: &[Job],
    observer: &mut dyn Observer,
) -> Result<Vec<FinishedStage>, Error> {
    let started = Instant::now();
    let mut ready = Vec::new();
    for job in jobs {
        ready.push(Ready::new(context, job, start(context, job)?)?);
    }
    let Some(first) = ready.first() else {
        return Ok(Vec::new());
    };
    let base = first.load(context)?;
    let computed_by = computed_by(context);
    let stages: Vec<StageRun<'_>> = ready
        .iter()
        .map(|ready| ready.stage(context, &computed_by))
        .collect();
    let mut members = Vec::new();
    for (ready, run) in ready.iter().zip(&stages) {
        let mut model = base.clone();
        ready.adapt(context, &mut model)?;
        members.push(Member { model, run });
    }
    let opened = OpenStages::open(members)?;
    record(context.run, context.recorded)?;
    let outcomes = opened.train(observer)?;
    let mut finished = Vec::new();
    let mut interrupted = None;
    for (ready, (model, outcome)) in ready.iter().zip(outcomes) {
        // What is finished is left, whatever became of the others.
        match ready.leave(context, model, outcome, started) {
            Ok(stage) => finished.push(stage),
            Err(error @ Error::Interruption(Interruption::Stage { .. })) => {
                interrupted = Some(error)
            }
            Err(error) => return Err(error),
        }
    }
    match interrupted {
        Some(error) => Err(error),
        None => Ok(finished),
    }
}

fn computed_by(context: &Context<'_>) -> ComputedBy {
    ComputedBy {
        device: context.device_name.to_owned(),
        threads: rayon::current_num_threads(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ranks: context.ranks.size(),
    }
}

/// A stage's model that it starts from and its examples, read.
struct Ready<'j> {
    job: &'j Job,
    base: Base,
    train: Selection,
    validation: Selection,
    origins: Origins,
    provenance: Provenance,
    directory: PathBuf,
}

impl<'j> Ready<'j> {
    fn new(context: &Context<'_>, job: &'j Job, base: Base) -> Result<Self, Error> {
        let (train, validation, mut data) = examples(context, job, &base)?;
        data.insert("model that it starts from".to_owned(), base.fingerprint()?);
        let report: PrepareReport = read_json(&context.run.prepare())?;
        Ok(Self {
            job,
            train,
            validation,
            origins: Origins::new(&report.source.report),
            provenance: Provenance {
                recipe: context.recipe.deciding(job.stage),
                data,
            },
            directory: context.run.stage(job.stage.name()),
            base,
        })
    }

    fn settings<'r>(&self, context: &Context<'r>) -> &'r StageRecipe {
        context.recipe.stage(self.job.stage)
    }

    /// The model that the stage starts from.
    fn load(&self, context: &Context<'_>) -> Result<Decoder, Error> {
        let frozen = self.settings(context).frozen;
        load_frozen(&self.base, context.device, context.recipe.seed, frozen)
    }

    /// Puts fresh adapters on the model where the stage trains such, and says what is trained.
    fn adapt(&self, context: &Context<'_>, model: &mut Decoder) -> Result<(), Error> {
        let settings = self.settings(context);
        let lora = settings.tune == Tune::Lora;
        if lora {
            attach_adapters(model, &settings.lora, context.recipe, self.job.stage)?;
        }
        model.train(if lora {
            Trained::Adapters
        } else {
            Trained::All
        });
        Ok(())
    }

    fn stage<'a>(&'a self, context: &Context<'a>, computed_by: &'a ComputedBy) -> StageRun<'a> {
        let recipe = context.recipe;
        StageRun {
            stage: self.job.stage,
            recipe: self.settings(context),
            seed: recipe.seed,
            sampling: recipe.data.sampling,
            packing: recipe.data.packing,
            train: &self.train,
            validation: &self.validation,
            origins: &self.origins,
            directory: &self.directory,
            provenance: &self.provenance,
            resume_anyway: context.resume_anyway,
            computed_by,
            ranks: context.ranks,
            stop: context.stop,
            save: context.save,
        }
    }

    /// Leaves the trained model.
    fn leave(
        &self,
        context: &Context<'_>,
        model: Decoder,
        outcome: Outcome,
        started: Instant,
    ) -> Result<FinishedStage, Error> {
        let (job, run) = (self.job, context.run);
        let report = match outcome {
            Outcome::Finished(report) => report,
            Outcome::Interrupted(checkpoint) => {
                return Err(Error::Interruption(Interruption::Stage {
                    stage: job.stage.name(),
                    checkpoint: checkpoint.path,
                }));
            }
        };
        let in_files = is_directory(&self.base.weights);
        let finished = FinishedStage {
            stage: job.stage,
            model: run.model(job.stage.name()),
            adapter: leaves_adapter(self.settings(context), job.stage, in_files),
            from: self.base.name(),
            report,
            wall_seconds: started.elapsed().as_secs_f64(),
        };
        // Before the model: with that in its place the stage is finished, and nothing of it is done again.
        finished.write(run)?;
        finish(context, job, &self.base, model, &finished)?;
        Ok(finished)
    }
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
        return Err(Error::Start(StartError::NoGlobalModel {
            stage: job.stage.name(),
            path: context.run.model(Stage::Global.name()),
        }));
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
            return Err(Error::Start(StartError::OtherTokenizer {
                stage: job.stage.name(),
                model: base.name(),
                dataset: dataset.name(),
            }));
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
            let values = Values::merged(&mut model, base)?;
            let dtype = dtype(recipe.model.dtype, base, &values)?;
            return write_values(&values, model.config(), base, &card, dtype, directory);
        }
    };
    card.adapter = true;
    let (name, beside) = match &base.hub {
        Some(hub) => (hub.id().to_owned(), None),
        None => adapter_base(context.run, base_directory)?,
    };
    let revision = base.hub.as_ref().and_then(HubName::revision);
    let config = AdapterConfig {
        base: name,
        revision: revision.map(str::to_owned),
        invocation: invocation(recipe, job.stage, base)?,
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

/// The ids that wake a stage's adapter: those of the first words behind the history. None where it acts on all.
fn invocation(recipe: &Recipe, stage: Stage, base: &Base) -> Result<Vec<u32>, Error> {
    if !recipe.stage(stage).wakes() {
        return Ok(Vec::new());
    }
    let prompts = Prompts::open(recipe.data.prompts.as_deref().map(Path::new))?
        .with_layout(recipe.data.layout)?;
    let dataset = datasets_of(recipe, stage).first();
    let text = dataset.and_then(|&dataset| prompts.invocation(dataset));
    let ids = text.map(|text| base.tokenizer.encode(text, recipe.data.separators));
    let failed = |source| {
        Error::Start(StartError::TokenizerAt {
            path: base.name().into(),
            source,
        })
    };
    let ids = ids.transpose().map_err(failed)?.unwrap_or_default();
    match ids.is_empty() {
        false => Ok(ids),
        // Without it the adapter would act on every token.
        true => Err(Error::Setting {
            key: format!("stage.{}.lora.wake", stage.name()),
            problem: "the prompt templates have no words by which the role's adapter wakes"
                .to_owned(),
        }),
    }
}

/// Writes a whole model directory, adapters merged.
pub(crate) fn write_model(
    mut model: Decoder,
    base: &Base,
    card: &ModelCard,
    dtype: FloatType,
    directory: &Path,
) -> Result<(), Error> {
    let values = Values::merged(&mut model, base)?;
    write_values(&values, model.config(), base, card, dtype, directory)
}

fn write_values(
    values: &Values,
    config: &ModelConfig,
    base: &Base,
    card: &ModelCard,
    dtype: FloatType,
    directory: &Path,
) -> Result<(), Error> {
    ModelDirectory {
        config,
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
fn dtype(chosen: ModelDtype, base: &Base, values: &Values) -> Result<FloatType, Error> {
    Ok(match chosen {
        ModelDtype::F32 => FloatType::F32,
        ModelDtype::Bf16 => FloatType::Bf16,
        ModelDtype::F16 => FloatType::F16,
        ModelDtype::Base => match base.dtype()? {
            half @ FloatType::F16 if values.largest()? > f64::from(half.largest()) => {
                FloatType::F32
            }
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
