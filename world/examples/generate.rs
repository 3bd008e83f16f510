//! `generate DIR SEED SIZE`: a world's conversations, `train.json` and `test.json` with one file for each test set.

use std::error::Error;
use std::path::Path;

use glpft_world::{Manner, Noise, Size, TestGroup, World, WorldTask};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "generate DIR SEED tiny|small|standard";
    let directory = arguments.next().ok_or(usage)?;
    let seed = arguments.next().ok_or(usage)?.parse()?;
    let size = Size::named(&arguments.next().ok_or(usage)?).ok_or(usage)?;
    let world = World::new(seed, size);
    let directory = Path::new(&directory);
    std::fs::create_dir_all(directory)?;
    let write = |name: &str, tasks: &mut dyn Iterator<Item = &WorldTask>, manner| {
        let conversations: Vec<_> = tasks.map(|task| world.path(task, manner)).collect();
        let text = serde_json::to_string_pretty(&conversations)?;
        std::fs::write(directory.join(name), text)?;
        Ok::<_, Box<dyn Error>>(())
    };
    write(
        "train.json",
        &mut world.training().iter(),
        Manner::Noisy(Noise::default()),
    )?;
    write(
        "test.json",
        &mut world.tasks()[world.training().len()..].iter(),
        Manner::Careful,
    )?;
    for group in TestGroup::ALL {
        let name = format!("test_{}.json", group.name());
        write(&name, &mut world.test(group), Manner::Careful)?;
    }
    Ok(())
}
