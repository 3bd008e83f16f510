//! The steps of an agent that calls tools by itself, as the text that teams are scored by.
//!
//! Its message is the step: a call of a function is the plan to call, with that action and these arguments; `Finish` with an
//! answer, or words without a call, are the plan to finish, with that answer; `Finish` with a give-up is one.

use glpft_agent::{
    Asked, FINISH, Function, GenerateError, Plan, PlannerTurn, Policy, PolicyMessage, Prediction,
    Task,
};
use glpft_data::{Conversation, Finish, NEXT_CALLER, Speaker, read_finish};
use serde_json::json;

use super::record::{Ending, Output};
use super::settings::AGENT;
use super::steps::TrajectorySteps;

/// What stands in a thought and would be read as a part of the step.
const MARKS: [&str; 3] = ["Next: give up", "Next: conclusion", "</s>"];

/// What an agent says at each step of the trajectories, all of them asked together.
pub(super) fn ask(
    trajectories: &[TrajectorySteps<'_>],
    agent: &mut dyn Policy,
) -> Result<Vec<(Prediction, Output)>, GenerateError> {
    let tasks: Vec<Task> = trajectories.iter().map(task).collect();
    let steps = trajectories.iter().zip(&tasks);
    let asked: Vec<Asked<'_>> = steps
        .flat_map(|(trajectory, task)| {
            let conversation = trajectory.conversation;
            trajectory.steps.iter().map(move |step| Asked {
                task,
                turns: &conversation.turns[..step.turn],
                instruction: instruction(conversation, step.turn),
                count: step.turn,
            })
        })
        .collect();
    let said = agent.say(&asked)?;
    Ok(said
        .iter()
        .map(|said| (prediction(said), output(said)))
        .collect())
}

fn task(trajectory: &TrajectorySteps<'_>) -> Task {
    let conversation = trajectory.conversation;
    Task {
        id: trajectory.index.to_string(),
        query: conversation.instruction.clone(),
        functions: conversation.tools.iter().map(Function::of_tool).collect(),
    }
}

/// The turn that says what is to be done at a step: of a chat the user's last question before it, else the first turn of the
/// user, whose later ones only demand another way.
fn instruction(conversation: &Conversation, step: usize) -> usize {
    let later = conversation.marks.instructions.iter().copied();
    let first = conversation.turns.iter();
    let first = first.take(step).position(|turn| turn.from == Speaker::User);
    later
        .filter(|&turn| turn < step)
        .max()
        .or(first)
        .unwrap_or_default()
}

/// A step in a team's words. Its thought is not scored, and left out where it would be read as something else.
fn prediction(said: &PolicyMessage) -> Prediction {
    let thought = said.thought.as_deref();
    let plain = thought.filter(|thought| !MARKS.iter().any(|mark| thought.contains(mark)));
    if said.is_unfinished() {
        // A call that was cut before it was one.
        let planner = PlannerTurn {
            text: format!("{}\n {NEXT_CALLER}", plain.unwrap_or_default()),
            next: Plan::Call,
        };
        return Prediction::new(planner, "");
    }
    let turns = PolicyMessage::from_message(plain, &said.function, &said.arguments).turns;
    let mut turns = turns.into_iter();
    let planner = turns.next().map_or_else(String::new, |turn| turn.value);
    let (next, output) = match turns.next() {
        None => (Plan::GiveUp, String::new()),
        Some(turn) if turn.from == Speaker::Conclusion => (Plan::Finish, turn.value),
        Some(turn) => (Plan::Call, turn.value),
    };
    let planner = PlannerTurn {
        text: planner,
        next,
    };
    Prediction::new(planner, &output)
}

/// Its message, and what it cost.
fn output(said: &PolicyMessage) -> Output {
    let thought = said.thought.as_deref().unwrap_or_default();
    let says_nothing = thought.is_empty()
        && match said.function.as_str() {
            FINISH => read_finish(&said.arguments) == Some(Finish::Answer(String::new())),
            name => name.is_empty(),
        };
    let text = match says_nothing {
        true => String::new(),
        false => json!({
            "content": said.thought,
            "function_call": {"name": said.function, "arguments": said.arguments},
        })
        .to_string(),
    };
    Output {
        role: AGENT.to_owned(),
        text,
        ending: match said.cut {
            true => Ending::Length,
            false => Ending::EndOfSequence,
        },
        prompt_tokens: said.usage.prompt_tokens,
        cut_tokens: 0,
        left_out_turns: said.left_out,
        refused: said.usage.refused_steps > 0,
        cached_tokens: said.usage.cached_tokens,
        new_tokens: said.usage.new_tokens,
    }
}
