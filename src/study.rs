//! The paper's comparison of arrangements (arXiv 2401.07324, Table 1) and its study of the data's size (Figure 4), on
//! one's own model and data.
//!
//! A study has a cell for each arrangement, budget of training, share of the data, seed and base ([`StudyPlan`]); a cell is a run like any
//! other, in `runs/<base>/<share>/seed-<seed>/<arrangement>/` (with the budget's name behind it where it is not the recipe's). Stages that cells have in common are trained once. Every
//! cell is measured on the same held-out conversations ([`HeldOut`]), and plays the same held-out tasks where it is given
//! some ([`HeldOutTasks`]). What is done stays done: started again, a study goes on where it was.

mod arrangement;
mod budget;
mod cell;
mod computed;
mod evaluate;
mod figures;
mod gather;
mod held_out;
mod key;
mod lengths;
mod markdown;
mod measure;
mod metric;
mod plan;
mod played;
mod report;
mod run;
mod shard;
mod share;
mod size;
mod state;
mod table;
mod tasks;
mod team;
mod train;

pub use arrangement::Compared;
pub use budget::{Budget, StageLength};
pub use cell::{Cell, StudyBase};
pub use evaluate::{CellScore, Evaluate, Evaluated};
pub use held_out::HeldOut;
pub use key::stage_keys;
pub use lengths::{CountedLengths, Lengths};
pub use metric::StudyMetric;
pub use plan::{Grid, PlannedStage, StudyPlan};
pub use played::Played;
pub use report::{Cost, LeftOut, PlayedTasks, ScoredCell, StudyReport, TrainedStage};
pub use run::{Study, StudyObserver, run_study};
pub use shard::{Shard, ShardError};
pub use share::SharedStage;
pub use size::{PlannedSize, sizes};
pub use state::known_lengths;
pub use table::{Estimate, PlayedRow, Row};
pub use tasks::HeldOutTasks;
pub use team::{Play, TeamEvaluation};
