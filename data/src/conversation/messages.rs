//! A trajectory's messages as turns, in both forms that they come in:
//!
//! - the older one: an assistant's `function_call`, replies of the role `function` behind it;
//! - the tools form: an assistant's `tool_calls`, one or several, and replies of the role `tool` that name the call that
//!   they answer, in any order. Several calls are pairs of call and observation, in the calls' order.
//!
//! A chain may mix them. Where nothing in it is of the tools form, turns are those of the published pipeline.

use glpft_recipes::Arguments;
use serde_json::Value;

use crate::chat::{ChatCall, ChatMessage, ChatRole, Replies, read_message};
use crate::field::{Field, shown};
use crate::finish::{Finish, finish};
use crate::lenient::{Ending, read_lenient};
use crate::observation;
use crate::python::json;
use crate::read_options::ReadOptions;
use crate::record_error::RecordError;
use crate::tool::FINISH;
use crate::tool::HALLUCINATED;
use crate::trajectory::Trajectory;
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn};

/// The turns of a trajectory's messages, the instruction first.
///
/// # Errors
/// A message that cannot be read, and where it stands.
pub(super) fn read(
    trajectory: &Trajectory,
    options: &ReadOptions,
) -> Result<Vec<Turn>, RecordError> {
    let mut reader = Reader {
        trajectory,
        options,
        last: trajectory.chain.iter().rposition(is_assistant),
        turns: vec![Turn {
            from: Speaker::User,
            value: trajectory.instruction.clone(),
        }],
    };
    // The first two messages are the system's and the user's, whom the instruction stands for.
    let opening = match options.arguments {
        Arguments::Published => 2,
        Arguments::Lenient => {
            let opens = |message: &&Value| !is_assistant(message) && !is_reply(message);
            trajectory.chain.iter().take(2).take_while(opens).count()
        }
    };
    match trajectory.chain.iter().any(is_of_tools_form) {
        true => reader.tools_form(opening)?,
        false => reader.older_form(opening)?,
    }
    Ok(reader.turns)
}

fn role(message: &Value) -> Option<&str> {
    message.get("role")?.as_str()
}

fn is_assistant(message: &Value) -> bool {
    role(message) == Some("assistant")
}

fn is_reply(message: &Value) -> bool {
    matches!(role(message), Some("function" | "tool"))
}

fn is_of_tools_form(message: &Value) -> bool {
    let calls = message.get("tool_calls");
    role(message) == Some("tool") || calls.is_some_and(|calls| !is_nothing(calls))
}

/// Null and empty, which say the same as what is absent.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

struct Reader<'t> {
    trajectory: &'t Trajectory,
    options: &'t ReadOptions,
    /// The last message of the assistant: the one that ends the path.
    last: Option<usize>,
    turns: Vec<Turn>,
}

