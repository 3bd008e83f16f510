//! Tasks of a wanted kind: drawn at random until one is.

use glpft_agent::Task;

use crate::draw::Draw;
use crate::phrasing::{Phrasing, instruction, listed};
use crate::plan::{Asks, MOST_CALLS, Plan, Step, Way};
use crate::sketch::{Scene, Sketch};
use crate::tool::{ApiKind, ToolApi};
use crate::truth::{GoldCall, Truth};
use crate::world::World;

/// How often a task of so many steps is drawn anew.
const FEW_STEPS: [f64; MOST_CALLS] = [0.9, 0.7, 0.0];
/// Drawing until a task fits ends here.
const ATTEMPTS: usize = 20_000;

/// Over which tools a task reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// One tool (G1).
    Tool = 1,
    /// Several tools of a category (G2).
    Category,
    /// Several categories (G3).
    Across,
}

/// Whether and how a task can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Every straight way works.
    Straight,
    /// A straight way fails, another one works.
    Recoverable,
    /// No way of some step works.
    Faulty,
    /// No function tells what some step needs.
    Missing,
}

/// What tasks are drawn from.
pub(crate) struct Wanted<'w> {
    pub level: Level,
    pub class: Class,
    pub test: bool,
    pub phrasing: Phrasing,
    /// Tools to choose from.
    pub tools: &'w [usize],
}

/// A task, how it is done, and what is known of it.
pub(crate) struct Composed {
    pub task: Task,
    pub plan: Plan,
    pub truth: Truth,
}

/// A task of the wanted kind; none where the world has none.
pub(crate) fn compose(
    world: &World,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
    id: &str,
) -> Option<Composed> {
    (0..ATTEMPTS).find_map(|_| attempt(world, wanted, draw, id))
}

fn attempt(world: &World, wanted: &Wanted<'_>, draw: &mut Draw, id: &str) -> Option<Composed> {
    let tools = choose_tools(world, wanted, draw)?;
    let scene = Scene {
        world,
        test: wanted.test,
    };
    let sketch = sketch(&scene, wanted, draw, &tools)?;
    let steps = sketch.steps.len();
    // Left to chance, too many tasks would be a single call.
    if steps == 0 || steps > MOST_CALLS || draw.chance(FEW_STEPS[steps - 1]) {
        return None;
    }
    let mut plan = Plan {
        level: wanted.level,
        asked: listed(&sketch.phrases),
        answer: sketch.sentences.join(" "),
        slots: sketch.slots,
        steps: sketch.steps,
    };
    for step in &mut plan.steps {
        for way in &mut step.ways {
            way.works = works(world, step.table, way);
        }
    }
    match wanted.class {
        Class::Straight if !plan.is_straight() => return None,
        Class::Straight => {}
        Class::Recoverable => around(world, &tools, &mut plan)?,
        Class::Faulty => {
            // A sibling that fails too makes the path longer.
            let failing = plan.steps.iter().position(|step| !step.ways[0].works)?;
            if draw.chance(0.5) {
                let sibling = sibling(world, &tools, &plan.steps[failing])?;
                plan.steps[failing].ways.push(sibling);
            }
            plan.steps.truncate(failing + 1);
            if plan.is_solvable() {
                return None;
            }
        }
        Class::Missing => {
            if !plan.is_straight() {
                return None;
            }
            let missing = draw.below(plan.steps.len());
            plan.steps.truncate(missing + 1);
            plan.steps[missing].ways.clear();
        }
    }
    let calls: usize = plan.steps.iter().map(|step| step.ways.len()).sum();
    if calls > MOST_CALLS {
        return None;
    }
    let used: Vec<usize> = gold_apis(&plan);
    if wanted.class != Class::Missing && !reaches(world, wanted.level, &used) {
        return None;
    }
    let listed = list(world, wanted, draw, &tools, &plan)?;
    let truth = truth(world, &plan, wanted.class);
    Some(Composed {
        task: Task {
            id: id.to_owned(),
            query: instruction(draw, wanted.phrasing, &plan.asked),
            functions: listed
                .into_iter()
                .map(|api| world.apis[api].function.clone())
                .collect(),
        },
        plan,
        truth,
    })
}

