//! How records are read.

use glpft_recipes::{Arguments, Behaviour, DataRecipe, Observations, Rationale, Schemas};

/// How a source is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadOptions {
    /// Leaves out raw answers whose `valid_data` is not true.
    pub valid_only: bool,
    /// See [`Observations`].
    pub observations: Observations,
    /// See [`Arguments`].
    pub arguments: Arguments,
    /// See [`Schemas`].
    pub schemas: Schemas,
    /// See [`Rationale`].
    pub rationale: Rationale,
    /// Leaves out what has the text of a test query, not that alone which is named after its id. Else it is counted.
    pub test_texts: bool,
    /// Ends at the first bad record instead of reporting it.
    pub strict: bool,
    /// See [`DataRecipe::max_bad_fraction`].
    pub max_bad_fraction: f64,
}

impl ReadOptions {
    /// As the published pipeline reads, whatever is bad.
    pub const PUBLISHED: Self = Self {
        valid_only: false,
        observations: Observations::Response,
        arguments: Arguments::Published,
        schemas: Schemas::Published,
        rationale: Rationale::Keep,
        test_texts: false,
        strict: false,
        max_bad_fraction: 1.0,
    };

    /// With the published pipeline's defects mended: every usable record, valid or not, whatever is bad.
    pub const FIXED: Self = Self {
        observations: Observations::ResponseOrError,
        arguments: Arguments::Lenient,
        test_texts: true,
        ..Self::PUBLISHED
    };

    /// How many of so many records may be bad: [`ReadOptions::max_bad_fraction`] of them; of few, half, up to ten.
    pub(crate) fn may_be_bad(&self, records: usize) -> usize {
        const FEW: usize = 10;
        let share = (records as f64 * self.max_bad_fraction).floor() as usize;
        share.max((records / 2).min(FEW))
    }
}

impl From<&DataRecipe> for ReadOptions {
    fn from(recipe: &DataRecipe) -> Self {
        Self {
            valid_only: recipe.valid_only,
            observations: recipe.observations,
            arguments: recipe.arguments,
            schemas: recipe.schemas,
            rationale: recipe.rationale,
            test_texts: recipe.behaviour == Behaviour::Fixed,
            strict: recipe.strict,
            max_bad_fraction: recipe.max_bad_fraction,
        }
    }
}
