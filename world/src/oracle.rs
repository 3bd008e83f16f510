//! A policy that knows the truth: it plans tasks as they can be done, in several manners.

mod decide;
mod noise;
mod spell;

use glpft_agent::{Asked, GenerateError, Policy, PolicyMessage};

use crate::draw::{Draw, fingerprint};
use crate::world::World;

pub use noise::Noise;

/// How an oracle goes about a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    /// Calls what works and nothing else; gives up at once where nothing does.
    Exact,
    /// Takes the straight way first; around a fault, another one; gives up where there is none.
    Careful,
    /// Takes the straight way first and gives up at a fault. Told that it has failed before, it takes another way.
    EasilyBeaten,
    /// As [`Manner::Careful`], and makes the mistakes that models make.
    Noisy(Noise),
}

/// A policy that knows the truth of a world's tasks. What it says is a pure function of its seed, the task, the turns and
/// how often it was asked.
pub struct Oracle<'w> {
    world: &'w World,
    manner: Manner,
    seed: u64,
}

impl<'w> Oracle<'w> {
    /// An oracle for the tasks of a world.
    pub fn new(world: &'w World, manner: Manner, seed: u64) -> Self {
        Self {
            world,
            manner,
            seed,
        }
    }

    /// What it says at one step; of a task that it does not know, that it gives up.
    pub fn answer(&self, asked: &Asked<'_>) -> PolicyMessage {
        let mut key = asked.task.id.clone();
        for turn in asked.turns {
            key.push('\n');
            key.push_str(&turn.value);
        }
        let key = fingerprint(key.as_bytes()) ^ asked.count as u64;
        let mut draw = Draw::new(self.seed, "oracle", key);
        let next = match self.world.plan(&asked.task.id) {
            Some(plan) => decide::decide(self.world, plan, self.manner, asked.turns),
            None => decide::Next::GiveUp {
                thought: "I do not know this task.".to_owned(),
            },
        };
        match self.manner {
            Manner::Noisy(noise) => noise.say(self.world, asked, next, &mut draw),
            _ => spell::said(next),
        }
    }
}

impl Policy for Oracle<'_> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        Ok(asked.iter().map(|one| self.answer(one)).collect())
    }
}
