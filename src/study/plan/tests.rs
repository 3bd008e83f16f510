use std::collections::BTreeSet;

use glpft_recipes::{Arrangement, Stage, StartFrom};

use super::*;
use crate::study::StageLength;

fn recipe() -> Recipe {
    Recipe::load("sample", &[]).unwrap()
}

fn grid(arrangements: &[Compared], fractions: &[f64], seeds: u32) -> Grid {
    Grid {
        arrangements: arrangements.to_vec(),
        budgets: vec![Budget::Stages],
        splits: Vec::new(),
        fractions: fractions.to_vec(),
        seeds,
        bases: Vec::new(),
    }
}

fn plan(arrangements: &[Compared], fractions: &[f64], seeds: u32) -> StudyPlan {
    StudyPlan::new(&recipe(), &grid(arrangements, fractions, seeds), &mut Fixed).unwrap()
}

/// Seven steps for every stage, and those of a split's percent more: nothing is counted.
struct Fixed;

impl Lengths for Fixed {
    fn lengths(
        &mut self,
        glpft: &Cell,
        own: &Cell,
        budget: Budget,
    ) -> Result<Vec<StageLength>, Error> {
        assert_eq!(glpft.compared, Compared::Glpft);
        assert_eq!(glpft.budget, Budget::Stages);
        let percent = match budget {
            Budget::Split(percent) => percent.into(),
            _ if own.compared == Compared::Glpft => return Ok(Vec::new()),
            _ => 0,
        };
        let length = |job: Job| StageLength {
            stage: job.stage,
            epochs: 3,
            steps: 7 + percent,
        };
        Ok(own.jobs().into_iter().map(length).collect())
    }
}

/// The names of a stage's cells.
fn of<'p>(plan: &'p StudyPlan, stage: &PlannedStage) -> Vec<&'p str> {
    let cells = stage.cells.iter();
    cells
        .map(|&cell| plan.cells[cell].compared.name())
        .collect()
}

#[test]
fn all_arrangements_share_one_global_stage() {
    let plan = plan(&Compared::ALL, &[1.0], 1);
    let named: Vec<(&str, Vec<&str>)> = plan
        .stages
        .iter()
        .map(|stage| (stage.job.stage.name(), of(&plan, stage)))
        .collect();
    let alone = |stage, cell| (stage, vec![cell]);
    assert_eq!(
        named,
        [
            ("global", vec!["single", "glpft"]),
            alone("planner", "one-stage"),
            alone("caller", "one-stage"),
            alone("summarizer", "one-stage"),
            alone("global", "multi-task"),
            alone("global", "glpft-no-reuse"),
            alone("planner", "glpft-no-reuse"),
            alone("caller", "glpft-no-reuse"),
            alone("summarizer", "glpft-no-reuse"),
            alone("planner", "glpft"),
            alone("caller", "glpft"),
            alone("summarizer", "glpft"),
        ]
    );
    assert_eq!(plan.shared(), 1);
}

#[test]
fn cells_are_what_their_names_say() {
    for cell in plan(&Compared::ALL, &[0.5], 1).cells {
        let (recipe, name) = (&cell.recipe, cell.compared.name());
        assert_eq!(recipe.arrangement, cell.compared.arrangement(), "{name}");
        assert_eq!(
            recipe.reuse,
            cell.compared != Compared::GlpftNoReuse,
            "{name}"
        );
        assert_eq!(recipe.data.fraction, 0.5, "{name}");
        let from = match cell.compared {
            Compared::OneStage => StartFrom::Base,
            _ => StartFrom::Global,
        };
        for (job, _) in &cell.stages {
            let global = job.stage == Stage::Global;
            assert_eq!(
                job.from == StartFrom::Base,
                global || from == StartFrom::Base
            );
        }
        let directory = format!("runs/random/0.5/seed-42/{name}");
        assert_eq!(cell.directory, Path::new(&directory));
    }
}

