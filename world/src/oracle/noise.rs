//! The mistakes of an oracle.

use glpft_agent::{Asked, FINISH, PolicyMessage};
use glpft_data::{Speaker, Turn};
use serde_json::{Map, Value};

use super::decide::{Next, is_call};
use super::spell::{call, calling, said};
use crate::draw::Draw;
use crate::plan::{MOST_CALLS, Plan};
use crate::tool::ApiKind;
use crate::world::World;

/// How often which mistake is made, as a probability at each step where it can be. A path has one of them at most, and
/// seldom one that leaves too few steps for the rest.
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
            wrong_call: 0.08,
            hallucinated: 0.03,
            wrong_argument: 0.03,
            early_give_up: 0.01,
            broken_finish: 0.02,
            no_thought: 0.01,
        }
    }
}

/// The probability of a mistake where it takes a step that is needed.
const WITHOUT_ROOM: f64 = 0.2;

impl Noise {
    pub(super) fn say(
        &self,
        world: &World,
        asked: &Asked<'_>,
        next: Next,
        draw: &mut Draw,
    ) -> PolicyMessage {
        let Some(plan) = world.plan(&asked.task.id) else {
            return said(next);
        };
        match next {
            Next::Call {
                reason,
                function,
                arguments,
            } => {
                let mistake = self.mistake(world, plan, asked, draw).and_then(|mistake| {
                    Some(match mistake {
                        Mistake::WrongCall => {
                            wrong_call(world, plan, asked, &arguments, &reason, draw)?
                        }
                        Mistake::Hallucinated => hallucinated(&function, &arguments, &reason, draw),
                        Mistake::WrongArgument => {
                            let wrong = wrong_argument(&arguments, draw)?;
                            call(Some(&calling(&reason, &function)), &function, &wrong)
                        }
                        Mistake::EarlyGiveUp => {
                            PolicyMessage::give_up(Some(&format!("{reason} I cannot find it.")))
                        }
                    })
                });
                mistake.unwrap_or_else(|| {
                    let thoughtful = !draw.chance(self.no_thought);
                    let thought = thoughtful.then(|| calling(&reason, &function));
                    call(thought.as_deref(), &function, &arguments)
                })
            }
            Next::Answer { thought, answer } if draw.chance(self.broken_finish) => {
                let whole = PolicyMessage::answer(Some(&thought), &answer).arguments;
                let broken = if has_room(plan) && is_undisturbed(world, plan, asked) {
                    // Means nothing to the environment, and takes a step.
                    whole.replacen("\"return_type\": \"give_answer\", ", "", 1)
                } else {
                    // Cut before the closing quote and brace, as a limit of tokens does.
                    whole.trim_end_matches(['}', '"']).to_owned()
                };
                PolicyMessage::from_message(Some(&thought), FINISH, &broken)
            }
            other => said(other),
        }
    }

    /// The mistake to be made now. Whoever was wrong once, or was told to try again, is careful.
    fn mistake(
        &self,
        world: &World,
        plan: &Plan,
        asked: &Asked<'_>,
        draw: &mut Draw,
    ) -> Option<Mistake> {
        if !is_undisturbed(world, plan, asked) {
            return None;
        }
        let room = if has_room(plan) { 1.0 } else { WITHOUT_ROOM };
        [
            (Mistake::WrongCall, self.wrong_call * room),
            (Mistake::Hallucinated, self.hallucinated * room),
            (Mistake::WrongArgument, self.wrong_argument * room),
            (Mistake::EarlyGiveUp, self.early_give_up),
        ]
        .into_iter()
        .find_map(|(mistake, share)| draw.chance(share).then_some(mistake))
    }
}

/// Whether a path has a step more than it needs.
fn has_room(plan: &Plan) -> bool {
    let ways: usize = plan.steps.iter().map(|step| step.ways.len()).sum();
    ways < MOST_CALLS
}

/// Whether nothing went wrong on the path: no new try, no end that was none, every call one of the plan's.
fn is_undisturbed(world: &World, plan: &Plan, asked: &Asked<'_>) -> bool {
    let is_planned = |turn: &Turn| {
        let mut ways = plan.steps.iter().flat_map(|step| &step.ways);
        ways.any(|way| {
            is_call(
                turn,
                &world.toolbox.apis[way.api].function.name,
                &way.arguments,
            )
        })
    };
    asked.turns.iter().skip(1).all(|turn| match turn.from {
        Speaker::User | Speaker::Conclusion => false,
        Speaker::Caller => is_planned(turn),
        Speaker::Assistant | Speaker::Observation => true,
    })
}

#[derive(Clone, Copy)]
enum Mistake {
    WrongCall,
    Hallucinated,
    WrongArgument,
    EarlyGiveUp,
}

/// A function of the task that is of no use: one without arguments, or with the same ones.
fn wrong_call(
    world: &World,
    plan: &Plan,
    asked: &Asked<'_>,
    arguments: &Map<String, Value>,
    reason: &str,
    draw: &mut Draw,
) -> Option<PolicyMessage> {
    let useful: Vec<&str> = plan
        .steps
        .iter()
        .flat_map(|step| &step.ways)
        .map(|way| world.toolbox.apis[way.api].function.name.as_str())
        .collect();
    let none = Map::new();
    let usable: Vec<(&str, &Map<String, Value>)> = asked
        .task
        .functions
        .iter()
        .filter_map(|function| {
            let api = world.toolbox.find_api(&function.api)?;
            let required = function.parameters.get("required")?.as_array()?;
            let same = required.len() == arguments.len()
                && required
                    .iter()
                    .all(|name| arguments.contains_key(name.as_str().unwrap_or_default()));
            let arguments = match api.kind {
                ApiKind::Pick { .. } => &none,
                _ if same => arguments,
                _ => return None,
            };
            let name = function.name.as_str();
            (!useful.contains(&name)).then_some((name, arguments))
        })
        .collect();
    let (function, arguments) = *draw.pick(&usable)?;
    let thought = calling(reason, function);
    Some(call(Some(&thought), function, arguments))
}

fn hallucinated(
    function: &str,
    arguments: &Map<String, Value>,
    reason: &str,
    draw: &mut Draw,
) -> PolicyMessage {
    let (api, tool) = function.split_once("_for_").unwrap_or((function, "tool"));
    let invented = match draw.below(3) {
        0 => format!("query_{api}_for_{tool}"),
        1 => format!("{api}_all_for_{tool}"),
        _ => api.to_owned(),
    };
    let thought = calling(reason, &invented);
    call(Some(&thought), &invented, arguments)
}

fn wrong_argument(arguments: &Map<String, Value>, draw: &mut Draw) -> Option<Map<String, Value>> {
    let (name, value) = arguments.iter().next()?;
    Some(match draw.chance(0.5) {
        true => Map::new(),
        false => Map::from_iter([(format!("{name}_name"), value.clone())]),
    })
}
