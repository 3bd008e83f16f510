//! The functions that a task offers.

use super::{Wanted, gold_apis};
use crate::draw::Draw;
use crate::plan::{Asks, Plan, Step, Way};
use crate::tool::{ApiKind, ToolApi};
use crate::toolbox::Toolbox;

/// Whether an API tells what a step asks for.
fn tells(api: &ToolApi, step: &Step) -> bool {
    api.table == step.table
        && match (&step.asks, &api.kind) {
            (Asks::Columns(columns), ApiKind::ByName(told) | ApiKind::ById(told)) => {
                columns.iter().all(|column| told.contains(column))
            }
            (Asks::Find, ApiKind::Find) | (Asks::Id, ApiKind::Search) => true,
            (Asks::Pick(label), ApiKind::Pick { label: other, .. }) => label == other,
            _ => false,
        }
}

/// The functions of a task in random order: those of its ways, and others that tell nothing it asks for. Of a step's ways
/// the straight one stands first.
pub(super) fn list(
    toolbox: &Toolbox,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
    tools: &[usize],
    plan: &Plan,
) -> Option<Vec<usize>> {
    let gold = gold_apis(plan);
    let is_gold_of = |step: &Step, api: usize| step.ways.iter().any(|way| way.api == api);
    for step in &plan.steps {
        let ambiguous = |api: &usize| tells(&toolbox.apis[*api], step) && !is_gold_of(step, *api);
        if gold.iter().any(ambiguous) {
            return None;
        }
    }
    let mut others: Vec<usize> = tools
        .iter()
        .flat_map(|tool| &toolbox.tools[*tool].apis)
        .copied()
        .filter(|api| !gold.contains(api) && (wanted.test || !toolbox.apis[*api].test_only))
        .filter(|api| {
            !plan
                .steps
                .iter()
                .any(|step| tells(&toolbox.apis[*api], step))
        })
        .collect();
    draw.shuffle(&mut others);
    let count = draw
        .between(3, 5)
        .max(gold.len() + usize::from(gold.len() < 5));
    let mut listed: Vec<usize> = gold.into_iter().chain(others).take(count).collect();
    if listed.len() < 3 {
        return None;
    }
    draw.shuffle(&mut listed);
    for step in &plan.steps {
        let place = |way: &Way| listed.iter().position(|api| *api == way.api);
        if let [straight, other] = &step.ways[..]
            && let (Some(straight), Some(other)) = (place(straight), place(other))
            && straight > other
        {
            listed.swap(straight, other);
        }
    }
    Some(listed)
}
