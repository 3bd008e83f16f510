//! `generate DIR SEED SIZE`: writes a world's files, and `train.json`: the training tasks' single chains as conversations.

use std::error::Error;
use std::path::Path;

use glpft_world::{Manner, Noise, Size, World, generate};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "generate DIR SEED tiny|small|standard";
    let directory = arguments.next().ok_or(usage)?;
    let seed = arguments.next().ok_or(usage)?.parse()?;
    let size = Size::named(&arguments.next().ok_or(usage)?).ok_or(usage)?;
    let world = World::new(seed, size);
    let directory = Path::new(&directory);
    generate(&world, directory)?;
    let chains: Vec<_> = world
        .training()
        .iter()
        .map(|task| world.path(task, Manner::Noisy(Noise::default())))
        .collect();
    glpft_checkpoints::write_json(&directory.join("train.json"), &chains)?;
    Ok(())
}
