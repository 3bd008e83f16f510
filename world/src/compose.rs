//! Tasks of a wanted kind: drawn at random until one is.

mod choose;
mod listing;
mod ways;

use glpft_agent::Task;

use crate::draw::Draw;
use crate::phrasing::{Phrasing, instruction, listed};
use crate::plan::{Asks, Level, MOST_CALLS, Plan, Step};
use crate::sketch::Scene;
use crate::tool::ToolApi;
use crate::toolbox::Toolbox;
use crate::truth::{GoldCall, Truth};

/// How often a task of so many steps is drawn anew.
const FEW_STEPS: [f64; MOST_CALLS] = [0.93, 0.75, 0.0];
/// Drawing until a task fits ends here.
const ATTEMPTS: usize = 20_000;

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
    toolbox: &Toolbox,
    wanted: &Wanted<'_>,
    draw: &mut Draw,
    id: &str,
) -> Option<Composed> {
    (0..ATTEMPTS).find_map(|_| attempt(toolbox, wanted, draw, id))
}

fn attempt(toolbox: &Toolbox, wanted: &Wanted<'_>, draw: &mut Draw, id: &str) -> Option<Composed> {
    let tools = choose::choose_tools(toolbox, wanted, draw)?;
    let scene = Scene {
        toolbox,
        test: wanted.test,
    };
    let sketch = choose::sketch(&scene, wanted, draw, &tools)?;
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
            way.works = ways::works(toolbox, step.table, way);
        }
    }
    match wanted.class {
        Class::Straight if !plan.is_straight() => return None,
        Class::Straight => {}
        Class::Recoverable => ways::around(toolbox, &tools, &mut plan)?,
        Class::Faulty => {
            // A sibling that fails too makes the path longer.
            let failing = plan.steps.iter().position(|step| !step.ways[0].works)?;
            if draw.chance(0.5) {
                let sibling = ways::sibling(toolbox, &tools, &plan.steps[failing])?;
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
            without_idle_search(&mut plan);
        }
    }
    let calls: usize = plan.steps.iter().map(|step| step.ways.len()).sum();
    if calls > MOST_CALLS {
        return None;
    }
    let used: Vec<usize> = gold_apis(&plan);
    if wanted.class != Class::Missing && !reaches(toolbox, wanted.level, &used) {
        return None;
    }
    let listed = listing::list(toolbox, wanted, draw, &tools, &plan)?;
    let truth = truth(toolbox, &plan, wanted.class);
    Some(Composed {
        task: Task {
            id: id.to_owned(),
            query: instruction(draw, wanted.phrasing, &plan.asked),
            functions: listed
                .into_iter()
                .map(|api| toolbox.apis[api].function.clone())
                .collect(),
        },
        plan,
        truth,
    })
}

/// Nobody looks for an id that no function takes: where the last step's function is missing, so is the search before it.
/// (With the search left in, its purpose would be offered, and nothing would be missing: such a task is never composed.)
fn without_idle_search(plan: &mut Plan) {
    let [.., search, last] = &mut plan.steps[..] else {
        return;
    };
    if search.asks == Asks::Id && last.asks != Asks::Id {
        last.needs = std::mem::take(&mut search.needs);
        let at = plan.steps.len() - 2;
        plan.steps.remove(at);
    }
}

/// The APIs of a plan's calls, and those that its searches are made for.
fn gold_apis(plan: &Plan) -> Vec<usize> {
    let mut apis: Vec<usize> = Vec::new();
    for step in &plan.steps {
        let purpose = step.purpose.iter().map(|purpose| purpose.api);
        for api in step.ways.iter().map(|way| way.api).chain(purpose) {
            if !apis.contains(&api) {
                apis.push(api);
            }
        }
    }
    apis
}

fn reaches(toolbox: &Toolbox, level: Level, apis: &[usize]) -> bool {
    let count = |of: fn(&ToolApi) -> usize| {
        let mut all: Vec<usize> = apis.iter().map(|api| of(&toolbox.apis[*api])).collect();
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

fn truth(toolbox: &Toolbox, plan: &Plan, class: Class) -> Truth {
    let solvable = matches!(class, Class::Straight | Class::Recoverable);
    let call = |step: &Step| {
        let way = step.ways.iter().find(|way| way.works)?;
        Some(GoldCall {
            function: toolbox.apis[way.api].function.name.clone(),
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
