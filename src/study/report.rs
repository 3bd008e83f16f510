//! What a study came to, and its files.

use std::fs;
use std::io::Write;
use std::path::Path;

use glpft_checkpoints::{FileError, remove_leftovers, write_atomically, write_json};
use glpft_recipes::Stage;
use serde::Serialize;
use serde_json::Value;

use super::arrangement::Compared;
use super::budget::Budget;
use super::cell::Cell;
use super::evaluate::CellScore;
use super::figures::Figure;
use super::played::Played;
use super::run::Study;
use super::table::{Row, rows};
use super::{figures, markdown};
use crate::Error;
use crate::prepare::QueryCounts;

/// `report.json`.
#[derive(Clone, Debug, Serialize)]
pub struct StudyReport {
    /// The recipe's name.
    pub recipe: String,
    /// The program's version.
    pub version: &'static str,
    /// What computed.
    pub device: String,
    /// Threads of the computation on a CPU.
    pub threads: usize,
    /// The held-out conversations' file.
    pub held_out: String,
    /// How many conversations of it are measured on.
    pub held_out_conversations: usize,
    /// The world whose test tasks are played, and how many of them; absent where none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out_tasks: Option<PlayedTasks>,
    /// How measuring went about it.
    pub evaluation: Value,
    /// How many cells the study has.
    pub cells_planned: usize,
    /// Means over seeds.
    pub rows: Vec<Row>,
    /// The cells that are done.
    pub cells: Vec<ScoredCell>,
    /// Those that cannot be trained.
    pub left_out: Vec<LeftOut>,
    /// What it took.
    pub cost: Cost,
}

/// Tasks that a study's teams play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PlayedTasks {
    /// Their world's seed.
    pub world: u64,
    /// How many there are.
    pub tasks: usize,
}

/// What a study took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// Stages that were trained.
    pub stages_trained: usize,
    /// Times that a stage was used again instead of being trained.
    pub stages_shared: usize,
    /// Tokens of the examples of every step of those trained.
    pub tokens: u64,
    /// Wall time of those steps.
    pub training_seconds: f64,
    /// Wall time of measuring.
    pub evaluation_seconds: f64,
}

/// A cell that is trained and measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoredCell {
    /// The base's name.
    pub base: String,
    /// How many parameters it has.
    pub parameters: u64,
    /// The share of the data.
    pub fraction: f64,
    /// The seed.
    pub seed: u64,
    /// The arrangement.
    pub arrangement: Compared,
    /// How long it trains.
    pub budget: Budget,
    /// The run, in the study's directory.
    pub directory: String,
    /// Queries that some stage trains on.
    pub queries: usize,
    /// Its stages.
    pub stages: Vec<TrainedStage>,
    /// Its metrics.
    pub score: CellScore,
}

/// A stage of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedStage {
    /// Which.
    pub stage: Stage,
    /// What decides its result, hashed: stages of one key were trained once.
    pub key: String,
    /// Optimizer steps.
    pub steps: u64,
    /// Tokens of their examples.
    pub tokens: u64,
    /// Tokens that the model was run on: fewer, where examples share their beginnings.
    pub computed_tokens: u64,
    /// Their wall time.
    pub seconds: f64,
}

/// A cell that cannot be trained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    /// Which.
    pub cell: String,
    /// Why.
    pub why: String,
}

impl LeftOut {
    pub(super) fn new(cell: &Cell, why: String) -> Self {
        let cell = cell.title();
        Self { cell, why }
    }
}

impl ScoredCell {
    pub(super) fn new(
        cell: &Cell,
        parameters: u64,
        queries: QueryCounts,
        stages: Vec<TrainedStage>,
        score: CellScore,
    ) -> Self {
        Self {
            base: cell.base.name.clone(),
            parameters,
            fraction: cell.fraction,
            seed: cell.recipe.seed,
            arrangement: cell.compared,
            budget: cell.budget,
            directory: cell.directory.display().to_string(),
            queries: queries.first_half + queries.second_half,
            stages,
            score,
        }
    }

    /// Tokens that the model was run on in some of its stages.
    pub(super) fn computed_tokens(&self, of: impl Fn(Stage) -> bool) -> u64 {
        let stages = self.stages.iter().filter(|stage| of(stage.stage));
        stages.map(|stage| stage.computed_tokens).sum()
    }

    /// What it played by a strategy.
    pub(super) fn played(&self, strategy: &str) -> Option<&Played> {
        let mut all = self.score.played.iter();
        all.find(|played| played.strategy == strategy)
    }

    /// Whether another cell differs in nothing but the arrangement and the seed.
    pub(super) fn is_on_the_data_of(&self, other: &Self) -> bool {
        self.base == other.base && self.fraction.total_cmp(&other.fraction).is_eq()
    }

    /// Whether another cell differs in nothing but the seed.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        self.is_on_the_data_of(other)
            && self.arrangement == other.arrangement
            && self.budget == other.budget
    }
}

impl StudyReport {
    pub(super) fn new(study: &Study<'_>, evaluation: Value) -> Self {
        Self {
            recipe: study.recipe.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            device: study.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            held_out: study.held_out.path.display().to_string(),
            held_out_conversations: study.held_out.conversations.len(),
            held_out_tasks: study.tasks.map(|held_out| PlayedTasks {
                world: held_out.world.seed(),
                tasks: held_out.tasks.len(),
            }),
            evaluation,
            cells_planned: study.plan.cells.len() + study.plan.left_out.len(),
            rows: Vec::new(),
            cells: Vec::new(),
            left_out: Vec::new(),
            cost: Cost::default(),
        }
    }

    /// Tells of what is done.
    pub(super) fn fill(&mut self, cells: &[ScoredCell], left_out: &[LeftOut]) {
        self.rows = rows(cells);
        self.cells = cells.to_vec();
        self.left_out = left_out.to_vec();
        self.cost = Cost::default();
        let mut keys: Vec<&str> = Vec::new();
        for cell in cells {
            self.cost.evaluation_seconds += cell.score.seconds;
            for stage in &cell.stages {
                if keys.contains(&stage.key.as_str()) {
                    self.cost.stages_shared += 1;
                    continue;
                }
                keys.push(&stage.key);
                self.cost.stages_trained += 1;
                self.cost.tokens += stage.tokens;
                self.cost.training_seconds += stage.seconds;
            }
        }
    }

    /// Writes `report.json`, `report.md`, `curves/` and `figures/`, as the study's one owner.
    pub(super) fn write(&self, out: &Path) -> Result<(), Error> {
        write_json(&out.join("report.json"), self)?;
        let figures = figures::draw(&self.rows)?;
        remove_leftovers(out)?;
        for folder in ["curves", "figures"] {
            let folder = out.join(folder);
            fs::create_dir_all(&folder)
                .map_err(|source| FileError::new("create", &folder, source))?;
            remove_leftovers(&folder)?;
        }
        for Figure { path, svg, .. } in &figures {
            write_atomically(&out.join(path), |file| file.write_all(svg.as_bytes()))?;
        }
        let text = markdown::write(self, &figures);
        write_atomically(&out.join("report.md"), |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok(())
    }
}
