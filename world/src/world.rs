//! The world: tables, tools that read them, and tasks.

use std::collections::BTreeMap;

use glpft_agent::{Api, ToolReply, ToolServer};

use crate::compose::{Class, Composed, Wanted, compose};
use crate::draw::Draw;
use crate::names::NameSet;
use crate::phrasing::Phrasing;
use crate::plan::{Level, Plan};
use crate::size::Size;
use crate::toolbox::Toolbox;
use crate::truth::{TestGroup, Truth, WorldTask};

/// A simulated world: a pure function of its seed and size.
pub struct World {
    seed: u64,
    size: Size,
    pub(crate) toolbox: Toolbox,
    tasks: Vec<WorldTask>,
    /// Of each task, in order.
    plans: Vec<Plan>,
    by_id: BTreeMap<String, usize>,
    training: usize,
}

/// Of a hundred tasks: how many have their straight way open, lead around a fault, end at one, or lack a function.
const CLASSES: [(Class, usize); 4] = [
    (Class::Straight, 60),
    (Class::Recoverable, 14),
    (Class::Faulty, 16),
    (Class::Missing, 10),
];

impl World {
    /// The world of a seed and a size (brought within its limits).
    pub fn new(seed: u64, size: Size) -> Self {
        Self::with_names(seed, size, NameSet::Common)
    }

    /// The same with the names of a set.
    pub fn with_names(seed: u64, size: Size, names: NameSet) -> Self {
        let size = size.within_limits();
        let mut world = Self {
            seed,
            size,
            toolbox: Toolbox::new(seed, &size, names),
            tasks: Vec::new(),
            plans: Vec::new(),
            by_id: BTreeMap::new(),
            training: 0,
        };
        world.make_tasks();
        world
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The APIs of every tool, as the world spells them.
    pub fn apis(&self) -> impl Iterator<Item = &Api> {
        self.toolbox.apis.iter().map(|api| &api.function.api)
    }

    /// Every task: training first, then the test sets in their order.
    pub fn tasks(&self) -> &[WorldTask] {
        &self.tasks
    }

    /// The training tasks.
    pub fn training(&self) -> &[WorldTask] {
        &self.tasks[..self.training]
    }

    /// A test set's tasks.
    pub fn test(&self, group: TestGroup) -> impl Iterator<Item = &WorldTask> {
        self.tasks[self.training..]
            .iter()
            .filter(move |task| task.group == Some(group))
    }

    /// A task by its id.
    pub fn task(&self, id: &str) -> Option<&WorldTask> {
        self.by_id.get(id).map(|index| &self.tasks[*index])
    }

    /// What is known of a task.
    pub fn truth(&self, task_id: &str) -> Option<&Truth> {
        self.task(task_id).map(|task| &task.truth)
    }

    /// How a task is done.
    pub(crate) fn plan(&self, task_id: &str) -> Option<&Plan> {
        self.by_id.get(task_id).map(|index| &self.plans[*index])
    }

    /// 1 to 3, as in the name of the folder of its answers.
    pub(crate) fn level(&self, task_id: &str) -> usize {
        self.plan(task_id).map_or(1, |plan| plan.level as usize)
    }

    /// What an API replies to a call: a pure function of the world, the API and the arguments.
    ///
    /// The API's category, tool and name may be spelled as the world does or in ToolBench's standard form; `arguments` is
    /// the text that a model wrote.
    pub fn reply(&self, api: &Api, arguments: &str) -> ToolReply {
        self.toolbox.reply(api, arguments)
    }

    fn make_tasks(&mut self) {
        let held_out_tables: Vec<bool> = self
            .toolbox
            .tables
            .iter()
            .map(|table| table.held_out)
            .collect();
        let tools = |wanted: &dyn Fn(bool, bool) -> bool| -> Vec<usize> {
            (0..self.toolbox.tools.len())
                .filter(|tool| {
                    let tool = &self.toolbox.tools[*tool];
                    wanted(held_out_tables[tool.table], tool.held_out)
                })
                .collect()
        };
        let seen = tools(&|_, tool| !tool);
        let unseen_tools = tools(&|category, tool| tool && !category);
        let unseen_categories = tools(&|category, _| category);
        let levels = [Level::Tool, Level::Category, Level::Across];
        let mut draw = Draw::new(self.seed, "tasks", 0);
        for _ in 0..self.size.train_tasks {
            let level = match draw.below(10) {
                0..3 => levels[0],
                3..6 => levels[1],
                _ => levels[2],
            };
            self.make_task(level, &seen, Phrasing::Train, None);
        }
        self.training = self.tasks.len();
        for group in TestGroup::ALL {
            let (level, tools, phrasing) = match group {
                TestGroup::G1Instruction => (levels[0], &seen, Some(Phrasing::HeldOut)),
                TestGroup::G1Tool => (levels[0], &unseen_tools, None),
                TestGroup::G1Category => (levels[0], &unseen_categories, None),
                TestGroup::G2Instruction => (levels[1], &seen, Some(Phrasing::HeldOut)),
                TestGroup::G2Category => (levels[1], &unseen_categories, None),
                TestGroup::G3Instruction => (levels[2], &seen, Some(Phrasing::HeldOut)),
            };
            for number in 0..self.size.test_tasks_per_group {
                let either = [Phrasing::Train, Phrasing::HeldOut][number % 2];
                self.make_task(level, tools, phrasing.unwrap_or(either), Some(group));
            }
        }
    }

    fn make_task(
        &mut self,
        level: Level,
        tools: &[usize],
        phrasing: Phrasing,
        group: Option<TestGroup>,
    ) {
        let index = self.tasks.len();
        let id = (index + 1).to_string();
        let mut draw = Draw::new(self.seed, "task", index as u64);
        let mut choice = draw.below(100);
        let mut class = Class::Straight;
        for (one, share) in CLASSES {
            class = one;
            if choice < share {
                break;
            }
            choice -= share;
        }
        // Where a world is too small for the class, the task is one that can be done.
        let composed = [class, Class::Straight].into_iter().find_map(|class| {
            let wanted = Wanted {
                level,
                class,
                test: group.is_some(),
                phrasing,
                tools,
            };
            compose(&self.toolbox, &wanted, &mut draw, &id)
        });
        if let Some(Composed { task, plan, truth }) = composed {
            self.by_id.insert(id, index);
            self.tasks.push(WorldTask { task, group, truth });
            self.plans.push(plan);
        }
    }
}

impl ToolServer for World {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        self.reply(api, arguments)
    }
}
