use glpft_eval::Metrics;

use super::*;
use crate::study::evaluate::CellScore;
use crate::study::report::TrainedStage;
use glpft_recipes::Stage;

fn cell(
    arrangement: Compared,
    fraction: f64,
    seed: u64,
    plan: f64,
    hallu: Option<f64>,
) -> ScoredCell {
    ScoredCell {
        base: "a".to_owned(),
        parameters: 1000,
        fraction,
        seed,
        arrangement,
        budget: Budget::Stages,
        directory: String::new(),
        queries: 10,
        stages: vec![TrainedStage {
            stage: Stage::Global,
            key: format!("{arrangement:?} {fraction} {seed}"),
            steps: 2,
            tokens: 100 + 10 * seed,
            computed_tokens: 80 + 10 * seed,
            seconds: 1.0,
        }],
        score: CellScore {
            key: String::new(),
            metrics: Metrics {
                plan_em: Some(plan),
                hallu_rate: hallu,
                ..Metrics::default()
            },
            steps: 5,
            conversations: 2,
            played: Vec::new(),
            seconds: 1.0,
        },
    }
}

#[test]
fn means_deviate_by_the_samples_deviation() {
    let estimate = Estimate::of(vec![0.2, 0.4, 0.9]).unwrap();
    assert!((estimate.mean - 0.5).abs() < 1e-12);
    // Squares: 0.09 + 0.01 + 0.16 = 0.26, over 2.
    assert!((estimate.deviation.unwrap() - 0.13f64.sqrt()).abs() < 1e-12);
    assert_eq!(Estimate::of(vec![0.3]).unwrap().deviation, None);
    assert_eq!(Estimate::of(Vec::new()), None);
}

#[test]
fn the_best_of_a_share_is_marked_and_of_hallucinations_the_lowest() {
    let cells = [
        cell(Compared::Single, 0.5, 1, 0.9, Some(0.1)),
        cell(Compared::Glpft, 0.5, 1, 0.8, Some(0.0)),
        cell(Compared::Single, 1.0, 1, 0.7, Some(0.2)),
        cell(Compared::Single, 1.0, 2, 0.9, Some(0.4)),
        cell(Compared::OneStage, 1.0, 1, 0.800_001, Some(0.31)),
        cell(Compared::Glpft, 1.0, 1, 0.6, None),
    ];
    let rows = rows(&cells);
    let best = |metric: StudyMetric| -> Vec<Option<bool>> {
        rows.iter()
            .map(|row| Some(row.metric(metric)?.best))
            .collect()
    };
    // 80.00 and 80.0001 look the same.
    assert_eq!(
        best(StudyMetric::PlanEm),
        [true, false, true, true, false].map(Some)
    );
    assert_eq!(
        best(StudyMetric::HalluRate),
        [Some(false), Some(true), Some(true), Some(false), None]
    );
    assert!(
        rows.iter()
            .all(|row| row.metric(StudyMetric::Rouge).is_none())
    );
    let seeds: Vec<usize> = rows.iter().map(|row| row.seeds).collect();
    assert_eq!(seeds, [1, 1, 2, 1, 1]);
    assert_eq!(rows[2].tokens, 115.0);
    assert_eq!(rows[2].computed_tokens, 95.0);
    assert_eq!(rows[2].global_share, 1.0);
}

#[test]
fn what_was_played_is_compared_task_by_task() {
    let played = |letters: &str| Played {
        strategy: "react".to_owned(),
        outcomes: [("G1_tool".to_owned(), letters.to_owned())].into(),
    };
    let with = |arrangement, seed, letters: &str| {
        let mut cell = cell(arrangement, 1.0, seed, 0.5, None);
        cell.score.played = vec![played(letters)];
        cell
    };
    let cells = [
        with(Compared::Single, 1, "PFPg"),
        with(Compared::Single, 2, "PFFf"),
        with(Compared::Glpft, 1, "PPPg"),
        with(Compared::Glpft, 2, "PPFf"),
        with(Compared::Glpft, 3, "PGGn"),
    ];
    let rows = rows(&cells);
    let [single, team] = [&rows[0].played[0], &rows[1].played[0]];
    assert_eq!(single.pass.values, [0.75, 0.25]);
    assert_eq!(single.pass.mean, 0.5);
    assert!(team.pass.best && !single.pass.best);
    assert_eq!(single.pass_above_single, None);
    assert_eq!(
        (team.tasks, team.given_up, team.rightly_given_up),
        (4, 1.0, 1.0 / 3.0)
    );
    let solvable = team.solvable_pass.as_ref().unwrap();
    assert_eq!(solvable.values, [1.0, 2.0 / 3.0, 1.0 / 3.0]);
    // One task more of four with either seed, and always the same: less uncertain than either rate.
    let above = team.pass_above_single.as_ref().unwrap();
    assert_eq!(above.values, [0.25, 0.25]);
    let width = |estimate: &Estimate| estimate.interval.map(|[low, high]| high - low).unwrap();
    assert!(width(above) < width(&team.pass), "{above:?}");
}

#[test]
fn a_row_alone_and_equal_ones_are_best_of_nothing() {
    let alone = cell(Compared::Glpft, 1.0, 1, 0.5, Some(0.0));
    let equal = cell(Compared::Single, 1.0, 1, 0.5, Some(0.0));
    for cells in [vec![alone.clone()], vec![alone, equal]] {
        let estimates = rows(&cells)
            .into_iter()
            .flat_map(|row| row.metrics.into_values());
        assert!(estimates.into_iter().all(|estimate| !estimate.best));
    }
}
