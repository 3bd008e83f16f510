//! Our side of `benches/engine.py`, `benches/scaling.py` and `benches/generate.py`: steps on given tokens, answers to
//! given prompts, and the machine's GEMM peak.
//!
//! ```text
//! bench step MODEL TOKENS… [--lora RANK] [--packing tree|rows|none] [--warmup 1] [--repeat 3] [--set KEY=VALUE]…
//! bench gemm [--repeat 5]
//! bench stages RECIPE [--set KEY=VALUE]…
//! bench generate MODEL TOKENS [--new-tokens 32] [--prompt-tokens 2048] [--batch 32] [--together 4] [--alone] [--ids]
//! ```
//!
//! `step` trains on all lines of a TOKENS file as one optimizer step a pass, one file after the other. A line is what
//! `glpft data export --tokens` writes, and may say its `"trajectory"` (a number); without it each line is a
//! trajectory of its own, whose prefixes are then shared only where several fit one micro-batch. It prints a JSON
//! line a step, as the PyTorch script of the comparison does, and one a file. `generate` is our side of
//! `benches/generate.py`: it answers the prompts of a TOKENS file, those of some trajectories at once. `stages` trains nothing:
//! it counts the operations of an epoch of each local stage of a recipe, for `benches/roles.py`.

mod flops;
mod gemm;
mod generate;
mod line;
mod stages;
mod step;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// What every part of it may fail with: it is for people who read its source.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Parser)]
#[command(name = "bench")]
enum Command {
    /// Trains on given tokens and says how fast
    Step(step::Step),
    /// Multiplies large f32 matrices and says how fast
    Gemm(gemm::Gemm),
    /// Answers given prompts and says how fast
    Generate(generate::Generate),
    /// Counts the operations that a recipe's local stages ask for
    Stages(stages::Stages),
}

fn main() -> ExitCode {
    glpft::allocator::keep_freed_memory();
    let outcome = match Command::parse() {
        Command::Step(step) => step.execute(),
        Command::Gemm(gemm) => gemm.execute(),
        Command::Generate(generate) => generate.execute(),
        Command::Stages(stages) => stages.execute(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
