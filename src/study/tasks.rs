//! The tasks that a study's teams play, none of which may be trained on.

use std::path::PathBuf;

use glpft_data::Conversation;
use glpft_eval::live_evaluation::LiveTask;
use glpft_world::{Size, TestGroup, World};

use super::held_out::refuse_trained_on;
use super::plan::StudyPlan;
use crate::Error;

/// Test tasks of a simulated world, which also replies to calls and knows what is right.
pub struct HeldOutTasks {
    /// The world.
    pub world: World,
    /// What tells it from others.
    pub name: String,
    /// What is to be done: the first tasks of each test set.
    pub tasks: Vec<LiveTask>,
    /// How an oracle does it.
    conversations: Vec<Conversation>,
}

impl HeldOutTasks {
    /// Those of a world: at most so many of each of the six test sets.
    pub fn of_world(seed: u64, size: Size, of_each: Option<usize>) -> Self {
        let world = World::new(seed, size);
        let most = of_each.unwrap_or(usize::MAX);
        let chosen: Vec<_> = TestGroup::ALL
            .into_iter()
            .flat_map(|group| world.test(group).take(most))
            .collect();
        Self {
            name: format!("world {} {:?}", world.seed(), world.size()),
            tasks: chosen.iter().map(|&task| LiveTask::from(task)).collect(),
            conversations: chosen.iter().map(|task| world.conversation(task)).collect(),
            world,
        }
    }

    /// Refuses a study of which some cell trains on the instruction of a task, as
    /// [`HeldOut::check`](super::HeldOut::check) does.
    ///
    /// # Errors
    /// Such an instruction, or the source cannot be read.
    pub fn check(&self, plan: &StudyPlan) -> Result<(), Error> {
        let file = PathBuf::from(format!("the test tasks of world {}", self.world.seed()));
        refuse_trained_on(&self.conversations, &file, plan)
    }
}
