//! How many operations the local stages of a recipe ask for: each by itself, and adapters that wake in one pass.

use std::collections::BTreeMap;
use std::io::Write;

use glpft::arrangement::jobs;
use glpft::check::check_jobs;
use glpft::prepare::{Prepared, datasets_of, datasets_of_jobs, prepare_in_memory};
use glpft_checkpoints::ModelConfig;
use glpft_data::{ExampleSet, Plan, Selection, StepLayout, TokenExample, Trunk};
use glpft_recipes::{Override, Recipe, Stage, Tune};
use serde_json::json;

use crate::Result;
use crate::flops::{self, Work};

#[derive(clap::Args)]
pub(crate) struct Stages {
    /// A recipe; its data are prepared in memory
    recipe: String,
    /// Changes a key of the recipe
    #[arg(long)]
    set: Vec<Override>,
}

/// What stages compute in one epoch each.
#[derive(Default)]
struct Sum {
    tokens: usize,
    computed: usize,
    flops: f64,
}

impl Stages {
    pub(crate) fn execute(self) -> Result<()> {
        let recipe = Recipe::load(&self.recipe, &self.set)?;
        let jobs = jobs(&recipe);
        let checked = check_jobs(&recipe, None, &jobs)?;
        let prepared = prepare_in_memory(&recipe, &datasets_of_jobs(&recipe, &jobs), &mut |_| {})?;
        let mut sum = Sum::default();
        // What stands before the roles' own texts, of all stages.
        let mut heads: BTreeMap<u32, Vec<TokenExample>> = BTreeMap::new();
        for checked in checked
            .iter()
            .filter(|checked| checked.job.stage != Stage::Global)
        {
            let (stage, config) = (checked.job.stage, &checked.config);
            for example in local(&recipe, stage, config, &prepared, &mut sum)? {
                heads.entry(example.trajectory).or_default().push(example);
            }
        }
        let mut trunks = 0;
        if let Some(checked) = checked.first() {
            for examples in heads.values() {
                let trunk = Trunk::of(examples);
                trunks += trunk.len();
                sum.flops += flops::of_trunk(&checked.config, &trunk);
            }
        }
        let line = json!({
            "recipe": recipe.name,
            "tokens": sum.tokens,
            "computed_with_gradients": sum.computed,
            "computed_once_without": trunks,
            "flops": sum.flops,
        });
        writeln!(std::io::stdout(), "{line}")?;
        Ok(())
    }
}

/// Adds what one epoch of a stage asks for; of adapters that wake the examples, whose trunk is not counted.
fn local(
    recipe: &Recipe,
    stage: Stage,
    config: &ModelConfig,
    prepared: &Prepared,
    sum: &mut Sum,
) -> Result<Vec<TokenExample>> {
    let mut datasets = Vec::new();
    for &dataset in datasets_of(recipe, stage) {
        datasets.extend(prepared.dataset(dataset)?);
    }
    let training = Selection::new(&datasets, |split| split.trains(false, recipe.reuse));
    let settings = recipe.stage(stage);
    let plan = Plan::of_stage(
        &training,
        recipe.data.sampling,
        settings,
        recipe.seed,
        stage,
    );
    let lora = (settings.tune == Tune::Lora).then_some(&settings.lora);
    let layout = StepLayout::new(recipe.data.packing, settings);
    let mut examples = Vec::new();
    for step in plan.epoch(0) {
        for batch in layout.batches(&training, &step)?.batches {
            sum.tokens += batch.real_tokens;
            sum.computed += batch.len();
            sum.flops += flops::flops(config, Work::of(&batch), lora);
        }
        if settings.wakes() {
            for index in step {
                examples.push(training.example(index as usize)?);
            }
        }
    }
    Ok(examples)
}
