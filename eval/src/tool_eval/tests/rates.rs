//! Rates by test set.

use super::*;

#[test]
fn rates_are_means_by_test_set_and_their_mean() {
    let mut verdicts = vec![
        verdict("G2_category", &[Solved, Unsure], true, false),
        verdict("own", &[Unsolved, Unsolved], false, false),
        verdict("G1_instruction", &[Solved, Solved], true, false),
        verdict("G2_category", &[Unsolved, Unsolved], true, true),
        verdict("G2_category", &[Unsolved, Unsure], false, false),
        verdict("G2_category", &[Solved, Solved], true, false),
    ];
    let scores = ToolEvalScores::of(&verdicts, 0);
    let pass = scores.pass_rate.clone().unwrap();
    let told: Vec<(&str, usize, f64)> = pass
        .groups
        .iter()
        .map(|group| (group.group.as_str(), group.tasks, group.rate.rate))
        .collect();
    assert_eq!(
        told,
        [
            ("G1_instruction", 1, 1.0),
            ("G2_category", 4, 0.75),
            ("own", 1, 0.0)
        ]
    );
    assert!((pass.average.rate - 1.75 / 3.0).abs() < 1e-12);
    let [low, high] = pass.groups[1].rate.interval.unwrap();
    assert!(low < 0.75 && 0.75 < high && high <= 1.0);
    assert_eq!(pass.groups[0].rate.interval, None);
    // Only one group can vary: a third of its interval's width.
    let [low, high] = pass.average.interval.unwrap();
    assert!(low < 1.75 / 3.0 && high <= 2.0 / 3.0 + 1e-12);
    let solvable = scores.solvable_pass_rate.unwrap();
    let of_group = &solvable.groups[1];
    assert_eq!(of_group.tasks, 3);
    // Rounds: (1 + 0 + 1) / 3 and (½ + ½ + 1) / 3.
    assert!((of_group.rate.rate - 2.0 / 3.0).abs() < 1e-12);
    assert!(of_group.rate.deviation.unwrap() < 1e-12);
    assert_eq!(
        (&scores.win_rate, &scores.solvable_win_rate),
        (&None, &None)
    );
    // Other rounds have a deviation: 2/3 and 1/3.
    verdicts[4] = verdict("G2_category", &[Unsolved, Unsolved], false, false);
    verdicts[0] = verdict("G2_category", &[Solved, Unsolved], false, false);
    let solvable = ToolEvalScores::of(&verdicts, 0).solvable_pass_rate.unwrap();
    let rate = solvable.groups[1].rate;
    assert!((rate.rate - 0.5).abs() < 1e-12);
    assert!((rate.deviation.unwrap() - 1.0 / 6.0).abs() < 1e-12);
    assert_eq!(ToolEvalScores::of(&[], 0), ToolEvalScores::default());
}

#[test]
fn win_rates_count_ties_half() {
    let outcomes = [Outcome::Win, Outcome::Tie, Outcome::Loss, Outcome::Win];
    let verdicts: Vec<TaskVerdict> = outcomes
        .iter()
        .map(|&outcome| TaskVerdict {
            against: Some(WinVerdict {
                outcome,
                solvable: (outcome != Outcome::Loss).then_some(outcome),
                reference_passed: true,
                preferred: [0, 0],
                reason: String::new(),
            }),
            ..verdict("G1_tool", &[Solved], true, false)
        })
        .collect();
    let scores = ToolEvalScores::of(&verdicts, 0);
    assert!((scores.win_rate.unwrap().average.rate - 0.625).abs() < 1e-12);
    let solvable = scores.solvable_win_rate.unwrap();
    assert!((solvable.average.rate - 2.5 / 3.0).abs() < 1e-12);
    assert_eq!(solvable.groups[0].tasks, 3);
}
