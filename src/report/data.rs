//! What a run was trained on, from `prepare.json`.

use glpft_checkpoints::RunDirectory;
use glpft_data::Dataset;
use glpft_eval::page::{self, LeftOut, SourcePart};

use super::read_part;
use crate::prepare::{DatasetReport, PrepareReport};

/// How many records that cannot be read are named.
const NAMED: usize = 20;

/// The source and the data sets; none before they are prepared.
pub(super) fn prepared(
    run: &RunDirectory,
    problems: &mut Vec<String>,
) -> Option<(SourcePart, Vec<page::Dataset>)> {
    let report: PrepareReport = read_part(&run.prepare(), problems)?;
    let datasets = Dataset::ALL
        .into_iter()
        .filter_map(|set| Some(dataset(set.name(), report.dataset(set)?)))
        .collect();
    Some((source(&report), datasets))
}

fn source(report: &PrepareReport) -> SourcePart {
    let (source, queries) = (&report.source, &report.queries);
    let told = &source.report;
    let mut left_out = vec![
        (told.test_queries, "of test queries"),
        (told.without_messages, "without train_messages"),
        (told.invalid, "not valid"),
        (told.bad.len(), "bad"),
        (told.left_out, "left out by weight or roles"),
    ];
    // Duplicates may be used, too: those that are not are the rest.
    let named: usize = left_out.iter().map(|&(count, _)| count).sum();
    let rest = told.records.saturating_sub(told.kept + named);
    left_out.push((rest, "duplicates"));
    SourcePart {
        path: source.path.clone(),
        form: source.form.clone(),
        records: told.records,
        kept: told.kept,
        left_out: left_out
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, reason)| LeftOut {
                count,
                reason: reason.to_owned(),
            })
            .collect(),
        bad: told
            .bad
            .iter()
            .take(NAMED)
            .map(|bad| (bad.record.clone(), bad.reason.clone()))
            .collect(),
        training_queries: queries.first_half + queries.second_half,
        validation_queries: queries.validation,
    }
}

fn dataset(name: &str, told: &DatasetReport) -> page::Dataset {
    page::Dataset {
        name: name.to_owned(),
        trajectories: told.trajectories,
        training: told.training_examples,
        validation: told.validation_examples,
        tokens: told.tokens,
        label_tokens: told.label_tokens,
        longest: told.longest,
        sharing: told.sharing,
        truncated: told.truncated,
        dropped: told
            .dropped
            .iter()
            .map(|(reason, &count)| LeftOut {
                count,
                reason: reason.to_string(),
            })
            .collect(),
    }
}
