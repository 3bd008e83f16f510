//! The first steps of each tiny family, pinned: what moves a family's loss is seen in review.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use burn::tensor::FloatDType;
use glpft_model::Trained;
use glpft_recipes::{Packing, StageRecipe};
use support::trace::trace;
use support::{attach, examples, model, recipe};

/// How far a loss may be from the pinned one, in nats: in double precision machines differ by far less.
const TOLERANCE: f64 = 1e-6;

/// The losses of three steps in double precision, of all weights and of adapters with dropout.
fn losses(family: &str) -> [Vec<f64>; 2] {
    [false, true].map(|adapters| {
        let mut model = model(family, FloatDType::F64);
        match adapters {
            false => model.train(Trained::All),
            true => {
                attach(&mut model, 0.1);
                model.train(Trained::Adapters);
            }
        }
        let recipe = StageRecipe {
            max_steps: Some(3),
            warmup_ratio: 0.0,
            ..recipe()
        };
        let examples = examples(8, 40);
        let found = trace(&mut model, &recipe, Packing::Tree, &examples);
        found.expect("trains").losses
    })
}

/// Written anew by `GLPFT_GOLDEN=write`.
#[test]
fn every_family_learns_as_it_did() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let folders = fs::read_dir(tests.join("golden")).expect("a folder");
    let mut families: Vec<String> = folders
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("config.json").is_file())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    families.sort();
    assert!(families.len() > 10, "{families:?}");
    let mut found = BTreeMap::new();
    for family in &families {
        for (tune, losses) in ["full", "lora"].iter().zip(losses(family)) {
            found.insert(format!("{family}/{tune}"), losses);
        }
    }
    let path = tests.join("loss-curves/families.txt");
    if std::env::var_os("GLPFT_GOLDEN").is_some_and(|value| value == "write") {
        let mut text = "# Losses of three steps of each tiny model, in nats a label token: see train/tests/loss_curves.rs.\n".to_owned();
        for (name, losses) in &found {
            let _ = write!(text, "{name:24}");
            for loss in losses {
                let _ = write!(text, " {loss:.8}");
            }
            text.push('\n');
        }
        fs::write(&path, text).expect("the file can be written");
    }
    let text = fs::read_to_string(&path).expect("pinned losses");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pinned: BTreeMap<String, Vec<f64>> = lines
        .filter_map(|line| {
            let (name, losses) = line.split_once(' ')?;
            let losses = losses.split_whitespace();
            Some((
                name.to_owned(),
                losses.filter_map(|loss| loss.parse().ok()).collect(),
            ))
        })
        .collect();
    assert!(found.keys().eq(pinned.keys()), "{:?}", pinned.keys());
    for (name, losses) in &found {
        assert_eq!(losses.len(), pinned[name].len(), "{name}");
        for (step, (found, pinned)) in losses.iter().zip(&pinned[name]).enumerate() {
            assert!(
                (found - pinned).abs() <= TOLERANCE,
                "{name}, step {}: loss {found}, pinned {pinned}; if it is meant to move, say why, and write the values anew \
                 with GLPFT_GOLDEN=write",
                step + 1
            );
        }
    }
}
