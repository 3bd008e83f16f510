//! What test tasks share with training: nothing.

use std::collections::{BTreeMap, BTreeSet};

use glpft_data::Conversation;

use crate::truth::{TestGroup, WorldTask};
use crate::world::World;

/// How much of the test tasks occurs in training tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Instructions, word for word.
    pub instructions: usize,
    /// Names of things: of those in a test task's path (its query, calls, replies and answer), how many are in one of
    /// training.
    pub entities: usize,
    /// Of each test set whose tools or categories are unseen: how many of its tools are tools of a training task.
    pub tools: BTreeMap<TestGroup, usize>,
}

impl Overlap {
    /// Everything counted together.
    pub fn total(&self) -> usize {
        self.instructions + self.entities + self.tools.values().sum::<usize>()
    }
}

/// Names have as many words at most.
const NAME_WORDS: usize = 3;

/// Compares a world's test tasks with its training tasks.
pub fn overlap(world: &World) -> Overlap {
    let tests = &world.tasks()[world.training().len()..];
    let instructions =
        |tasks: &[WorldTask]| tasks.iter().map(|one| one.task.query.clone()).collect();
    let entities = |tasks: &[WorldTask]| {
        let paths = tasks.iter().map(|task| world.conversation(task));
        world.entities_in(paths)
    };
    let tools = |tasks: &mut dyn Iterator<Item = &WorldTask>| -> BTreeSet<String> {
        tasks
            .flat_map(|one| one.task.functions.iter().map(|one| one.api.tool.clone()))
            .collect()
    };
    let trained = tools(&mut world.training().iter());
    let unseen = [
        TestGroup::G1Tool,
        TestGroup::G1Category,
        TestGroup::G2Category,
    ];
    Overlap {
        instructions: shared(&instructions(world.training()), &instructions(tests)),
        entities: shared(&entities(world.training()), &entities(tests)),
        tools: unseen
            .into_iter()
            .map(|group| (group, shared(&trained, &tools(&mut world.test(group)))))
            .collect(),
    }
}

fn shared(one: &BTreeSet<String>, other: &BTreeSet<String>) -> usize {
    one.intersection(other).count()
}

impl World {
    /// The names of the tables' rows that occur in conversations.
    pub fn entities_in(
        &self,
        conversations: impl IntoIterator<Item = Conversation>,
    ) -> BTreeSet<String> {
        let names: BTreeSet<&str> = self
            .toolbox
            .tables
            .iter()
            .flat_map(|table| table.rows.iter().map(|row| row.name.as_str()))
            .collect();
        let mut found = BTreeSet::new();
        for conversation in conversations {
            for turn in &conversation.turns {
                for run in turn.value.split(|c: char| !c.is_alphanumeric() && c != ' ') {
                    let words: Vec<&str> = run.split_whitespace().collect();
                    for first in 0..words.len() {
                        for last in first..words.len().min(first + NAME_WORDS) {
                            let phrase = words[first..=last].join(" ");
                            if names.contains(phrase.as_str()) {
                                found.insert(phrase);
                            }
                        }
                    }
                }
            }
        }
        found
    }
}
