//! What the page tells.

use glpft_recipes::{Recipe, Stage};

use super::live_part::LivePart;
use super::sample::KindSamples;
use crate::report::MetricReport;

/// A run, as far as it is there.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The run's recipe.
    pub recipe: Recipe,
    /// Its file's text.
    pub recipe_text: String,
    /// The stages of the recipe's arrangement, in order.
    pub stages: Vec<StagePart>,
    /// Where the data come from; none before they are prepared.
    pub source: Option<SourcePart>,
    /// The data sets that stages read.
    pub datasets: Vec<Dataset>,
    /// What computed; none before the run is finished.
    pub machine: Option<Machine>,
    /// The run's evaluations, by name.
    pub evaluations: Vec<EvaluationPart>,
    /// Its live evaluations, by name.
    pub live: Vec<LivePart>,
    /// What is there and cannot be read: the page says so instead of it.
    pub problems: Vec<String>,
    /// The version of the program that makes the page.
    pub version: String,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// Every stage is finished.
    Finished,
    /// So many of so many stages are.
    Unfinished {
        /// Finished stages.
        finished: usize,
        /// All stages.
        all: usize,
    },
}

impl RunPage {
    /// How far the run is.
    pub fn state(&self) -> RunState {
        let all = self.stages.len();
        let finished = self.stages.iter();
        let finished = finished.filter(|stage| stage.state == StageState::Finished);
        match finished.count() {
            finished if finished == all => RunState::Finished,
            finished => RunState::Unfinished { finished, all },
        }
    }
}

/// How far a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageState {
    /// Its model is there.
    Finished,
    /// It has a log, and no model yet.
    Begun,
    /// It has nothing yet.
    Waiting,
}

/// A stage: how far it is and what its log says.
#[derive(Clone, Debug)]
pub struct StagePart {
    /// Which.
    pub stage: Stage,
    /// How far it is.
    pub state: StageState,
    /// What it started from.
    pub from: Option<String>,
    /// Its steps.
    pub steps: Vec<StepPoint>,
    /// Its validations.
    pub validations: Vec<ValidationPoint>,
    /// Where there are several sources, what each gave the stage.
    pub sources: Vec<SourceShare>,
}

/// What one of several sources gave a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceShare {
    /// Its name.
    pub name: String,
    /// Its label tokens in all steps.
    pub label_tokens: u64,
    /// The last loss on what is held out of it, in nats a label token.
    pub held_out_loss: Option<f64>,
}

/// A step of a stage's log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    /// The step, from 1.
    pub step: u64,
    /// Epochs done after it.
    pub epoch: f64,
    /// The mean loss of a label token, in nats.
    pub loss: f64,
    /// The learning rate.
    pub lr: f64,
    /// Tokens of its examples.
    pub tokens: u64,
    /// Wall time.
    pub seconds: f64,
    /// Memory that the process held, in bytes.
    pub memory: u64,
}

/// A validation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValidationPoint {
    /// Steps done.
    pub step: u64,
    /// The mean loss of a held-out label token, in nats.
    pub loss: f64,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl ValidationPoint {
    /// e to the loss.
    pub fn perplexity(&self) -> f64 {
        self.loss.exp()
    }
}

/// Where the data come from.
#[derive(Clone, Debug, Default)]
pub struct SourcePart {
    /// `data.source`.
    pub path: String,
    /// `raw`, `stage-1` or `stage-2`.
    pub form: String,
    /// Records that it has.
    pub records: usize,
    /// Records that are used.
    pub kept: usize,
    /// Those that are not, by reason.
    pub left_out: Vec<LeftOut>,
    /// Records that cannot be read, with the reason: the first few.
    pub bad: Vec<(String, String)>,
    /// Queries to train on.
    pub training_queries: usize,
    /// Queries held out.
    pub validation_queries: usize,
}

/// How many of something are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// Why.
    pub reason: String,
}

/// A data set.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// Trajectories that have an example here.
    pub trajectories: usize,
    /// Examples that are trained on.
    pub training: usize,
    /// Examples held out.
    pub validation: usize,
    /// Tokens.
    pub tokens: usize,
    /// Tokens that are learned.
    pub label_tokens: usize,
    /// The longest example, in tokens.
    pub longest: usize,
    /// Tokens per token of the prefix trees.
    pub sharing: f64,
    /// Examples that lost tokens.
    pub truncated: usize,
    /// Examples left out.
    pub dropped: Vec<LeftOut>,
}

/// What computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// The device.
    pub device: String,
    /// Threads on a CPU.
    pub threads: usize,
    /// The program's version.
    pub version: String,
    /// Wall time of the start that finished the run, in seconds.
    pub wall_seconds: f64,
}

/// An evaluation on held-out steps.
#[derive(Clone, Debug)]
pub struct EvaluationPart {
    /// Its name.
    pub name: String,
    /// Whether every step is answered.
    pub finished: bool,
    /// Roles whose models were others than the run has now. Where there are any, nothing else is told.
    pub others: Vec<String>,
    /// The metrics; none where no step is answered yet.
    pub scores: Option<MetricReport>,
    /// Steps to show, by what is right or wrong with them.
    pub samples: Vec<KindSamples>,
    /// What each role was asked and said.
    pub roles: Vec<RolePart>,
    /// Wall time by part, in seconds.
    pub times: Vec<(String, f64)>,
    /// What was evaluated, and how: names and values.
    pub about: Vec<(String, String)>,
}

/// What one role was asked and said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolePart {
    /// Its name.
    pub role: String,
    /// How often it was asked.
    pub requests: u64,
    /// Tokens of its prompts.
    pub prompt_tokens: u64,
    /// Those of them that did not have to be computed.
    pub cached_tokens: u64,
    /// Tokens that it generated.
    pub new_tokens: u64,
    /// Prompts that did not fit and lost their beginning.
    pub prompts_cut: u64,
    /// In an earlier version's evaluation: prompts as long as a prompt may be. It did not count those that were cut.
    pub prompts_at_limit: Option<u64>,
    /// Answers that were cut at the longest.
    pub cut: u64,
    /// Answers that say nothing.
    pub empty: u64,
    /// Seconds that it took.
    pub seconds: f64,
}
