//! The arrangements that a study compares.

use glpft_recipes::{Arrangement, Override};
use serde::{Deserialize, Serialize};

/// What a study compares (arXiv 2401.07324, Table 1): a recipe's arrangements, GLPFT's in two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// The global stage alone: one model thinks, calls and answers.
    Single,
    /// Each role straight from the base model.
    OneStage,
    /// One model on the union of the three role datasets, asked as each of them.
    MultiTask,
    /// GLPFT whose two stages train on disjoint halves of the queries.
    GlpftNoReuse,
    /// GLPFT.
    Glpft,
}

impl Compared {
    /// Every one, in the order of the paper's table.
    pub const ALL: [Compared; 5] = [
        Compared::Single,
        Compared::OneStage,
        Compared::MultiTask,
        Compared::GlpftNoReuse,
        Compared::Glpft,
    ];

    /// The name in arguments, files and folders.
    pub fn name(self) -> &'static str {
        match self {
            Compared::Single => "single",
            Compared::OneStage => "one-stage",
            Compared::MultiTask => "multi-task",
            Compared::GlpftNoReuse => "glpft-no-reuse",
            Compared::Glpft => "glpft",
        }
    }

    /// What the paper calls it.
    pub fn title(self) -> &'static str {
        match self {
            Compared::Single => "Single-LLM",
            Compared::OneStage => "Multi-LLM one-stage",
            Compared::MultiTask => "Single-LLM multi-task",
            Compared::GlpftNoReuse => "GLPFT without reuse",
            Compared::Glpft => "GLPFT",
        }
    }

    /// The recipe's arrangement.
    pub fn arrangement(self) -> Arrangement {
        match self {
            Compared::Single => Arrangement::Single,
            Compared::OneStage => Arrangement::OneStage,
            Compared::MultiTask => Arrangement::MultiTask,
            Compared::GlpftNoReuse | Compared::Glpft => Arrangement::Glpft,
        }
    }

    /// What it sets of a recipe of the arrangement `glpft` with reuse.
    pub(super) fn overrides(self) -> Vec<Override> {
        let mut overrides = vec![Override::new("arrangement", self.arrangement().name())];
        if self == Compared::GlpftNoReuse {
            overrides.push(Override::new("reuse", "false"));
        }
        overrides
    }
}
