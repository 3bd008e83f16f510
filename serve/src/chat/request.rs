//! What a request asks for.

use std::ops::RangeInclusive;

use glpft_agent::{Api, Function, Task};
use glpft_data::{ChatTurns, Field, Speaker, Tool, chat_turns, read_functions, read_messages};
use glpft_recipes::Observations;
use serde_json::Value;

use super::ChatSettings;
use super::failure::Failure;
use crate::speaker::{Question, Wishes};

/// Texts that may end an answer, as many as OpenAI allows.
const STOPS: usize = 4;

/// The most notes of a reply.
const NOTES: usize = 16;

/// A request that can be answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub question: Question,
    pub asking: Asking,
}

/// How the answer is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asking {
    /// What the asker should know of the request: what is done otherwise than asked for, and what the models are not shown.
    pub notes: Vec<String>,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Whether the answer comes in parts.
    pub stream: bool,
    /// Whether the last part says what it took.
    pub stream_usage: bool,
}

impl Request {
    /// Reads a request's body.
    ///
    /// # Errors
    /// What cannot be used, and what this server does not do; keys that change nothing about the answer are passed over.
    pub(super) fn read(body: &Value, settings: &ChatSettings) -> Result<Self, Failure> {
        let (body, limits) = (Field::root(body, ""), &settings.requests);
        let name = body.key("model")?.text()?;
        if name != settings.model {
            return Err(Failure::no_model(name, &settings.model));
        }
        refuse(&body)?;
        let messages = body.key("messages")?;
        most(&messages, limits.messages, "messages")?;
        let read = turns(&messages, settings.observations)?;
        let instruction = read.instruction().unwrap_or_default();
        let turns = read.turns;
        let mut notes = Vec::new();
        let functions = match body.find("tools")? {
            None => Vec::new(),
            Some(list) => {
                most(&list, limits.tools, "tools")?;
                functions(&list)?
            }
        };
        for function in &functions {
            let tool = Tool::of_schema(
                &function.name,
                &function.description,
                &function.parameters,
                settings.schemas,
            );
            notes.extend_from_slice(tool.lost());
        }
        let may_call = may_call(&body)? && !functions.is_empty();
        let new_tokens = new_tokens(&body, limits.new_tokens, &mut notes)?;
        if notes.len() > NOTES {
            let more = notes.len() - NOTES;
            notes.truncate(NOTES);
            notes.push(format!("and {more} more"));
        }
        let stream = truth(&body, "stream")?;
        let stream_usage = match body.find("stream_options")? {
            None => false,
            Some(options) => truth(&options, "include_usage")?,
        };
        Ok(Self {
            question: Question {
                task: Task {
                    id: String::new(),
                    query: turns
                        .iter()
                        .find(|turn| turn.from == Speaker::User)
                        .map_or_else(String::new, |turn| turn.value.clone()),
                    functions,
                },
                instruction,
                turns,
                wishes: Wishes {
                    temperature: between(&body, "temperature", 0.0..=2.0)?,
                    // 0 is the likeliest token alone, as other servers take it.
                    top_p: between(&body, "top_p", 0.0..=1.0)?.map(|top_p| top_p.max(1e-9)),
                    seed: seed(&body)?,
                    new_tokens,
                    may_call,
                },
            },
            asking: Asking {
                notes,
                stop: stop(&body)?,
                stream,
                stream_usage: stream && stream_usage,
            },
        })
    }
}

/// The turns of `messages`, as training reads them; they end with something to be answered.
fn turns(messages: &Field<'_>, observations: Observations) -> Result<ChatTurns, Failure> {
    let turns = chat_turns(&read_messages(messages)?, observations)?;
    match turns.turns.last().map(|turn| turn.from) {
        None => Err(messages
            .wrong("is empty: there is nothing to answer")
            .into()),
        Some(Speaker::User | Speaker::Observation) => Ok(turns),
        Some(_) => Err(messages
            .wrong("the last message must be the user's or a tool's")
            .into()),
    }
}

/// The functions that a team chooses from, as training reads them.
fn functions(tools: &Field<'_>) -> Result<Vec<Function>, Failure> {
    let functions = read_functions(tools)?.into_iter();
    Ok(functions
        .map(|function| Function {
            api: Api {
                category: String::new(),
                tool: String::new(),
                name: function.name.clone(),
            },
            name: function.name,
            description: function.description,
            parameters: function.parameters,
        })
        .collect())
}

