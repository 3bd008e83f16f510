//! `prepare.json`: what was prepared, from what.

use std::collections::BTreeMap;

use glpft_data::{Dataset, DatasetStatistics, DropReason, SourceReport};
use glpft_recipes::counted;
use serde::{Deserialize, Serialize};

/// What was prepared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrepareReport {
    /// Where it comes from.
    pub source: SourceState,
    /// How the source's queries are split.
    pub queries: QueryCounts,
    /// The datasets by name, those that stages read.
    pub datasets: BTreeMap<String, DatasetReport>,
}

/// A source as it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceState {
    /// `data.source`.
    pub path: String,
    /// A hash of its content, test query ids included.
    pub fingerprint: String,
    /// A hash of its files' names, sizes and times: where it is the same, the content is not read again.
    pub listing: String,
    /// Its form: `raw`, or that of its records.
    pub form: String,
    /// How many test query ids it leaves out; `null` where it has none to leave out.
    pub test_query_ids: Option<usize>,
    /// What became of its records.
    pub report: SourceReport,
}

/// How many queries are in each split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryCounts {
    /// Train; where the stages do not share data, the global stage.
    pub first_half: usize,
    /// Train; where the stages do not share data, the local stages.
    pub second_half: usize,
    /// Held out.
    pub validation: usize,
}

/// One dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Everything that decides it, hashed.
    pub fingerprint: String,
    /// The source's part of that.
    pub source: String,
    /// The tokenizer's part of that.
    pub tokenizer: String,
    /// The prompt templates' part of that.
    pub prompts: String,
    /// The tokenizer's largest id plus one.
    pub vocab_size: usize,
    /// The longest example that its stage reads.
    pub max_length: usize,
    /// Trajectories that have an example here.
    pub trajectories: usize,
    /// Examples, all splits.
    pub examples: usize,
    /// Examples that its stage trains on.
    pub training_examples: usize,
    /// Examples held out.
    pub validation_examples: usize,
    /// Tokens, prompts and targets.
    pub tokens: usize,
    /// Tokens that are learned.
    pub label_tokens: usize,
    /// The longest example, in tokens.
    pub longest: usize,
    /// What is left to compute where the examples of a trajectory share their prefixes.
    pub tree_tokens: usize,
    /// Tokens per tree token.
    pub sharing: f64,
    /// Examples that lost tokens.
    pub truncated: usize,
    /// Tokens that these lost.
    #[serde(default)]
    pub cut_tokens: usize,
    /// Tokens that are not learned, because they were cut or their example was left out.
    #[serde(default)]
    pub lost_label_tokens: usize,
    /// Examples left out, by reason.
    pub dropped: BTreeMap<DropReason, usize>,
    /// Where there are several sources, what is of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, SourceCounts>,
}

/// What a dataset has of one of several sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCounts {
    /// Trajectories that have an example here; one that is read several times counts as often.
    pub trajectories: usize,
    /// Examples that its stage trains on.
    pub training_examples: usize,
    /// Examples held out.
    pub validation_examples: usize,
    /// Tokens, prompts and targets.
    pub tokens: usize,
    /// Tokens that are learned.
    pub label_tokens: usize,
    /// Examples that lost tokens.
    pub truncated: usize,
    /// Tokens that these lost.
    pub cut_tokens: usize,
    /// Tokens that are not learned, because they were cut or their example was left out.
    pub lost_label_tokens: usize,
    /// Examples left out.
    pub dropped: usize,
}

impl SourceCounts {
    pub(super) fn new(
        statistics: &DatasetStatistics,
        training_examples: usize,
        validation_examples: usize,
    ) -> Self {
        Self {
            trajectories: statistics.trajectories,
            training_examples,
            validation_examples,
            tokens: statistics.tokens,
            label_tokens: statistics.label_tokens,
            truncated: statistics.truncated,
            cut_tokens: statistics.cut_tokens,
            lost_label_tokens: statistics.lost_label_tokens,
            dropped: statistics.dropped.values().sum(),
        }
    }
}

impl PrepareReport {
    pub(super) fn new(source: SourceState) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// What is said of a dataset; `None` where it was not prepared.
    pub fn dataset(&self, dataset: Dataset) -> Option<&DatasetReport> {
        self.datasets.get(dataset.name())
    }
}

impl SourceState {
    /// Takes over what an earlier reading of the same content told.
    pub(super) fn adopt(&mut self, earlier: Self) {
        self.form = earlier.form;
        self.test_query_ids = earlier.test_query_ids;
        self.report = earlier.report;
    }
}

impl DatasetReport {
    /// What became of the examples, for a dataset without any to train on.
    pub(super) fn why_none(&self, source: &SourceState) -> String {
        let mut parts = Vec::new();
        if self.validation_examples > 0 {
            parts.push(format!("{} held out", self.validation_examples));
        }
        if self.examples > self.validation_examples {
            let other_half = self.examples - self.validation_examples;
            parts.push(format!("{other_half} of the other half (reuse = false)"));
        }
        for (reason, count) in &self.dropped {
            parts.push(format!(
                "{count} {reason} (longest allowed: {})",
                self.max_length
            ));
        }
        if parts.is_empty() {
            let SourceState { form, report, .. } = source;
            return format!(
                "the source ({form}, {}) has none",
                counted(report.kept, "record", "records")
            );
        }
        parts.join(", ")
    }

    pub(super) fn count(&mut self, statistics: DatasetStatistics) {
        self.sharing = statistics.sharing();
        self.trajectories = statistics.trajectories;
        self.examples = statistics.examples;
        self.tokens = statistics.tokens;
        self.label_tokens = statistics.label_tokens;
        self.longest = statistics.longest;
        self.tree_tokens = statistics.tree_tokens;
        self.truncated = statistics.truncated;
        self.cut_tokens = statistics.cut_tokens;
        self.lost_label_tokens = statistics.lost_label_tokens;
        self.dropped = statistics.dropped;
    }
}
