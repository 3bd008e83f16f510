//! What a stage tells of each of several sources.

use std::collections::BTreeMap;

use glpft_data::{Origins, StepBatches};

use crate::log::SourceLoss;
use crate::validation::LossSum;

/// The label tokens of a step that are of each of several sources, without those that have none.
pub(crate) fn source_label_tokens(
    origins: &Origins,
    step: &StepBatches,
) -> BTreeMap<String, usize> {
    let mut tokens = BTreeMap::new();
    if !origins.is_empty() {
        for (&(trajectory, _), label_tokens) in step.examples.iter().zip(&step.label_tokens) {
            let name = &origins.names()[origins.of(trajectory)];
            *tokens.entry(name.clone()).or_default() += label_tokens;
        }
    }
    tokens
}

/// The mean loss of each of several sources that has something held out.
pub(crate) fn source_losses(origins: &Origins, losses: &[LossSum]) -> BTreeMap<String, SourceLoss> {
    let named = origins.names().iter().zip(losses);
    let means = named.filter_map(|(name, sum)| {
        let (loss, label_tokens) = (sum.mean()?, sum.label_tokens);
        Some((name.clone(), SourceLoss { loss, label_tokens }))
    });
    means.collect()
}
