//! From the files of an evaluation to its report.

use std::fs;
use std::path::Path;
use std::time::Instant;

use glpft_agent::Role;
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP};
use glpft_recipes::Behaviour;

use super::error::StaticError;
use super::predictions::PREDICTIONS_FILE;
use super::record::{StepRecord, read_records};
use super::report::StaticReport;
use super::settings::{AGENT, StaticSettings};
use super::statistics::RoleStatistics;
use super::steps::DataCounts;
use super::times::{TIMES_FILE, Times};
use crate::error::PredictionsError;
use crate::manifest::Manifest;
use crate::report::Row;
use crate::score::Scorer;

/// Scores what lies in `out`; every step is there.
pub(crate) fn report(
    out: &Path,
    settings: &StaticSettings,
    data: DataCounts,
    evaluation: Manifest,
) -> Result<StaticReport, StaticError> {
    let started = Instant::now();
    let path = out.join(PREDICTIONS_FILE);
    let mut scorer = Scorer::new(Behaviour::Fixed);
    let mut right = Row::default();
    let names = Role::ALL.map(Role::name).into_iter().chain([AGENT]);
    let mut roles: Vec<RoleStatistics> = names.map(RoleStatistics::new).collect();
    let mut plans_without_tag = 0;
    read_records(&path, &mut |record| {
        let score = scorer.add(&record.entry());
        let score = score.map_err(|reason| PredictionsError::Step {
            place: format!("trajectory {}, turn {}", record.trajectory, record.turn),
            reason,
        })?;
        if record.outcome.is_right() {
            right.count(score.reference);
        }
        plans_without_tag += u64::from(is_without_tag(&record));
        for output in &record.outputs {
            if let Some(role) = roles.iter_mut().find(|role| role.role == output.role) {
                role.add(output);
            }
        }
        Ok(())
    })?;
    let scores = scorer
        .finish(settings.seed)
        .map_err(|metric| PredictionsError::Undefined { path, metric })?;
    let mut times = read_times(&out.join(TIMES_FILE));
    times.scoring = started.elapsed().as_secs_f64();
    Ok(StaticReport {
        scores,
        right,
        data,
        roles: roles.into_iter().filter(|role| role.requests > 0).collect(),
        plans_without_tag,
        times,
        evaluation,
    })
}

fn is_without_tag(record: &StepRecord) -> bool {
    record.outputs.iter().any(|output| {
        let tags = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP];
        output.role == Role::Planner.name() && !tags.iter().any(|tag| output.text.contains(tag))
    })
}

/// What the batches took. Times are worth no error: a line that cannot be read is left out.
fn read_times(path: &Path) -> Times {
    let mut all = Times::default();
    let text = fs::read_to_string(path).unwrap_or_default();
    for line in text.lines() {
        if let Ok(times) = serde_json::from_str(line) {
            all += times;
        }
    }
    all
}
