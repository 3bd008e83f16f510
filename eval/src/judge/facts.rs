//! Where the truth about tasks comes from.

use std::collections::BTreeMap;

use glpft_world::{Truth, World, WorldTask};

/// Knows the truth about tasks.
pub trait Facts: Sync {
    /// The truth about the task of this id; none where nothing is known of it.
    fn truth(&self, task: &str) -> Option<&Truth>;
}

impl<F: Facts + ?Sized> Facts for &F {
    fn truth(&self, task: &str) -> Option<&Truth> {
        (**self).truth(task)
    }
}

/// By task id.
impl Facts for BTreeMap<String, Truth> {
    fn truth(&self, task: &str) -> Option<&Truth> {
        self.get(task)
    }
}

impl Facts for World {
    fn truth(&self, task: &str) -> Option<&Truth> {
        World::truth(self, task)
    }
}

impl Facts for [WorldTask] {
    fn truth(&self, task: &str) -> Option<&Truth> {
        let found = self.iter().find(|found| found.task.id == task);
        found.map(|found| &found.truth)
    }
}
