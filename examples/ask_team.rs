//! Asks a trained team's planner: `cargo run --release --example ask_team -- RUN`, where RUN is what `train_roles` left.
#![allow(clippy::print_stdout, reason = "an example that tells what it does")]

use std::error::Error;
use std::path::PathBuf;

use glpft::{Team, TeamSource};
use glpft_agent::{Generate, Limits, Request, Role, Sampling};
use glpft_data::Text;
use glpft_recipes::Precision;

fn main() -> Result<(), Box<dyn Error>> {
    let run = std::env::args().nth(1).ok_or("usage: ask_team RUN")?;
    let device = glpft_model::device("cpu")?;
    let mut team = Team::open(
        &TeamSource::Run(PathBuf::from(run)),
        &device,
        Precision::F32,
    )?;
    let mut prompt = Text::new();
    prompt.push("system: Which city is the capital of Norway?");
    // A `TeamPolicy` writes such prompts for whole tasks; this is one request by hand.
    let request = Request {
        role: Role::Planner,
        prompt,
        stop: Vec::new(),
        limits: Limits {
            prompt_tokens: 512,
            new_tokens: 16,
            stop_repeats: None,
        },
        sampling: Sampling::Greedy,
    };
    // Requests of all roles may be asked together, and share the prefixes that they have in common.
    for answer in team.generate(&[request])? {
        println!(
            "{:?}: {:?} ({} prompt tokens)",
            answer.finish, answer.text, answer.prompt_tokens
        );
    }
    Ok(())
}
