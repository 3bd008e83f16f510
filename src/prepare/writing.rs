//! A dataset as it is made: its file and what is counted of it.

use std::io::{self, Seek, Write};

use glpft_data::{Dataset, DatasetStatistics, DatasetWriter, EncodedExamples, Origins, Split};
use glpft_recipes::Stage;

use super::build::Made;
use super::report::{DatasetReport, SourceCounts};
use super::stage_of;

/// A dataset that is being made.
pub(super) struct Writing<W> {
    pub dataset: Dataset,
    writer: DatasetWriter<W>,
    statistics: DatasetStatistics,
    /// Examples of each split, by its number.
    splits: [usize; 3],
    origins: Origins,
    /// The same of each of several sources.
    sources: Vec<(DatasetStatistics, [usize; 3])>,
}

impl<W: Write + Seek> Writing<W> {
    /// Begins a dataset in an empty file.
    pub fn new(made: &Made<'_>, dataset: Dataset, file: W) -> io::Result<Self> {
        let fingerprint = made.maker.fingerprint(dataset).unwrap_or_default();
        let origins = Origins::new(&made.state.report);
        Ok(Self {
            dataset,
            writer: DatasetWriter::new(file, fingerprint)?,
            statistics: DatasetStatistics::default(),
            splits: [0; 3],
            sources: vec![Default::default(); origins.names().len()],
            origins,
        })
    }

    /// Adds the examples of a trajectory, the one of that index among all that are read.
    pub fn add(&mut self, index: usize, encoded: &EncodedExamples, split: Split) -> io::Result<()> {
        let tree_tokens = self.writer.push(&encoded.examples, split)?;
        // A data set has fewer than 2³² trajectories.
        if let Some((statistics, splits)) = self.sources.get_mut(self.origins.of(index as u32)) {
            statistics.add(encoded, tree_tokens);
            splits[split as usize] += encoded.examples.len();
        }
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
        let training = |splits: &[usize; 3]| {
            let all = [Split::FirstHalf, Split::SecondHalf, Split::Validation];
            let counts = all.into_iter().filter(trains);
            counts.map(|split| splits[split as usize]).sum::<usize>()
        };
        let named = self.origins.names().iter().zip(&self.sources);
        let sources = named.map(|(name, (statistics, splits))| {
            let validation = splits[Split::Validation as usize];
            let counts = SourceCounts::new(statistics, training(splits), validation);
            (name.clone(), counts)
        });
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
            training_examples: training(&self.splits),
            sources: sources.collect(),
            validation_examples: self.splits[Split::Validation as usize],
            ..DatasetReport::default()
        };
        report.count(self.statistics);
        Ok((self.writer.finish()?, report))
    }
}
