//! A dataset as it is made: its file and what is counted of it.

use std::io::{self, Seek, Write};

use glpft_data::{Dataset, DatasetStatistics, DatasetWriter, EncodedExamples, Split};
use glpft_recipes::Stage;

use super::made::Made;
use super::report::DatasetReport;
use super::stage_of;

/// A dataset that is being made.
pub(super) struct Writing<W> {
    pub dataset: Dataset,
    writer: DatasetWriter<W>,
    statistics: DatasetStatistics,
    /// Examples of each split, by its number.
    splits: [usize; 3],
}

impl<W: Write + Seek> Writing<W> {
    /// Begins a dataset in an empty file.
    pub fn new(made: &Made<'_>, dataset: Dataset, file: W) -> io::Result<Self> {
        let fingerprint = made.maker.fingerprint(dataset).unwrap_or_default();
        Ok(Self {
            dataset,
            writer: DatasetWriter::new(file, fingerprint)?,
            statistics: DatasetStatistics::default(),
            splits: [0; 3],
        })
    }

    /// Adds a trajectory's examples.
    pub fn add(&mut self, encoded: &EncodedExamples, split: Split) -> io::Result<()> {
        let tree_tokens = self.writer.push(&encoded.examples, split)?;
        self.statistics.add(encoded, tree_tokens);
        self.splits[split as usize] += encoded.examples.len();
        Ok(())
    }

    /// The file, all of it written, and what is to be told.
    pub fn finish(self, made: &Made<'_>) -> io::Result<(W, DatasetReport)> {
        let Made { maker, state, .. } = made;
        let stage = stage_of(maker.recipe, self.dataset);
        let tokenizer = maker.tokenizer(stage);
        let trains = |split: &Split| split.trains(stage == Stage::Global, maker.recipe.reuse);
        let all = [Split::FirstHalf, Split::SecondHalf, Split::Validation];
        let mut report = DatasetReport {
            fingerprint: maker
                .fingerprint(self.dataset)
                .unwrap_or_default()
                .to_owned(),
            source: state.fingerprint.clone(),
            tokenizer: tokenizer.map_or("", |one| one.fingerprint()).to_owned(),
            prompts: maker.templates.clone(),
            vocab_size: tokenizer.map_or(0, |one| one.vocab_size()),
            max_length: made.max_length(self.dataset),
            training_examples: all
                .into_iter()
                .filter(trains)
                .map(|split| self.splits[split as usize])
                .sum(),
            validation_examples: self.splits[Split::Validation as usize],
            ..DatasetReport::default()
        };
        report.count(self.statistics);
        Ok((self.writer.finish()?, report))
    }
}
