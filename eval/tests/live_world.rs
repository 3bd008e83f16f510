//! Live evaluation on a world: who knows the truth passes everything, who always gives up passes what cannot be done.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_agent::{Asked, GenerateError, Policy, PolicyMessage, Strategy};
use glpft_eval::judge::OfflineJudge;
use glpft_eval::live_evaluation::{
    LiveError, LiveEvaluation, LiveReport, LiveSettings, LiveTask, read_rollouts, read_verdicts,
};
use glpft_eval::static_evaluation::Manifest;
use glpft_world::{Manner, Oracle, Size, TestGroup, World, WorldTask};

/// Says the same at every step.
struct Always(PolicyMessage);

impl Policy for Always {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        Ok(vec![self.0.clone(); asked.len()])
    }
}

fn test_tasks(world: &World) -> Vec<WorldTask> {
    let groups = TestGroup::ALL.into_iter();
    groups
        .flat_map(|group| world.test(group).cloned())
        .collect()
}

fn evaluate(world: &World, strategy: Strategy, policy: &mut dyn Policy, out: &Path) -> LiveReport {
    struct Borrowed<'p>(&'p mut dyn Policy);
    impl Policy for Borrowed<'_> {
        fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
            self.0.say(asked)
        }
    }
    let truths = test_tasks(world);
    let tasks: Vec<LiveTask> = truths.iter().map(LiveTask::from).collect();
    let mut policy = Some(policy);
    LiveEvaluation {
        tasks: &tasks,
        whole: None,
        server: world,
        judge: &OfflineJudge::new(world),
        reference: None,
        settings: &LiveSettings::published(strategy),
        manifest: Manifest::default(),
        out,
        overwrite: true,
        stop: &AtomicBool::new(false),
    }
    .run::<LiveError>(
        &mut || Ok(Box::new(Borrowed(policy.take().unwrap()))),
        &mut (),
    )
    .unwrap()
}

/// The share of tasks that pass, all test sets together.
fn passed(out: &Path) -> (usize, usize) {
    let verdicts = read_verdicts(out).unwrap();
    let passed = verdicts.iter().filter(|verdict| verdict.passing.passed);
    (passed.count(), verdicts.len())
}

#[test]
fn who_knows_the_truth_passes_everything() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1, Size::tiny());
    for (strategy, manner) in [
        (Strategy::REACT, Manner::Exact),
        (Strategy::REACT, Manner::Careful),
        (Strategy::DFSDT, Manner::Careful),
        (Strategy::DFSDT, Manner::EasilyBeaten),
    ] {
        let mut oracle = Oracle::new(&world, manner, 0);
        let report = evaluate(&world, strategy, &mut oracle, folder.path());
        assert_eq!(report.judge, "offline");
        for verdict in read_verdicts(folder.path()).unwrap() {
            let rollouts = read_rollouts(folder.path()).unwrap();
            let rollout = rollouts.iter().find(|one| one.task == verdict.task);
            assert!(
                verdict.passing.passed,
                "{manner:?} {strategy}: {verdict:?}\n{rollout:#?}\n{:#?}",
                world.truth(&verdict.task)
            );
        }
        let scores = report.scores;
        for rates in [scores.pass_rate, scores.solvable_pass_rate] {
            let rates = rates.unwrap();
            assert_eq!((rates.groups.len(), rates.average.rate), (6, 1.0));
        }
    }
}

#[test]
fn who_always_gives_up_passes_exactly_what_cannot_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(2, Size::tiny());
    let tasks = test_tasks(&world);
    let impossible = tasks.iter().filter(|task| !task.truth.solvable).count();
    assert!(impossible > 0);
    let mut always = Always(PolicyMessage::give_up(Some("I cannot.")));
    let report = evaluate(&world, Strategy::REACT, &mut always, folder.path());
    assert_eq!(passed(folder.path()), (impossible, tasks.len()));
    assert_eq!(report.scores.solvable_pass_rate.unwrap().average.rate, 0.0);
    // Answering always, whatever it is, passes nothing; nor does listing what all answers hold.
    let slots = tasks.iter().flat_map(|task| &task.truth.slots);
    let all: Vec<&str> = slots
        .flat_map(|slot| &slot.accepted)
        .map(String::as_str)
        .collect();
    for answer in ["Done.", &all.join(", ")] {
        let mut always = Always(PolicyMessage::answer(None, answer));
        evaluate(&world, Strategy::REACT, &mut always, folder.path());
        assert_eq!(passed(folder.path()).0, 0);
    }
}

#[test]
fn around_faults_a_search_gets_where_a_chain_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(3, Size::tiny());
    let recoverable: Vec<String> = test_tasks(&world)
        .into_iter()
        .filter(|task| task.truth.recoverable)
        .map(|task| task.task.id)
        .collect();
    assert!(!recoverable.is_empty());
    let mut rates = Vec::new();
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        let mut oracle = Oracle::new(&world, Manner::EasilyBeaten, 0);
        evaluate(&world, strategy, &mut oracle, folder.path());
        let verdicts = read_verdicts(folder.path()).unwrap();
        let of = verdicts
            .iter()
            .filter(|one| recoverable.contains(&one.task));
        rates.push(of.filter(|one| one.passing.passed).count());
    }
    assert_eq!(rates, [0, recoverable.len()]);
}
