//! Ways that work, fail, and lead around a fault.

use crate::plan::{Asks, Plan, Step, Way};
use crate::table::MOST_FOUND;
use crate::tool::ApiKind;
use crate::toolbox::Toolbox;

/// Whether a call is well-formed and has no fault.
pub(super) fn works(toolbox: &Toolbox, table: usize, way: &Way) -> bool {
    let api = &toolbox.apis[way.api];
    let limit = way.arguments.get("limit").and_then(|limit| limit.as_u64());
    api.table == table
        && limit.is_none_or(|limit| limit <= MOST_FOUND as u64)
        && toolbox.fault(api, &way.arguments).is_none()
}

/// Makes the one step whose straight way fails solvable by another way.
pub(super) fn around(toolbox: &Toolbox, tools: &[usize], plan: &mut Plan) -> Option<()> {
    let failing: Vec<usize> = (0..plan.steps.len())
        .filter(|step| !plan.steps[*step].ways[0].works)
        .collect();
    let [failing] = failing[..] else {
        return None;
    };
    if plan.steps[failing].ways.len() == 1 {
        let way = sibling(toolbox, tools, &plan.steps[failing])?;
        plan.steps[failing].ways.push(way);
    }
    plan.is_solvable().then_some(())
}

/// Another API of the tools that tells the same by the same argument.
pub(super) fn sibling(toolbox: &Toolbox, tools: &[usize], step: &Step) -> Option<Way> {
    let straight = step.ways.first()?;
    let is_sibling = |api: &usize| {
        let other = &toolbox.apis[*api];
        *api != straight.api
            && other.table == step.table
            && match (&step.asks, &other.kind) {
                (Asks::Columns(columns), ApiKind::ByName(_)) => {
                    matches!(toolbox.apis[straight.api].kind, ApiKind::ByName(_))
                        && other.is_asked_for(columns)
                }
                (Asks::Find, ApiKind::Find) | (Asks::Id, ApiKind::Search) => true,
                _ => false,
            }
    };
    let api = tools
        .iter()
        .flat_map(|tool| &toolbox.tools[*tool].apis)
        .copied()
        .find(is_sibling)?;
    let mut way = Way {
        api,
        arguments: straight.arguments.clone(),
        works: false,
    };
    way.works = works(toolbox, step.table, &way);
    Some(way)
}