impl<'t> Reader<'t> {
    fn message(&self, index: usize) -> Field<'t> {
        let path = format!("{}[{index}]", self.trajectory.place);
        Field::root(&self.trajectory.chain[index], path)
    }

    fn push(&mut self, from: Speaker, value: String) {
        self.turns.push(Turn { from, value });
    }

    fn older_form(&mut self, opening: usize) -> Result<(), RecordError> {
        for index in opening..self.trajectory.chain.len() {
            let message = self.message(index);
            let role = message.key("role")?;
            match role.text()? {
                "assistant" => self.assistant(index, &message)?,
                "user" => {
                    let text = message.key("content")?.text()?.to_owned();
                    self.push(Speaker::User, text);
                }
                "function" => {
                    let text = observation::of_message(&message, self.options.observations)?;
                    self.push(Speaker::Observation, text);
                }
                "system" => {}
                _ => {
                    return Err(RecordError::Unknown {
                        path: role.path(),
                        expected: "system, user, assistant, function, tool",
                        found: shown(role.value()),
                    });
                }
            }
        }
        Ok(())
    }

    /// An assistant's message of the older form. One that calls nothing, not even `Finish`, leaves no turn.
    fn assistant(&mut self, index: usize, message: &Field<'_>) -> Result<(), RecordError> {
        let content = message.find_text("content")?;
        let call = message.find("function_call")?;
        let Some(call) = call.filter(|call| !is_nothing(call.value())) else {
            return Ok(());
        };
        let name = call.key("name")?.text()?;
        let arguments = match call.find("arguments")? {
            Some(arguments) => argument_text(&arguments)?,
            None if self.options.arguments == Arguments::Lenient => String::new(),
            None => argument_text(&call.key("arguments")?)?,
        };
        let place = || call.path();
        self.call(index, content, name, &arguments, &place)
    }

    fn tools_form(&mut self, opening: usize) -> Result<(), RecordError> {
        let messages = (opening..self.trajectory.chain.len())
            .map(|index| read_message(&self.message(index)))
            .collect::<Result<Vec<_>, _>>()?;
        let mut at = 0;
        while let Some(message) = messages.get(at) {
            match message.role {
                ChatRole::System => {}
                ChatRole::User => {
                    let text = message.content.clone().unwrap_or_default();
                    self.push(Speaker::User, text);
                }
                ChatRole::Assistant => {
                    let is_reply = |message: &&ChatMessage| message.role == ChatRole::Tool;
                    let replies = messages[at + 1..].iter().take_while(is_reply).count();
                    self.calls(opening, &messages, at, replies)?;
                    at += replies;
                }
                ChatRole::Tool => return Err(answers_nothing(message)),
            }
            at += 1;
        }
        Ok(())
    }

    /// An assistant's message of the tools form, and as many replies behind it. Without calls it leaves no turn.
    fn calls(
        &mut self,
        opening: usize,
        messages: &[ChatMessage],
        at: usize,
        replies: usize,
    ) -> Result<(), RecordError> {
        let message = &messages[at];
        let ends = at + 1 + replies == messages.len();
        let mut replies = Replies::new(&message.calls, messages, at + 1, replies);
        // Of calls made together the first has the thought.
        let mut rationale = rationale(message);
        for (index, call) in message.calls.iter().enumerate() {
            let place = || match call.id {
                None if message.calls.len() == 1 => message.path.clone(),
                _ => format!("{}.tool_calls[{index}]", message.path),
            };
            let content = rationale.take();
            self.call(
                opening + at,
                content.as_deref(),
                &call.name,
                &call.arguments,
                &place,
            )?;
            match replies.take(call) {
                Some(reply) => {
                    let reply = &messages[reply];
                    let text = reply.content.as_deref().unwrap_or_default();
                    let text = observation::of_text(text, &reply.path, self.options.observations)?;
                    self.push(Speaker::Observation, text);
                }
                // The path may end with calls that nothing answered, and Finish needs no answer.
                None if ends && replies.first().is_none() || call.name == FINISH => {}
                None => return Err(unanswered(place(), call)),
            }
        }
        match replies.first() {
            Some(reply) => Err(answers_nothing(&messages[reply])),
            None => Ok(()),
        }
    }

    /// The turns of a call in the message `index`, of a function or of `Finish`.
    fn call(
        &mut self,
        index: usize,
        content: Option<&str>,
        name: &str,
        arguments: &str,
        place: &dyn Fn() -> String,
    ) -> Result<(), RecordError> {
        let unreadable = || RecordError::Arguments {
            path: place(),
            name: name.to_owned(),
            found: shown(&Value::from(arguments)),
        };
        if name == FINISH {
            // What the record says of its end is of its last message.
            let recorded = Some(&self.trajectory.end).filter(|_| self.last == Some(index));
            let end = finish(arguments, content, recorded, self.options.arguments);
            let end = end.ok_or_else(unreadable)?;
            self.turns.extend(end_turns(content, end));
            return Ok(());
        }
        match self.options.arguments {
            // Calls of functions that do not exist are not learned from.
            Arguments::Lenient if name != HALLUCINATED => {
                let arguments = readable(arguments).ok_or_else(unreadable)?;
                self.turns.extend(function_turns(content, name, &arguments));
            }
            _ => self.turns.extend(function_turns(content, name, arguments)),
        }
        Ok(())
    }
}

