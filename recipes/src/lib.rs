//! What a run is: the typed recipe, its validation and the built-in recipes.
//!
//! A [`Recipe`] is plain data. It says which trajectories a run reads ([`DataRecipe`]), which model it
//! starts from ([`ModelRecipe`]), how its stages are arranged ([`Arrangement`]) and how each stage trains
//! ([`StageRecipe`]).

mod data;
mod model;
mod recipe;
mod stage;

pub use data::{
    Behaviour, DataRecipe, GiveUpHistory, Observations, Packing, Sampling, Separators, SystemPrefix,
    Truncate,
};
pub use model::{ModelRecipe, RandomModel};
pub use recipe::{Arrangement, Recipe, Stages};
pub use stage::{LoraRecipe, Schedule, Stage, StageRecipe, StartFrom, Tune};
