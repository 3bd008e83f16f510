//! `[stage.*]`: how one stage trains.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::FrozenWeights;

/// One training stage of GLPFT (arXiv 2401.07324, §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The backbone on whole trajectories.
    Global,
    /// The planner, from the backbone.
    Planner,
    /// The caller, from the backbone.
    Caller,
    /// The summarizer, from the backbone.
    Summarizer,
}

impl Stage {
    /// Every stage, in training order.
    pub const ALL: [Stage; 4] = [
        Stage::Global,
        Stage::Planner,
        Stage::Caller,
        Stage::Summarizer,
    ];
    /// The three role stages.
    pub const LOCAL: [Stage; 3] = [Stage::Planner, Stage::Caller, Stage::Summarizer];

    /// The stage's name in recipes, files and the log.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Global => "global",
            Stage::Planner => "planner",
            Stage::Caller => "caller",
            Stage::Summarizer => "summarizer",
        }
    }
}

/// What a stage's training starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// The run's base model.
    Base,
    /// The run's global model.
    Global,
    /// A Hugging Face model directory or a GGUF file, with its own tokenizer.
    Directory(String),
}

/// Which parameters a stage trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tune {
    /// All of them.
    Full,
    /// Low-rank adapters on frozen weights (arXiv 2106.09685).
    Lora,
}

/// How far the backward pass goes before the optimizer is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backward {
    /// Through the whole model, then every parameter is updated: all gradients exist at once.
    Whole,
    /// A layer at a time: its parameters are updated and its gradients dropped before the next one's are made.
    LayerWise,
}

/// What becomes of a step whose loss or gradient is not finite. In no case is it applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnNotFinite {
    /// It ends the stage.
    #[default]
    Stop,
    /// Training goes on with the next step.
    Skip,
    /// Training goes on with the next step and half the learning rate, for the rest of the stage.
    LowerLr,
}

/// The learning rate's course after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine down to zero.
    Cosine,
    /// A straight line down to zero.
    Linear,
    /// Unchanged.
    Constant,
}

/// The precision of the layers' matrix products, where most of the work is: projections and attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Operands rounded to bfloat16, sums in single precision. Weights, gradients, the optimizer and everything else
    /// stay single precision.
    Bf16,
}

/// What the optimizer's two moments are held in between updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moments {
    /// Single precision.
    #[default]
    F32,
    /// bfloat16.
    Bf16,
    /// 8 bits a number and a scale for each 64 (arXiv 2110.02861).
    Int8,
}

/// `[stage.*.lora]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraRecipe {
    /// Rank of the adapter matrices. Default: 8.
    pub rank: usize,
    /// The adapter's output is scaled by `alpha / rank`. Default: 16.
    pub alpha: f64,
    /// Whether the scale is `alpha / √rank` instead (rsLoRA, arXiv 2312.03732). Default: false.
    pub rslora: bool,
    /// Ranks of single projections, by a pattern as PEFT has it: a regular expression for a module's path or the end of
    /// it after a dot, such as `q_proj` or `layers.[01].self_attn.v_proj`. Of several that match, the first in
    /// alphabetical order counts. Default: empty.
    pub rank_pattern: BTreeMap<String, usize>,
    /// `alpha` of single projections, by patterns like those of `rank_pattern`. Default: empty.
    pub alpha_pattern: BTreeMap<String, f64>,
    /// Probability that an input element of the adapter is dropped in training, in [0, 1). Default: 0.05.
    pub dropout: f64,
    /// Whether the adapter wakes at its role's turn (activated LoRA, arXiv 2504.12397): it acts on the role's instruction and
    /// what follows; all before is the base model's own. Of local stages, and with `data.layout = "role-last"`.
    /// Default: false.
    pub wake: bool,
    /// The projections that get an adapter, by the last part of their name: `q_proj`, `up_proj`, …
    /// Default: `q_proj` and `v_proj`.
    pub target_modules: Vec<String>,
}

impl Default for LoraRecipe {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 16.0,
            rslora: false,
            rank_pattern: BTreeMap::new(),
            alpha_pattern: BTreeMap::new(),
            dropout: 0.05,
            wake: false,
            target_modules: vec!["q_proj".to_owned(), "v_proj".to_owned()],
        }
    }
}