/// The turns of an assistant's message: the planner's, and what the planner handed over to. `content` is the rationale,
/// `None` where the message has none; `name` and `arguments` are of the call, of a function or of `Finish`. What `Finish`
/// says that cannot be read is an answer of that text.
pub fn call_turns(content: Option<&str>, name: &str, arguments: &str) -> Vec<Turn> {
    if name != FINISH {
        return function_turns(content, name, arguments);
    }
    let end = finish(arguments, content, None, Arguments::Lenient);
    end_turns(
        content,
        end.unwrap_or_else(|| Finish::Answer(arguments.to_owned())),
    )
}

fn function_turns(content: Option<&str>, name: &str, arguments: &str) -> Vec<Turn> {
    let call = Turn {
        from: Speaker::Caller,
        value: format!("Action: {name}\nAction Input: {arguments}"),
    };
    vec![planner(content, NEXT_CALLER), call]
}

fn end_turns(content: Option<&str>, end: Finish) -> Vec<Turn> {
    match end {
        Finish::GiveUp => vec![planner(content, NEXT_GIVE_UP)],
        Finish::Answer(value) => {
            let conclusion = Turn {
                from: Speaker::Conclusion,
                value,
            };
            vec![planner(content, NEXT_CONCLUSION), conclusion]
        }
    }
}

fn planner(content: Option<&str>, tag: &str) -> Turn {
    let rationale = content.map(|content| format!("{content}\n"));
    Turn {
        from: Speaker::Assistant,
        value: format!("{} {tag}", rationale.unwrap_or_default()),
    }
}

/// What an assistant thought and said before its calls.
fn rationale(message: &ChatMessage) -> Option<String> {
    let content = message.content.as_deref();
    match message.reasoning.as_deref().filter(|text| !text.is_empty()) {
        None => content.map(str::to_owned),
        Some(thought) => Some(match content.filter(|text| !text.is_empty()) {
            Some(content) => format!("{thought}\n{content}"),
            None => thought.to_owned(),
        }),
    }
}

/// Arguments of a function as JSON: as they are where they are JSON, else what they are read as. `None` where that is not
/// known: they are not readable, or break off inside a value.
fn readable(arguments: &str) -> Option<String> {
    if json::loads(arguments).is_ok() {
        return Some(arguments.to_owned());
    }
    if arguments.trim().is_empty() {
        return Some("{}".to_owned());
    }
    let read = read_lenient(arguments).filter(|read| read.ending < Ending::Cut)?;
    json::dumps(&read.value).ok()
}

/// The arguments' text; an object that stands there unquoted as its JSON text.
fn argument_text(arguments: &Field<'_>) -> Result<String, RecordError> {
    match arguments.value() {
        Value::Object(object) => Ok(json::dumps(object)?),
        _ => Ok(arguments.text()?.to_owned()),
    }
}

fn answers_nothing(reply: &ChatMessage) -> RecordError {
    RecordError::Wrong {
        path: reply.path.clone(),
        problem: match &reply.answers {
            Some(id) => {
                format!("its tool_call_id {id:?} is that of no call in the message before it")
            }
            None => "answers no call: the assistant before it calls nothing".to_owned(),
        },
    }
}

fn unanswered(path: String, call: &ChatCall) -> RecordError {
    RecordError::Wrong {
        path,
        problem: match &call.id {
            Some(id) => format!("no message after it has the tool_call_id {id:?}"),
            None => "no message after it answers it".to_owned(),
        },
    }
}
