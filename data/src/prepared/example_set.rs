//! Examples by index, wherever they lie.

use super::{PreparedDataset, PreparedError};
use crate::encode::TokenExample;
use crate::split::Split;

/// Examples by index: in memory, or in prepared files.
pub trait ExampleSet: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The trajectory of an example.
    ///
    /// # Panics
    /// Where there is no such example.
    fn trajectory(&self, index: usize) -> u32;

    /// An example.
    ///
    /// # Errors
    /// Where its file is damaged.
    ///
    /// # Panics
    /// Where there is no such example.
    fn example(&self, index: usize) -> Result<TokenExample, PreparedError>;
}

impl ExampleSet for Vec<TokenExample> {
    fn len(&self) -> usize {
        self.len()
    }

    fn trajectory(&self, index: usize) -> u32 {
        self[index].trajectory
    }

    fn example(&self, index: usize) -> Result<TokenExample, PreparedError> {
        Ok(self[index].clone())
    }
}

impl<const N: usize> ExampleSet for [TokenExample; N] {
    fn len(&self) -> usize {
        N
    }

    fn trajectory(&self, index: usize) -> u32 {
        self[index].trajectory
    }

    fn example(&self, index: usize) -> Result<TokenExample, PreparedError> {
        Ok(self[index].clone())
    }
}

/// Chosen examples of prepared data sets, one data set after the other.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    datasets: Vec<PreparedDataset>,
    /// The data set and the place in it of each example.
    chosen: Vec<(u32, u32)>,
}

impl Selection {
    /// The examples whose split is wanted.
    pub fn new(datasets: &[PreparedDataset], wanted: impl Fn(Split) -> bool) -> Self {
        let mut chosen = Vec::new();
        for (number, dataset) in datasets.iter().enumerate() {
            for index in 0..dataset.len() {
                if wanted(dataset.split(index)) {
                    // A data set has fewer than 2³² examples.
                    chosen.push((number as u32, index as u32));
                }
            }
        }
        Self {
            datasets: datasets.to_vec(),
            chosen,
        }
    }

    fn place(&self, index: usize) -> (&PreparedDataset, usize) {
        let (dataset, at) = self.chosen[index];
        (&self.datasets[dataset as usize], at as usize)
    }

    /// How many tokens an example has.
    ///
    /// # Panics
    /// Where there is no such example.
    pub fn length(&self, index: usize) -> usize {
        let (dataset, at) = self.place(index);
        dataset.length(at)
    }
}

impl ExampleSet for Selection {
    fn len(&self) -> usize {
        self.chosen.len()
    }

    fn trajectory(&self, index: usize) -> u32 {
        let (dataset, at) = self.place(index);
        dataset.trajectory(at)
    }

    fn example(&self, index: usize) -> Result<TokenExample, PreparedError> {
        let (dataset, at) = self.place(index);
        dataset.example(at)
    }
}
