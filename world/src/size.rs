//! How much a world holds.

use serde::{Deserialize, Serialize};

/// The numbers of a world's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Categories of tools, at least 6 and at most [`Size::MOST_CATEGORIES`]; a quarter of them is never trained on.
    pub categories: usize,
    /// Tools of each category, at least 3 and at most 6; the last one is never trained on.
    pub tools_per_category: usize,
    /// Rows of each table that training tasks are about.
    pub train_rows: usize,
    /// Rows of each table that test tasks are about.
    pub test_rows: usize,
    /// Training tasks.
    pub train_tasks: usize,
    /// Tasks of each of the six test sets.
    pub test_tasks_per_group: usize,
}

impl Size {
    /// As many categories as there are.
    pub const MOST_CATEGORIES: usize = crate::catalog::CATEGORIES.len();

    /// A world for small models.
    pub const fn small() -> Self {
        Self {
            categories: Self::MOST_CATEGORIES,
            tools_per_category: 4,
            train_rows: 240,
            test_rows: 80,
            train_tasks: 400,
            test_tasks_per_group: 50,
        }
    }

    /// A world for real models.
    pub const fn standard() -> Self {
        Self {
            categories: Self::MOST_CATEGORIES,
            tools_per_category: 6,
            train_rows: 300,
            test_rows: 150,
            train_tasks: 8000,
            test_tasks_per_group: 100,
        }
    }

    /// A world for tests of programs: the least that fills every test set.
    pub const fn tiny() -> Self {
        Self {
            categories: 8,
            tools_per_category: 3,
            train_rows: 60,
            test_rows: 40,
            train_tasks: 60,
            test_tasks_per_group: 6,
        }
    }

    /// The nearest size that a world can have.
    pub(crate) fn within_limits(self) -> Self {
        Self {
            categories: self.categories.clamp(6, Self::MOST_CATEGORIES),
            tools_per_category: self.tools_per_category.clamp(3, 6),
            train_rows: self.train_rows.clamp(40, 300),
            test_rows: self.test_rows.clamp(30, 150),
            ..self
        }
    }
}
