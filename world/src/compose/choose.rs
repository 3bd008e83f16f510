//! Which tools a task is about, and what it asks of them.

use super::{Class, Wanted};
use crate::draw::Draw;
use crate::plan::Level;
use crate::sketch::{Scene, Sketch};
use crate::toolbox::Toolbox;

pub(super) fn choose_tools(
    toolbox: &Toolbox,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
) -> Option<Vec<usize>> {
    let mut tools = wanted.tools.to_vec();
    draw.shuffle(&mut tools);
    let first = *tools.first()?;
    let table = |tool: usize| toolbox.tools[tool].table;
    let more: Vec<usize> = match wanted.level {
        Level::Tool => Vec::new(),
        Level::Category => tools[1..]
            .iter()
            .copied()
            .filter(|tool| table(*tool) == table(first))
            .take(2)
            .collect(),
        Level::Across => {
            let mut others: Vec<usize> = Vec::new();
            for tool in &tools[1..] {
                let known = |other: &usize| table(*other) == table(*tool);
                if table(*tool) != table(first) && !others.iter().any(known) {
                    others.push(*tool);
                }
            }
            // Half of the time something that the first one links to.
            let link = toolbox.tables[table(first)].category.link.1;
            if draw.chance(0.5) {
                let is_hub = |tool: &usize| {
                    let category = toolbox.tables[table(*tool)].category;
                    category.hub && category.names == link
                };
                others.sort_by_key(|tool| !is_hub(tool));
            }
            others.truncate(2);
            others
        }
    };
    let count = match wanted.level {
        Level::Tool => 0,
        _ => draw.between(1, 2).min(more.len()),
    };
    Some(
        [first]
            .into_iter()
            .chain(more.into_iter().take(count))
            .collect(),
    )
}

/// Facets over the tools, every tool in at least one.
pub(super) fn sketch(
    scene: &Scene<'_>,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
    tools: &[usize],
) -> Option<Sketch> {
    let mut sketch = Sketch::default();
    let too_many = wanted.class == Class::Recoverable && draw.chance(0.3);
    let (first, second) = (tools[0], tools.get(1).copied());
    let mut facets: Vec<usize> = tools.to_vec();
    match (wanted.level, second) {
        (Level::Across, Some(second)) if draw.chance(0.5) => {
            scene.linked_fact(draw, &mut sketch, first, second)?;
            facets.drain(..2);
        }
        (Level::Category, Some(second)) if draw.chance(0.5) => {
            scene.fact(draw, &mut sketch, first, second)?;
            facets.drain(..2);
        }
        (Level::Tool, _) => {
            let more = draw.below(3).saturating_sub(usize::from(too_many));
            facets.extend(std::iter::repeat_n(first, more));
        }
        _ => {}
    }
    for (at, tool) in facets.into_iter().enumerate() {
        match draw.below(10) {
            _ if too_many && at == 0 => scene.list(draw, &mut sketch, tool, true)?,
            0..2 => scene.list(draw, &mut sketch, tool, false)?,
            2..4 => scene.pick(draw, &mut sketch, tool)?,
            _ => scene.fact(draw, &mut sketch, tool, tool)?,
        }
    }
    let mut needs: Vec<&str> = sketch.steps.iter().map(|step| step.need.as_str()).collect();
    needs.sort_unstable();
    let count = needs.len();
    needs.dedup();
    (needs.len() == count).then_some(sketch)
}
