//! What a task asks for, put together from facets: facts, lists, things to be found first.

mod fact;
mod list;

use serde_json::{Map, Value};

use crate::draw::Draw;
use crate::plan::{Asks, Step, Way};
use crate::table::Table;
use crate::tool::{ApiKind, capital};
use crate::toolbox::Toolbox;
use crate::truth::Slot;

/// From where and about whom facets may be.
pub(crate) struct Scene<'w> {
    pub toolbox: &'w Toolbox,
    /// Whether the rows are those of tests.
    pub test: bool,
}

/// A task under way.
#[derive(Default)]
pub(crate) struct Sketch {
    pub steps: Vec<Step>,
    /// What is asked for.
    pub phrases: Vec<String>,
    /// What answers it.
    pub sentences: Vec<String>,
    pub slots: Vec<Slot>,
}

impl Scene<'_> {
    fn table(&self, tool: usize) -> (usize, &Table) {
        let table = self.toolbox.tools[tool].table;
        (table, &self.toolbox.tables[table])
    }

    /// The tool's APIs of a kind that tasks of this scene may call.
    fn apis(&self, tool: usize, wanted: impl Fn(&ApiKind) -> bool) -> Vec<usize> {
        let tool = &self.toolbox.tools[tool];
        let held_out = tool.held_out;
        let usable = |api: &usize| {
            let api = &self.toolbox.apis[*api];
            let is_pick = matches!(api.kind, ApiKind::Pick { .. });
            wanted(&api.kind) && (!is_pick || held_out || api.test_only == self.test)
        };
        tool.apis.iter().copied().filter(usable).collect()
    }

    fn row(&self, draw: &mut Draw, table: &Table) -> Option<usize> {
        let rows: Vec<usize> = (0..table.rows.len())
            .filter(|row| table.rows[*row].test == self.test)
            .collect();
        draw.pick(&rows).copied()
    }

    /// A thing that an API without arguments tells, itself the answer.
    pub fn pick(&self, draw: &mut Draw, sketch: &mut Sketch, tool: usize) -> Option<()> {
        let (number, table) = self.table(tool);
        let api = *draw.pick(&self.apis(tool, |kind| matches!(kind, ApiKind::Pick { .. })))?;
        let ApiKind::Pick { label, row } = self.toolbox.apis[api].kind else {
            return None;
        };
        let phrase = format!("the {label} {}", table.category.noun);
        let name = table.rows.get(row)?.name.clone();
        sketch
            .sentences
            .push(format!("{} is {name}.", capital(&phrase)));
        sketch.slots.push(slot(table.category.noun, name));
        sketch.phrases.push(phrase.clone());
        sketch.steps.push(Step {
            table: number,
            asks: Asks::Pick(label),
            need: phrase,
            purpose: None,
            learned: None,
            ways: vec![way(api, [])],
            needs: Vec::new(),
        });
        Some(())
    }
}

fn slot(name: &str, value: String) -> Slot {
    Slot {
        name: name.to_owned(),
        accepted: vec![value],
    }
}

/// A call; whether it works is found out when the task is whole.
fn way<'a>(api: usize, arguments: impl IntoIterator<Item = (&'a str, Value)>) -> Way {
    let arguments: Map<String, Value> = arguments
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Way {
        api,
        arguments,
        works: false,
    }
}