#[test]
fn shares_and_seeds_share_no_stage() {
    let plan = plan(
        &[Compared::Single, Compared::Glpft],
        &[1.0, 0.25, 0.5, 0.5],
        3,
    );
    let fractions: BTreeSet<String> = plan
        .cells
        .iter()
        .map(|cell| cell.fraction.to_string())
        .collect();
    assert_eq!(
        plan.cells.len(),
        2 * 3 * 3,
        "a share named twice counts once"
    );
    assert_eq!(fractions.len(), 3);
    assert_eq!(plan.stages.len(), 4 * 3 * 3);
    assert_eq!(plan.shared(), 3 * 3);
    let keys: BTreeSet<&str> = plan.stages.iter().map(|stage| stage.key.as_str()).collect();
    assert_eq!(keys.len(), plan.stages.len());
    // Whole seeds first, small shares first in each.
    let order: Vec<(u64, f64)> = plan
        .cells
        .iter()
        .map(|cell| (cell.recipe.seed, cell.fraction))
        .collect();
    assert!(order.is_sorted_by(|one, other| one <= other), "{order:?}");
    for cell in &plan.cells {
        let data = &cell.recipe.data;
        assert_eq!(data.split_seed - 42, cell.recipe.seed - 42);
    }
}

#[test]
fn what_is_only_written_decides_nothing_and_what_is_learned_does() {
    let keys = |change: &str| {
        let changes: Vec<_> = change.parse().into_iter().collect();
        let recipe = Recipe::load("sample", &changes).unwrap();
        let grid = grid(&[Compared::Glpft], &[1.0], 1);
        let plan = StudyPlan::new(&recipe, &grid, &mut Fixed).unwrap();
        plan.stages
            .into_iter()
            .map(|stage| stage.key)
            .collect::<Vec<_>>()
    };
    let own = keys("name=other");
    assert_eq!(own, keys("stage.eval_every=5"));
    assert_eq!(own, keys("stage.recompute=1"));
    let planner = keys("stage.planner.lr=1e-3");
    assert_eq!(
        (&own[0], own[1] == planner[1], &own[2..]),
        (&planner[0], false, &planner[2..])
    );
    // What starts from a changed stage is changed.
    for change in [
        "stage.global.lr=1e-3",
        "seed=7",
        "data.split_seed=7",
        "data.valid_only=false",
        "data.sampling=example",
        "model.random.layers=2",
    ] {
        let changed = keys(change);
        assert!(
            own.iter()
                .zip(&changed)
                .all(|(own, changed)| own != changed),
            "{change}"
        );
    }
}

#[test]
fn bases_have_folders_of_their_own() {
    let recipe = Recipe::load_partial(
        "smollm2-135m",
        &["data.source=builtin:sample".parse().unwrap()],
    )
    .unwrap();
    let mut grid = grid(&[Compared::Single], &[1.0], 1);
    grid.bases = ["/models/a", "/other/a", "/models/b c", "/models/a"]
        .map(str::to_owned)
        .to_vec();
    let plan = StudyPlan::new(&recipe, &grid, &mut Fixed).unwrap();
    let names: Vec<&str> = plan
        .cells
        .iter()
        .map(|cell| cell.base.name.as_str())
        .collect();
    assert_eq!(names, ["a", "a-2", "b_c"]);
    assert_eq!(plan.cells[1].recipe.model.base, "/other/a");
    assert_eq!(plan.shared(), 0);
}

#[test]
fn fractions_are_of_what_the_recipe_uses() {
    let half = Recipe::load("sample", &["data.fraction=0.5".parse().unwrap()]).unwrap();
    let plan = StudyPlan::new(&half, &grid(&[Compared::Single], &[0.5], 1), &mut Fixed).unwrap();
    assert_eq!(plan.cells[0].recipe.data.fraction, 0.25);
}

