//! A task and a path as the messages of a chat, in ToolBench's words (`prompts`, `Inference/Prompts/ReAct_prompts.py`).

use glpft_data::{Speaker, Turn};
use serde_json::{Value, json};

use crate::parse::{ACTION, INPUT};
use crate::policy_message::{FINISH, thought};
use crate::task::Task;

/// What a chat model is told of the form.
const SYSTEM: &str = "You are AutoGPT, you can use many tools(functions) to do the following task.\nFirst I will give you the \
    task description, and your task start.\nAt each step, you need to give your thought to analyze the status now and what \
    to do next, with a function call to actually excute your step.\nAfter the call, you will get the call result, and you \
    are now in a new state.\nThen you will analyze your status now, then decide what to do next...\nAfter many \
    (Thought-call) pairs, you finally perform the task, then you can give your finial answer.\nRemember: \n1.the state \
    change is irreversible, you can't go back to one of the former state, if you want to restart the task, say \"I give up \
    and restart\".\n2.All the thought is short, at most in 5 sentence.\n3.You can do more then one trys, so if your plan is \
    to continusly try some conditions, you can do one of the conditions per try.\nLet's Begin!\nTask description: ";
/// What it is told of the task.
const TASK: &str = "You should use functions to help handle the real time user querys. Remember:\n1.ALWAYS call \"Finish\" \
    function at the end of the task. And the final answer should contain enough information to show to the user,If you \
    can't handle the task, or you find that function calls always fail(the function is not valid now), use function \
    Finish->give_up_and_restart.\n2.Do not use origin tool names, use only subfunctions' names.\nYou have access of the \
    following tools:\n";
/// What `Finish` is for.
const FINISH_SAYS: &str = "If you believe that you have obtained a result that can answer the task, please call this function \
    to provide the final answer. Alternatively, if you recognize that you are unable to proceed with the task in the current \
    state, call this function to restart. Remember: you must ALWAYS call this function at the end of your attempt, and the \
    only part that will be shown to the user is the final answer, so it should contain sufficient information.";

/// The functions as tools, and [`FINISH`] where it may be one.
pub(super) fn tools(task: &Task, with_finish: bool) -> Value {
    let finish = json!({"type": "function", "function": {
        "name": FINISH,
        "description": FINISH_SAYS,
        "parameters": {
            "type": "object",
            "properties": {
                "return_type": {"type": "string", "enum": ["give_answer", "give_up_and_restart"]},
                "final_answer": {
                    "type": "string",
                    "description": "The final answer you want to give the user. You should have this field if \
                                    \"return_type\"==\"give_answer\"",
                },
            },
            "required": ["return_type"],
        },
    }});
    let functions = task
        .functions
        .iter()
        .map(|function| json!({"type": "function", "function": function.to_json()}));
    functions.chain(with_finish.then_some(finish)).collect()
}

/// The messages of a path, without the `left_out` oldest of its turns after the instruction.
pub(super) fn messages(
    task: &Task,
    turns: &[Turn],
    instruction: usize,
    left_out: usize,
) -> Vec<Value> {
    let mut messages = vec![json!({"role": "system", "content": system(task)})];
    let mut thought_of = None;
    let mut call: Option<String> = None;
    for (index, turn) in turns.iter().enumerate() {
        let is_old = index > instruction && index <= instruction + left_out;
        if is_old || index < instruction && left_out > 0 {
            continue;
        }
        let value = turn.value.as_str();
        match turn.from {
            Speaker::User if index == instruction => {
                messages.push(json!({"role": "user", "content": format!("\n{value}\nBegin!\n")}));
            }
            Speaker::User => messages.push(json!({"role": "user", "content": value})),
            Speaker::Assistant => thought_of = thought(value),
            Speaker::Caller => {
                let id = format!("call_{index}");
                let (name, arguments) = parts(value);
                messages.push(json!({
                    "role": "assistant",
                    "content": thought_of.take(),
                    "tool_calls": [{
                        "id": id,
                        "type": "function",
                        "function": {"name": name, "arguments": object(arguments)},
                    }],
                }));
                call = Some(id);
            }
            Speaker::Observation => match call.take() {
                Some(id) => {
                    messages.push(json!({"role": "tool", "tool_call_id": id, "content": value}))
                }
                // The environment's word on what was no call.
                None => messages.push(json!({"role": "user", "content": value})),
            },
            Speaker::Conclusion => {
                thought_of = None;
                messages.push(json!({"role": "assistant", "content": value}));
            }
        }
    }
    messages
}