/// `[stage.<name>]`, resolved: every default written out. In a recipe, a key of `[stage]` holds for all four
/// stages that do not set it themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRecipe {
    /// What the stage starts from: `"base"`, `"global"` or a directory (write `./global` for one of that name).
    /// The global stage always starts from the base, and so does `global` in the arrangement `one-stage`, which
    /// trains no global model. Default: `global`.
    pub from: StartFrom,
    /// Which parameters are trained. Default: `full`.
    pub tune: Tune,
    /// How the projections' weights are held, by `tune` and `[model]`.
    pub frozen: FrozenWeights,
    /// The adapters' shape, used where `tune` is `lora`.
    pub lora: LoraRecipe,
    /// Passes over the data. Default, as published: global 2, planner 1, caller 1, summarizer 2.
    pub epochs: u32,
    /// Peak learning rate. Default, as published: global 5e-5, local 1e-5.
    pub lr: f64,
    /// Share of the steps over which the learning rate rises from zero, in [0, 1].
    /// Default, as published: global 0.4, planner 0.2, caller 0.2, summarizer 0.4.
    pub warmup_ratio: f64,
    /// Decoupled weight decay (not on norms and biases). Default, as published: global 0, local 0.01.
    pub weight_decay: f64,
    /// The learning rate's course after warm-up. Default: `cosine`.
    pub schedule: Schedule,
    /// Examples a step has at least. Default: 16.
    pub batch: usize,
    /// Token budget of one forward pass; a longer example goes alone. Default: 4096.
    pub micro_batch_tokens: usize,
    /// Which layers keep only their input of the forward pass and compute the rest again in the backward pass: less
    /// memory for a second forward pass of theirs, 1.1 to 1.4 times the processor time. 0: none; 1: every layer; n: every nth. Default: 0.
    pub recompute: usize,
    /// `"whole"`, or `"layer-wise"`: every layer is computed again and no more than one layer's gradients exist at a
    /// time, beside the embedding's and the head's. All micro-batches of a step go through a layer together, so that
    /// each keeps every layer's input. Where `clip_norm` is not 0 or `on_not_finite` is not `stop`, the backward pass is
    /// made twice, first for the norm alone. Otherwise a gradient that is not finite ends the stage after the layers
    /// above it were updated; nothing of that is saved. `recompute` has no say. Default: `whole`.
    pub backward: Backward,
    /// Longest example in tokens, prompt and target together. Default: 4096, or `model.random.max_positions` where
    /// that is less.
    pub max_length: usize,
    /// The precision of the layers' matrix products. Default: `f32`.
    pub precision: Precision,
    /// Bound on the global gradient norm; 0 turns clipping off. Default: 1.
    pub clip_norm: f64,
    /// AdamW's β₁. Default: 0.9.
    pub beta1: f64,
    /// AdamW's β₂. Default: 0.999.
    pub beta2: f64,
    /// AdamW's ε. Default: 1e-8.
    pub epsilon: f64,
    /// What AdamW's two moments of each trained parameter are held in between updates. Updates are computed in single
    /// precision, and checkpoints hold that. Those of `int8` are in the host's memory, whatever the device. Default: `f32`.
    pub moments: Moments,
    /// Steps between validations; 0: at the first and last step only. Default: 0.
    pub eval_every: usize,
    /// Steps between checkpoints; 0: only when interrupted. Default: 100.
    pub checkpoint_every: usize,
    /// Checkpoints kept of a stage. Default: 1.
    pub keep_checkpoints: usize,
    /// Whether a validation that is the best after a step so far writes a checkpoint, which stays beside the last ones
    /// until there is a better. Default: false.
    pub keep_best: bool,
    /// What becomes of a step whose loss or gradient is not finite. Default: `stop`.
    pub on_not_finite: OnNotFinite,
    /// Such steps that a stage survives, where `on_not_finite` is not `stop`; the next one ends it. Default: 10.
    pub max_not_finite: u64,
    /// Caps the number of optimizer steps, and becomes the schedule's length; absent: no cap.
    /// An override can set it, not remove it.
    pub max_steps: Option<usize>,
}

impl StageRecipe {
    /// Whether the stage trains adapters that wake at their role's turn.
    pub fn wakes(&self) -> bool {
        self.tune == Tune::Lora && self.lora.wake
    }
}