fn choose_tools(world: &World, wanted: &Wanted<'_>, draw: &mut Draw) -> Option<Vec<usize>> {
    let mut tools = wanted.tools.to_vec();
    draw.shuffle(&mut tools);
    let first = *tools.first()?;
    let table = |tool: usize| world.tools[tool].table;
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
            let link = world.tables[table(first)].category.link.1;
            if draw.chance(0.5) {
                let is_hub = |tool: &usize| {
                    let category = world.tables[table(*tool)].category;
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
fn sketch(
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

/// Whether a call is well-formed and has no fault.
fn works(world: &World, table: usize, way: &Way) -> bool {
    let api = &world.apis[way.api];
    let limit = way.arguments.get("limit").and_then(|limit| limit.as_u64());
    api.table == table
        && limit.is_none_or(|limit| limit <= crate::table::MOST_FOUND as u64)
        && world.fault(api, &way.arguments).is_none()
}

/// Makes the one step whose straight way fails solvable by another way.
fn around(world: &World, tools: &[usize], plan: &mut Plan) -> Option<()> {
    let failing: Vec<usize> = (0..plan.steps.len())
        .filter(|step| !plan.steps[*step].ways[0].works)
        .collect();
    let [failing] = failing[..] else {
        return None;
    };
    if plan.steps[failing].ways.len() == 1 {
        let way = sibling(world, tools, &plan.steps[failing])?;
        plan.steps[failing].ways.push(way);
    }
    plan.is_solvable().then_some(())
}

/// Another API of the tools that tells the same by the same argument.
fn sibling(world: &World, tools: &[usize], step: &Step) -> Option<Way> {
    let straight = step.ways.first()?;
    let is_sibling = |api: &usize| {
        let other = &world.apis[*api];
        *api != straight.api
            && other.table == step.table
            && match (&step.asks, &other.kind) {
                (Asks::Columns(columns), ApiKind::ByName(told)) => {
                    matches!(world.apis[straight.api].kind, ApiKind::ByName(_))
                        && columns.iter().all(|column| told.contains(column))
                }
                (Asks::Find, ApiKind::Find) | (Asks::Id, ApiKind::Search) => true,
                _ => false,
            }
    };
    let api = tools
        .iter()
        .flat_map(|tool| &world.tools[*tool].apis)
        .copied()
        .find(is_sibling)?;
    let mut way = Way {
        api,
        arguments: straight.arguments.clone(),
        works: false,
    };
    way.works = works(world, step.table, &way);
    Some(way)
}

fn gold_apis(plan: &Plan) -> Vec<usize> {
    let mut apis: Vec<usize> = Vec::new();
    for way in plan.steps.iter().flat_map(|step| &step.ways) {
        if !apis.contains(&way.api) {
            apis.push(way.api);
        }
    }
    apis
}

fn reaches(world: &World, level: Level, apis: &[usize]) -> bool {
    let count = |of: fn(&ToolApi) -> usize| {
        let mut all: Vec<usize> = apis.iter().map(|api| of(&world.apis[*api])).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    };
    match level {
        Level::Tool => count(|api| api.tool) <= 1,
        Level::Category => count(|api| api.table) == 1 && count(|api| api.tool) > 1,
        Level::Across => count(|api| api.table) > 1,
    }
}

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
fn list(
    world: &World,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
    tools: &[usize],
    plan: &Plan,
) -> Option<Vec<usize>> {
    let gold = gold_apis(plan);
    let is_gold_of = |step: &Step, api: usize| step.ways.iter().any(|way| way.api == api);
    for step in &plan.steps {
        let ambiguous = |api: &usize| tells(&world.apis[*api], step) && !is_gold_of(step, *api);
        if gold.iter().any(ambiguous) {
            return None;
        }
    }
    let mut others: Vec<usize> = tools
        .iter()
        .flat_map(|tool| &world.tools[*tool].apis)
        .copied()
        .filter(|api| !gold.contains(api) && (wanted.test || !world.apis[*api].test_only))
        .filter(|api| !plan.steps.iter().any(|step| tells(&world.apis[*api], step)))
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

fn truth(world: &World, plan: &Plan, class: Class) -> Truth {
    let solvable = matches!(class, Class::Straight | Class::Recoverable);
    let call = |step: &Step| {
        let way = step.ways.iter().find(|way| way.works)?;
        Some(GoldCall {
            function: world.apis[way.api].function.name.clone(),
            arguments: way.arguments.clone(),
            needs: step.needs.clone(),
        })
    };
    Truth {
        solvable,
        recoverable: class == Class::Recoverable,
        slots: if solvable {
            plan.slots.clone()
        } else {
            Vec::new()
        },
        calls: match solvable {
            true => plan.steps.iter().filter_map(call).collect(),
            false => Vec::new(),
        },
    }
}
