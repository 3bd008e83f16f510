//! The mistakes of an oracle.

use glpft_agent::{Asked, Said};
use glpft_data::python::json::dumps;
use glpft_data::{Speaker, Turn};
use serde_json::{Map, Value, json};

use super::decide::Next;
use super::spell;
use crate::draw::Draw;
use crate::tool::ApiKind;
use crate::world::World;

/// How often which mistake is made, as a probability at each step where it can be. A path has one of them at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Calls a function that tells something else.
    pub wrong_call: f64,
    /// Calls a function that does not exist.
    pub hallucinated: f64,
    /// Leaves out an argument, or calls it by another name.
    pub wrong_argument: f64,
    /// Gives up although there is a way.
    pub early_give_up: f64,
    /// Ends with arguments that are no JSON.
    pub broken_finish: f64,
    /// Says nothing beside a call.
    pub no_thought: f64,
}

impl Default for Noise {
    fn default() -> Self {
        Self {
            wrong_call: 0.06,
            hallucinated: 0.02,
            wrong_argument: 0.02,
            early_give_up: 0.04,
            broken_finish: 0.02,
            no_thought: 0.01,
        }
    }
}

impl Noise {
    pub(super) fn say(
        &self,
        world: &World,
        asked: &Asked<'_>,
        next: Next,
        draw: &mut Draw,
    ) -> Said {
        let mut shares = [
            self.wrong_call,
            self.hallucinated,
            self.wrong_argument,
            self.early_give_up,
        ];
        // Whoever was wrong once, or was told to try again, is careful.
        if !is_undisturbed(world, asked) {
            shares = [0.0; 4];
        }
        match next {
            Next::Call {
                thought,
                function,
                arguments,
                need,
            } => {
                let chosen = shares.iter().position(|share| draw.chance(*share));
                let thought = (!draw.chance(self.no_thought)).then_some(thought);
                let mistake = match chosen {
                    Some(0) => wrong_call(world, asked, &arguments, &need, draw),
                    Some(1) => Some(hallucinated(&function, &arguments, &need, draw)),
                    Some(2) => wrong_argument(&thought, &function, &arguments, draw),
                    Some(_) => Some(spell::said(Next::GiveUp {
                        thought: format!("I cannot find {need}."),
                    })),
                    None => None,
                };
                mistake.unwrap_or_else(|| {
                    spell::call(thought, function, dumps(&arguments).unwrap_or_default())
                })
            }
            Next::Answer { thought, answer } if draw.chance(self.broken_finish) => {
                let arguments = json!({"return_type": "give_answer", "final_answer": answer});
                let mut arguments = dumps(&arguments).unwrap_or_default();
                arguments.pop();
                spell::finish(Some(thought), arguments, Some(answer))
            }
            other => spell::said(other),
        }
    }
}

/// Whether nothing went wrong on this path yet: no new try, and every call one of the plan's.
fn is_undisturbed(world: &World, asked: &Asked<'_>) -> bool {
    let Some(plan) = world.plan(&asked.task.id) else {
        return false;
    };
    let is_planned = |turn: &Turn| {
        plan.steps.iter().flat_map(|step| &step.ways).any(|way| {
            let function = &world.apis[way.api].function.name;
            let arguments = dumps(&way.arguments).unwrap_or_default();
            turn.value == format!("Action: {function}\nAction Input: {arguments}")
        })
    };
    asked.turns.iter().skip(1).all(|turn| match turn.from {
        Speaker::User | Speaker::Conclusion => false,
        Speaker::Caller => is_planned(turn),
        Speaker::Assistant | Speaker::Observation => true,
    })
}

/// A function of the task that is of no use: one without arguments, or with the same ones.
fn wrong_call(
    world: &World,
    asked: &Asked<'_>,
    arguments: &Map<String, Value>,
    need: &str,
    draw: &mut Draw,
) -> Option<Said> {
    let plan = world.plan(&asked.task.id)?;
    let useful: Vec<&str> = plan
        .steps
        .iter()
        .flat_map(|step| &step.ways)
        .map(|way| world.apis[way.api].function.name.as_str())
        .collect();
    let usable: Vec<(&str, bool)> = asked
        .task
        .functions
        .iter()
        .filter_map(|function| {
            let api = world.find_api(&function.api)?;
            let is_useful = useful.contains(&function.name.as_str());
            let required = function.parameters.get("required")?.as_array()?;
            let same = required.len() == arguments.len()
                && required
                    .iter()
                    .all(|name| arguments.contains_key(name.as_str().unwrap_or_default()));
            let is_pick = matches!(api.kind, ApiKind::Pick { .. });
            (!is_useful && (same || is_pick)).then_some((function.name.as_str(), is_pick))
        })
        .collect();
    let (function, is_pick) = *draw.pick(&usable)?;
    let arguments = if is_pick {
        "{}".to_owned()
    } else {
        dumps(arguments).unwrap_or_default()
    };
    let thought = format!("I need {need}. I call {function}.");
    Some(spell::call(Some(thought), function.to_owned(), arguments))
}

fn hallucinated(
    function: &str,
    arguments: &Map<String, Value>,
    need: &str,
    draw: &mut Draw,
) -> Said {
    let (api, tool) = function.split_once("_for_").unwrap_or((function, "tool"));
    let invented = match draw.below(3) {
        0 => format!("query_{api}_for_{tool}"),
        1 => format!("{api}_all_for_{tool}"),
        _ => api.to_owned(),
    };
    let thought = format!("I need {need}. I call {invented}.");
    spell::call(
        Some(thought),
        invented,
        dumps(arguments).unwrap_or_default(),
    )
}

fn wrong_argument(
    thought: &Option<String>,
    function: &str,
    arguments: &Map<String, Value>,
    draw: &mut Draw,
) -> Option<Said> {
    let (name, value) = arguments.iter().next()?;
    let wrong = match draw.chance(0.5) {
        true => Map::new(),
        false => Map::from_iter([(format!("{name}_name"), value.clone())]),
    };
    Some(spell::call(
        thought.clone(),
        function.to_owned(),
        dumps(&wrong).unwrap_or_default(),
    ))
}
