//! `base_text FILE FROM TO KEEP_CLEAR_OF…`: the training tasks of large worlds with the seeds FROM to TO as stage-2
//! conversations, without those that share an instruction or an entity with the small worlds of the other seeds: what the
//! quick start's base model learned from.

use std::collections::BTreeSet;
use std::error::Error;

use glpft_data::{Conversation, ReadOptions, Source};
use glpft_recipes::Observations;
use glpft_world::{Size, World, generate};

/// Worlds with as many tasks as the standard ones, and, as in the small ones, no tool whose functions' names are cut.
const SIZE: Size = Size {
    tools_per_category: Size::small().tools_per_category,
    ..Size::standard()
};

const READ: ReadOptions = ReadOptions {
    valid_only: false,
    observations: Observations::ResponseOrError,
    strict: true,
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

    /// What the training files of another world's answers come to, as any ToolBench folder is read.
    fn others(&self, seed: u64) -> Result<Vec<Conversation>, Box<dyn Error + Send + Sync>> {
        let world = World::new(seed, SIZE);
        let folder = tempfile::tempdir()?;
        let written = folder.path().join("world");
        generate(&world, &written)?;
        let read = Source::open(&written, None)?.read_conversations(&READ, &mut |_, _| {})?;
        let unseen = |path: &Conversation| {
            self.entities
                .is_disjoint(&world.entities_in([path.clone()]))
                && !self.instructions.contains(&path.instruction)
        };
        Ok(read.conversations.into_iter().filter(unseen).collect())
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, from, to, clear @ ..] = &arguments[..] else {
        return Err("base_text FILE FROM TO KEEP_CLEAR_OF…".into());
    };
    let mut unseen = Unseen::default();
    for seed in clear {
        unseen.add(&World::new(seed.parse()?, Size::small()));
    }
    let seeds: Vec<u64> = (from.parse()?..=to.parse()?).collect();
    let threads = std::thread::available_parallelism()?;
    let mut kept = Vec::new();
    for some in seeds.chunks(threads.get()) {
        let worlds = std::thread::scope(|scope| {
            let unseen = &unseen;
            let start = |seed: &u64| {
                let seed = *seed;
                scope.spawn(move || unseen.others(seed))
            };
            let threads: Vec<_> = some.iter().map(start).collect();
            threads
                .into_iter()
                .map(|thread| thread.join())
                .collect::<Vec<_>>()
        });
        for world in worlds {
            kept.extend(world.map_err(|_| "a world could not be made")??);
        }
    }
    std::fs::write(file, serde_json::to_string(&kept)?)?;
    Ok(())
}