/// How many turns after the instruction may be left out: whole steps, the last one stays.
pub(super) fn droppable(turns: &[Turn], instruction: usize, left_out: usize) -> Option<usize> {
    let ends = turns.iter().enumerate().skip(instruction + 1 + left_out);
    let mut ends = ends.filter(|(_, turn)| turn.from == Speaker::Observation);
    let (first, _) = ends.next()?;
    ends.next().map(|_| first - instruction)
}

fn system(task: &Task) -> String {
    let mut text = format!("{SYSTEM}{TASK}");
    let mut tools: Vec<&str> = Vec::new();
    for function in &task.functions {
        let tool = function.api.tool.as_str();
        if !tools.contains(&tool) {
            tools.push(tool);
            text += &format!("{}.{tool}\n", tools.len());
        }
    }
    text
}

/// A call's function and arguments.
fn parts(call: &str) -> (&str, &str) {
    let (name, arguments) = call.split_once(INPUT).unwrap_or((call, ""));
    let name = name.trim();
    (
        name.strip_prefix(ACTION).unwrap_or(name).trim(),
        arguments.trim(),
    )
}

/// Arguments as servers' templates read them: an object, in JSON.
fn object(arguments: &str) -> String {
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::Object(_)) => arguments.to_owned(),
        _ if arguments.is_empty() => "{}".to_owned(),
        _ => json!({"arguments": arguments}).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_message::PolicyMessage;

    #[test]
    fn a_path_is_a_chat() {
        let task = Task {
            id: "1".to_owned(),
            query: "Rain?".to_owned(),
            functions: Vec::new(),
        };
        let turn = |from, value: &str| Turn {
            from,
            value: value.to_owned(),
        };
        let mut turns = vec![turn(Speaker::User, "Rain?")];
        for (name, arguments) in [("weather", "{\"city\": \"Oslo\"}"), ("other", "no JSON")] {
            turns.extend(PolicyMessage::from_message(Some("I ask."), name, arguments).turns);
            turns.push(turn(Speaker::Observation, "It rains."));
        }
        turns.push(turn(Speaker::User, "Do otherwise."));
        let all = messages(&task, &turns, 0, 0);
        let roles: Vec<&str> = all.iter().filter_map(|one| one["role"].as_str()).collect();
        assert_eq!(
            roles,
            [
                "system",
                "user",
                "assistant",
                "tool",
                "assistant",
                "tool",
                "user"
            ]
        );
        assert_eq!(all[1]["content"], "\nRain?\nBegin!\n");
        assert_eq!(all[2]["content"], "I ask.");
        assert_eq!(all[2]["tool_calls"][0]["function"]["name"], "weather");
        assert_eq!(all[2]["tool_calls"][0]["id"], all[3]["tool_call_id"]);
        assert_eq!(
            all[4]["tool_calls"][0]["function"]["arguments"],
            "{\"arguments\":\"no JSON\"}"
        );
        // The oldest step may go, the last one may not.
        let cut = droppable(&turns, 0, 0);
        assert_eq!(cut, Some(3));
        assert_eq!(messages(&task, &turns, 0, 3).len(), all.len() - 2);
        assert_eq!(droppable(&turns, 0, 3), None);
        assert_eq!(tools(&task, true)[0]["function"]["name"], FINISH);
    }
}
