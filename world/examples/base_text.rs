//! `base_text FILE FROM TO KEEP_CLEAR_OF…`: the training tasks of large worlds with the seeds FROM to TO as stage-2
//! conversations, without those that share an instruction or an entity with the small worlds of the other seeds: what the
//! quick start's base model learned from.

use std::collections::BTreeSet;
use std::error::Error;

use glpft_data::Conversation;
use glpft_world::{Manner, Noise, Size, World};

/// Worlds with as many tasks as the standard ones, and, as in the small ones, no tool whose functions' names are cut.
const SIZE: Size = Size {
    tools_per_category: Size::small().tools_per_category,
    ..Size::standard()
};

/// What the base model must not have seen.
#[derive(Default)]
struct Unseen {
    entities: BTreeSet<String>,
    instructions: BTreeSet<String>,
}

impl Unseen {
    fn add(&mut self, world: &World) {
        let paths = world.tasks().iter().map(|task| world.conversation(task));
        self.entities.extend(world.entities_in(paths));
        let instructions = world.tasks().iter().map(|one| one.task.query.clone());
        self.instructions.extend(instructions);
    }

    fn others(&self, seed: u64) -> Vec<Conversation> {
        let world = World::new(seed, SIZE);
        let manner = Manner::Noisy(Noise::default());
        let paths = world.training().iter().map(|task| world.path(task, manner));
        let unseen = |path: &Conversation| {
            self.entities
                .is_disjoint(&world.entities_in([path.clone()]))
                && !self.instructions.contains(&path.instruction)
        };
        paths.filter(unseen).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, from, to, clear @ ..] = &arguments[..] else {
        return Err("base_text FILE FROM TO KEEP_CLEAR_OF…".into());
    };
    let mut unseen = Unseen::default();
    for seed in clear {
        unseen.add(&World::new(seed.parse()?, Size::small()));
    }
    let seeds: Vec<u64> = (from.parse()?..=to.parse()?).collect();
    let kept: Option<Vec<Conversation>> = std::thread::scope(|scope| {
        let unseen = &unseen;
        let start = |seed: &u64| {
            let seed = *seed;
            scope.spawn(move || unseen.others(seed))
        };
        let threads: Vec<_> = seeds.iter().map(start).collect();
        let mut kept = Vec::new();
        for thread in threads {
            kept.extend(thread.join().ok()?);
        }
        Some(kept)
    });
    let kept = kept.ok_or("a world could not be made")?;
    std::fs::write(file, serde_json::to_string(&kept)?)?;
    Ok(())
}
