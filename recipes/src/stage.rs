//! `[stage.*]`: how one stage trains.

use serde::{Deserialize, Serialize};

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
    pub const ALL: [Stage; 4] = [Stage::Global, Stage::Planner, Stage::Caller, Stage::Summarizer];
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
    /// A Hugging Face model directory with its own tokenizer.
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

/// `[stage.*.lora]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraRecipe {
    /// Rank of the adapter matrices.
    pub rank: usize,
    /// The adapter's output is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Probability that an input element of the adapter is dropped in training, in [0, 1).
    pub dropout: f64,
    /// The projections that get an adapter, by the last part of their name: `q_proj`, `up_proj`, …
    pub target_modules: Vec<String>,
}

/// `[stage.<name>]`, resolved: every default written out.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRecipe {
    /// What the stage starts from; the global stage always starts from the base.
    pub from: StartFrom,
    /// Which parameters are trained.
    pub tune: Tune,
    /// The adapters' shape, used where `tune` is `lora`.
    pub lora: LoraRecipe,
    /// Passes over the data.
    pub epochs: u32,
    /// Peak learning rate.
    pub lr: f64,
    /// Share of the steps over which the learning rate rises from zero, in [0, 1].
    pub warmup_ratio: f64,
    /// Decoupled weight decay (not on norms and biases).
    pub weight_decay: f64,
    /// The learning rate's course after warm-up.
    pub schedule: Schedule,
    /// Examples a step has at least.
    pub batch: usize,
    /// Token budget of one forward pass; a longer example goes alone.
    pub micro_batch_tokens: usize,
    /// Longest example in tokens, prompt and target together.
    pub max_length: usize,
    /// Bound on the global gradient norm; 0 turns clipping off.
    pub clip_norm: f64,
    /// AdamW's β₁.
    pub beta1: f64,
    /// AdamW's β₂.
    pub beta2: f64,
    /// AdamW's ε.
    pub epsilon: f64,
    /// Steps between validations; 0: at the first and last step only.
    pub eval_every: usize,
    /// Steps between checkpoints; 0: only when interrupted.
    pub checkpoint_every: usize,
    /// Checkpoints kept of a stage.
    pub keep_checkpoints: usize,
    /// Caps the number of optimizer steps, and becomes the schedule's length; absent: no cap.
    pub max_steps: Option<usize>,
}