#[test]
fn empty_and_impossible_grids_are_refused() {
    let single = &[Compared::Single][..];
    for (arrangements, fractions, seeds, told) in [
        (&[][..], &[1.0][..], 1, "--arrangements"),
        (single, &[], 1, "--fractions"),
        (single, &[0.0, 1.0], 1, "--fractions: 0 is not a share"),
        (single, &[1.5], 1, "--fractions"),
        (single, &[f64::NAN], 1, "--fractions"),
        (single, &[1.0], 0, "--seeds"),
    ] {
        let error = StudyPlan::new(&recipe(), &grid(arrangements, fractions, seeds), &mut Fixed)
            .unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
    let mut foreign = grid(single, &[1.0], 1);
    foreign.bases = vec!["/models/a".to_owned()];
    let error = StudyPlan::new(&recipe(), &foreign, &mut Fixed).unwrap_err();
    assert!(error.to_string().contains("model.random"), "{error}");
}

#[test]
fn siblings_share_what_the_plan_shares() {
    let recipe = recipe();
    let plan = plan(&[Compared::Glpft], &[0.5], 2);
    let cell = &plan.cells[1];
    let alike: Vec<(&str, &str)> = siblings(&recipe, &plan, cell)
        .iter()
        .flat_map(|other| {
            let same = |key: &String| cell.stages.iter().any(|(_, own)| own == key);
            let name = other.compared.name();
            let stages = other.stages.iter().filter(move |(_, key)| same(key));
            stages
                .map(|(job, _)| (name, job.stage.name()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(alike, [("single", "global")]);
    assert_eq!(recipe.arrangement, Arrangement::Glpft);
}

#[test]
fn budgets_are_cells_of_their_own_that_share_what_is_the_same() {
    let grid = Grid {
        budgets: vec![Budget::Tokens, Budget::Stages, Budget::Tokens],
        splits: vec![100, 0, 25],
        ..grid(&[Compared::Single, Compared::Glpft], &[1.0], 1)
    };
    let plan = StudyPlan::new(&recipe(), &grid, &mut Fixed).unwrap();
    let names: Vec<_> = plan
        .cells
        .iter()
        .map(|cell| cell.directory.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "single",
            "glpft",
            "single-equal-tokens",
            "one-stage-equal-tokens",
            "glpft-equal-tokens",
            "glpft-split-25",
        ]
    );
    let [single, glpft, single_equal, one_stage, glpft_equal, split] = &plan.cells[..] else {
        panic!("{names:?}");
    };
    assert_eq!(glpft.stages, glpft_equal.stages, "it is the measure");
    assert_ne!(single.stages, single_equal.stages);
    let steps = |cell: &Cell, stage| {
        let settings = cell.recipe.stage(stage);
        (settings.epochs, settings.max_steps)
    };
    assert_eq!(steps(single_equal, Stage::Global), (3, Some(7)));
    assert_eq!(steps(split, Stage::Global), (3, Some(32)));
    assert_eq!(steps(one_stage, Stage::Caller), (3, Some(7)));
    assert_eq!(steps(one_stage, Stage::Global), steps(glpft, Stage::Global));
    // GLPFT's four with the other GLPFT, and its backbone with Single-LLM of the recipe's epochs.
    assert_eq!(plan.shared(), 4 + 1);
    let holders = siblings(&recipe(), &plan, glpft_equal);
    let holds = |other: &&Cell| other.stages == glpft_equal.stages;
    assert_eq!(holders.iter().filter(holds).count(), 1);
    assert!(
        holders
            .iter()
            .all(|other| other.directory != glpft_equal.directory)
    );
}

#[test]
fn splits_are_percent() {
    let mut wrong = grid(&[Compared::Glpft], &[1.0], 1);
    wrong.splits = vec![50, 101];
    let error = StudyPlan::new(&recipe(), &wrong, &mut Fixed).unwrap_err();
    assert!(error.to_string().contains("--split: 101"), "{error}");
    wrong.splits.clear();
    wrong.budgets.clear();
    let error = StudyPlan::new(&recipe(), &wrong, &mut Fixed).unwrap_err();
    assert!(error.to_string().contains("--budget"), "{error}");
}
