//! Scores a file of predictions by the paper's metrics: `cargo run --example score_predictions -- FILE`.
//!
//! FILE is what `glpft eval static` leaves in `predictions.jsonl`, or the published evaluation's JSON.
#![allow(clippy::print_stdout, reason = "an example that tells what it finds")]

use std::error::Error;
use std::path::PathBuf;

use glpft_eval::score_file;
use glpft_recipes::Behaviour;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args()
        .nth(1)
        .ok_or("usage: score_predictions FILE")?;
    // `Compat` scores as the published script does, bugs included; the seed is that of the intervals.
    let report = score_file(&PathBuf::from(file), Behaviour::Fixed, 0)?;
    println!("{}", serde_json::to_string_pretty(&report.metrics)?);
    println!("{}", serde_json::to_string_pretty(&report.counts)?);
    Ok(())
}
