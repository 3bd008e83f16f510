//! What a run is: the typed recipe, its validation and the built-in recipes.
//!
//! A [`Recipe`] is plain data. It says which trajectories a run reads ([`DataRecipe`]), which model it
//! starts from ([`ModelRecipe`]), how its stages are arranged ([`Arrangement`]) and how each stage trains
//! ([`StageRecipe`]).
//!
//! [`Recipe::load`] reads one: the text of a file or a built-in is checked key by key against the schema
//! (`keys.rs`), overrides are laid over it (`settings.rs`), defaults fill the rest (`resolve.rs`), and what has
//! to hold between keys is checked last (`check.rs`). [`Recipe::to_toml`] writes it back, complete.
//!
//! ```
//! use glpft_recipes::{Override, Recipe};
//!
//! let recipe = Recipe::load("sample", &["stage.planner.lr=1e-4".parse()?])?;
//! assert_eq!(recipe.stage.planner.lr, 1e-4);
//!
//! let error = Recipe::load("sample", &[Override::new("stage.planner.epoch", "3")]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "--set stage.planner.epoch=3: unknown key `epoch` in [stage.planner]; did you mean `epochs`?"
//! );
//! # Ok::<(), glpft_recipes::RecipeError>(())
//! ```

pub mod builtin;
mod check;
mod choice;
mod count;
mod data;
mod difference;
mod entries;
mod error;
mod keys;
mod load;
mod model;
mod nearest;
mod overrides;
mod place;
mod recipe;
#[cfg(test)]
mod reference;
mod required;
mod resolve;
mod settings;
mod stage;
mod value;
mod write;

pub use count::counted;
pub use data::{
    Arguments, Behaviour, DataRecipe, Duplicates, GiveUpHistory, Layout, Observations, Packing,
    Rationale, Sampling, Schemas, Separators, SourceRecipe, SystemPrefix, Truncate,
};
pub use difference::Difference;
pub use error::RecipeError;
pub use model::{FrozenWeights, ModelDtype, ModelRecipe, RandomModel, WeightType};
pub use overrides::Override;
pub use place::Place;
pub use recipe::{Arrangement, GlobalData, Recipe, Stages};
pub use required::Required;
pub use stage::{
    Backward, LoraRecipe, Moments, OnNotFinite, Precision, Schedule, Stage, StageRecipe, StartFrom,
    Tune,
};
