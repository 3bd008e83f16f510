//! `base_text FILE FROM TO KEEP_CLEAR_OF…`: the training answers of large worlds with the seeds FROM to TO, which have a set
//! of names of their own, as stage-2 conversations, without those that share an instruction with the small worlds of the
//! other seeds: what the quick start's base model learned from.

use std::collections::BTreeSet;
use std::error::Error;

use glpft_data::{Conversation, ReadOptions, Source};
use glpft_world::{NameSet, Size, World, generate};

/// Worlds with as many tasks as the standard ones, and, as in the small ones, no tool whose functions' names are cut.
const SIZE: Size = Size {
    tools_per_category: Size::small().tools_per_category,
    ..Size::standard()
};

const READ: ReadOptions = ReadOptions {
    strict: true,
    ..ReadOptions::FIXED
};

/// What the training files of a world's answers come to, as any ToolBench folder is read, without those that ask what is
/// `asked` elsewhere: instructions that name nothing (`Tell me the newest movie.`) can be the same in two worlds.
fn text(
    seed: u64,
    asked: &BTreeSet<String>,
) -> Result<Vec<Conversation>, Box<dyn Error + Send + Sync>> {
    let world = World::with_names(seed, SIZE, NameSet::Base);
    let folder = tempfile::tempdir()?;
    let written = folder.path().join("world");
    generate(&world, &written)?;
    let read = Source::open(&written, None)?.read_conversations(&READ, &mut |_, _| {})?;
    let unseen = |path: &Conversation| !asked.contains(&path.instruction);
    Ok(read.conversations.into_iter().filter(unseen).collect())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, from, to, clear @ ..] = &arguments[..] else {
        return Err("base_text FILE FROM TO KEEP_CLEAR_OF…".into());
    };
    let mut asked = BTreeSet::new();
    for seed in clear {
        let world = World::new(seed.parse()?, Size::small());
        asked.extend(world.tasks().iter().map(|one| one.task.query.clone()));
    }
    let seeds: Vec<u64> = (from.parse()?..=to.parse()?).collect();
    let threads = std::thread::available_parallelism()?;
    let mut kept = Vec::new();
    for some in seeds.chunks(threads.get()) {
        let worlds = std::thread::scope(|scope| {
            let asked = &asked;
            let start = |seed: &u64| {
                let seed = *seed;
                scope.spawn(move || text(seed, asked))
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
