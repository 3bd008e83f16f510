//! Trains planner, caller and summarizer from code: `cargo run --release --example train_roles -- DIR`.
//!
//! The recipe `sample` needs no files: a tiny model with random weights, on a few trajectories that the program carries.
#![allow(clippy::print_stdout, reason = "an example that tells what it does")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use glpft::arrangement::jobs;
use glpft::place::{Removal, own_run};
use glpft::prepare::{datasets_of_jobs, prepare_datasets};
use glpft::run::run_stages;
use glpft::stage::Context;
use glpft_recipes::{Override, Recipe};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "runs/example".to_owned());
    // Any key of a recipe can be set. Three stages straight from the base; `glpft` is the default arrangement.
    let overrides = [
        Override::new("arrangement", "one-stage"),
        Override::new("stage.max_steps", "3"),
    ];
    let recipe = Recipe::load("sample", &overrides)?;

    // One process writes to a run's directory. Started again, everything goes on where it was.
    let owned = own_run(&PathBuf::from(directory), &recipe, Removal::Nothing)?;
    let datasets = datasets_of_jobs(&recipe, &jobs(&recipe));
    let if_changed = Removal::Nothing.if_changed();
    prepare_datasets(&recipe, &owned.run, &datasets, if_changed, &mut |_| {})?;

    let context = Context {
        recipe: &recipe,
        recorded: &recipe,
        run: &owned.run,
        device: &glpft_model::device("cpu")?,
        device_name: "cpu",
        resume_anyway: false,
        ranks: &glpft_train::Alone,
        stop: &AtomicBool::new(false),
        save: &AtomicBool::new(false),
        dump_gradients: None,
    };
    // `()` observes nothing; an `Observer` sees every step, validation and checkpoint.
    for stage in run_stages(&context, &mut ())?.stages {
        println!(
            "{}: loss {:?} → {:?}, in {}",
            stage.stage.name(),
            stage.report.first_loss,
            stage.report.last_loss,
            stage.model.display()
        );
    }
    Ok(())
}