/// Refuses what would change the answer and is not done here.
pub(super) fn refuse(body: &Field<'_>) -> Result<(), Failure> {
    let refused = |key: &str, usual: &dyn Fn(&Value) -> bool, problem: &str| match body.find(key)? {
        Some(field) if !usual(field.value()) => Err(Failure::from(field.wrong(problem))),
        _ => Ok(()),
    };
    let nothing = |value: &Value| {
        value.as_f64() == Some(0.0)
            || value.as_object().is_some_and(|object| object.is_empty())
            || value.as_bool() == Some(false)
    };
    refused(
        "n",
        &|n| n.as_u64() == Some(1),
        "one answer a request: must be 1",
    )?;
    for key in ["logprobs", "top_logprobs", "logit_bias"] {
        refused(key, &nothing, "this server does not do this")?;
    }
    for key in ["presence_penalty", "frequency_penalty"] {
        refused(key, &nothing, "this server does not do this: must be 0")?;
    }
    for key in ["functions", "function_call"] {
        refused(
            key,
            &|_| false,
            "is of an older form: use tools, tool_choice and tool_calls",
        )?;
    }
    refused(
        "response_format",
        &|format| format.get("type").and_then(Value::as_str) == Some("text"),
        "this server answers with text alone",
    )?;
    refused(
        "modalities",
        &|kinds| {
            kinds
                .as_array()
                .is_some_and(|kinds| kinds.iter().all(|kind| kind == "text"))
        },
        "this server answers with text alone",
    )
}

fn most(list: &Field<'_>, most: usize, what: &str) -> Result<(), Failure> {
    match list.elements()?.len() {
        count if count > most => Err(list
            .wrong(format!("there are {count} {what}; {most} are allowed"))
            .into()),
        _ => Ok(()),
    }
}

pub(super) fn truth(object: &Field<'_>, key: &str) -> Result<bool, Failure> {
    Ok(match object.find(key)? {
        Some(field) => field.truth()?,
        None => false,
    })
}

pub(super) fn between(
    body: &Field<'_>,
    key: &str,
    range: RangeInclusive<f64>,
) -> Result<Option<f64>, Failure> {
    let Some(field) = body.find(key)? else {
        return Ok(None);
    };
    let number = field.number()?;
    match range.contains(&number) {
        true => Ok(Some(number)),
        false => Err(field
            .wrong(format!("must be {} to {}", range.start(), range.end()))
            .into()),
    }
}

pub(super) fn seed(body: &Field<'_>) -> Result<Option<u64>, Failure> {
    let Some(field) = body.find("seed")? else {
        return Ok(None);
    };
    // A negative seed is as good as any other.
    let negative = || field.value().as_i64().map(i64::cast_unsigned);
    match field.value().as_u64().or_else(negative) {
        Some(seed) => Ok(Some(seed)),
        None => Err(field.not("a whole number of 64 bits").into()),
    }
}

pub(super) fn new_tokens(
    body: &Field<'_>,
    most: usize,
    notes: &mut Vec<String>,
) -> Result<Option<usize>, Failure> {
    // The older name counts where the newer one is absent.
    let newer = body.find("max_completion_tokens")?;
    let Some(field) = newer.or(body.find("max_tokens")?) else {
        return Ok(None);
    };
    let asked = field.count()?;
    if asked > most {
        notes.push(format!(
            "{field}: answers have at most {most} tokens here, not {asked}"
        ));
    }
    Ok(Some(asked.min(most)))
}

fn may_call(body: &Field<'_>) -> Result<bool, Failure> {
    let Some(choice) = body.find("tool_choice")? else {
        return Ok(true);
    };
    match choice.value().as_str() {
        Some("auto") => Ok(true),
        Some("none") => Ok(false),
        _ => Err(choice
            .wrong(
                "the planner decides whether to call, and the caller what: must be \"auto\" or \"none\" \
                 (to have one function called, offer it alone)",
            )
            .into()),
    }
}

pub(super) fn stop(body: &Field<'_>) -> Result<Vec<String>, Failure> {
    let Some(field) = body.find("stop")? else {
        return Ok(Vec::new());
    };
    let texts = match field.value().as_str() {
        Some(text) => vec![text.to_owned()],
        None => field
            .elements()?
            .map(|text| text.text().map(str::to_owned))
            .collect::<Result<Vec<_>, _>>()?,
    };
    match texts.len() > STOPS || texts.iter().any(String::is_empty) {
        true => Err(field
            .wrong(format!("must be at most {STOPS} texts, none of them empty"))
            .into()),
        false => Ok(texts),
    }
}
