//! A chat's messages as the turns that a team was trained on.
//!
//! | message | turns |
//! |---|---|
//! | user | the user's turn |
//! | system, developer | the beginning of the next user's turn: a team's prompts have no other place for it |
//! | assistant with `tool_calls` | for each call: the planner's turn (`reasoning_content`, else `content`) and the caller's, then the observation of the `tool` message that answers it |
//! | assistant with `content` | the planner's turn (`reasoning_content`) and the conclusion; with `gave_up` the planner's alone |

use glpft_agent::OBSERVATION_CHARACTERS;
use glpft_data::python::first_chars;
use glpft_data::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn, observation_text};
use glpft_recipes::Observations;

use super::failure::Failure;
use super::field::Field;

/// The turns of `messages`, the user's first.
pub(super) fn turns(
    messages: &Field<'_>,
    observations: Observations,
) -> Result<Vec<Turn>, Failure> {
    let mut reader = Reader {
        turns: Vec::new(),
        instructions: Vec::new(),
        observations,
    };
    let mut elements = messages.elements()?.peekable();
    while let Some(message) = elements.next() {
        let role = message.key("role")?;
        match role.text()? {
            "system" | "developer" => {
                let text = content(&message)?.unwrap_or_default();
                reader.instructions.push(text);
            }
            "user" => {
                let text =
                    content(&message)?.ok_or_else(|| message.wrong("\"content\" is missing"))?;
                reader.user(text);
            }
            "assistant" => {
                let mut replies = Vec::new();
                while let Some(reply) =
                    elements.next_if(|next| next.find_text("role") == Ok(Some("tool")))
                {
                    replies.push(reply);
                }
                reader.assistant(&message, replies)?;
            }
            "tool" => {
                return Err(message.wrong(
                    "a tool's message must follow the assistant's message whose tool_calls it answers",
                ));
            }
            _ => {
                return Err(role.wrong("must be system, developer, user, assistant or tool"));
            }
        }
    }
    if !reader.instructions.is_empty() {
        reader.user(String::new());
    }
    match reader.turns.last().map(|turn| turn.from) {
        None => Err(messages.wrong("is empty: there is nothing to answer")),
        Some(Speaker::User | Speaker::Observation) => Ok(reader.turns),
        Some(_) => Err(messages.wrong("the last message must be the user's or a tool's")),
    }
}

struct Reader {
    turns: Vec<Turn>,
    /// What the system said since the last turn of the user.
    instructions: Vec<String>,
    observations: Observations,
}

impl Reader {
    fn push(&mut self, from: Speaker, value: impl Into<String>) {
        self.turns.push(Turn {
            from,
            value: value.into(),
        });
    }

    fn user(&mut self, text: String) {
        let mut texts = std::mem::take(&mut self.instructions);
        texts.push(text);
        texts.retain(|text| !text.is_empty());
        self.push(Speaker::User, texts.join("\n\n"));
    }

    /// An assistant's message and the tools' that follow it.
    fn assistant(
        &mut self,
        message: &Field<'_>,
        mut replies: Vec<Field<'_>>,
    ) -> Result<(), Failure> {
        if self.turns.is_empty() {
            return Err(message.wrong("a user's message must come first"));
        }
        let mut rationale = message.find_text("reasoning_content")?.map(str::to_owned);
        let content = content(message)?;
        let calls = match message.find("tool_calls") {
            Some(calls) => calls.elements()?.collect(),
            None => Vec::new(),
        };
        if calls.is_empty() {
            if let Some(reply) = replies.first() {
                return Err(reply.wrong("answers no call: the assistant before it called no tool"));
            }
            let gave_up = message
                .find("gave_up")
                .map_or(Ok(false), |field| field.truth())?;
            if gave_up {
                self.planner(rationale, NEXT_GIVE_UP);
                return Ok(());
            }
            let answer = content.ok_or_else(|| {
                message.wrong("an assistant's message has \"content\" or \"tool_calls\"")
            })?;
            self.planner(rationale, NEXT_CONCLUSION);
            self.push(Speaker::Conclusion, answer);
            return Ok(());
        }
        if let Some(content) = content.filter(|content| !content.is_empty()) {
            rationale = Some(match rationale {
                Some(rationale) => format!("{rationale}\n{content}"),
                None => content,
            });
        }
        for call in &calls {
            let id = call.key("id")?.text()?;
            let function = call.key("function")?;
            let name = function.key("name")?.text()?;
            let arguments = function.key("arguments")?.text()?;
            let answers = |reply: &Field<'_>| reply.find_text("tool_call_id") == Ok(Some(id));
            let Some(at) = replies.iter().position(answers) else {
                return Err(call.wrong(format!(
                    "no tool's message after it has the tool_call_id {id:?}"
                )));
            };
            let reply = replies.remove(at);
            // Of calls made together the first has the thought.
            self.planner(rationale.take(), NEXT_CALLER);
            self.push(
                Speaker::Caller,
                format!("Action: {name}\nAction Input: {arguments}"),
            );
            let text = self::content(&reply)?.unwrap_or_default();
            let observation = observation(&text, self.observations);
            self.push(Speaker::Observation, observation);
        }
        match replies.first() {
            Some(reply) => Err(reply.wrong("its tool_call_id is that of no call before it")),
            None => Ok(()),
        }
    }

    /// A planner's turn, as training has it.
    fn planner(&mut self, rationale: Option<String>, tag: &str) {
        let rationale = rationale.map(|text| format!("{text}\n"));
        self.push(
            Speaker::Assistant,
            format!("{} {tag}", rationale.unwrap_or_default()),
        );
    }
}

/// The text of a message: a string, or parts of text. None where it is absent.
fn content(message: &Field<'_>) -> Result<Option<String>, Failure> {
    let Some(content) = message.find("content") else {
        return Ok(None);
    };
    if let Some(text) = content.value.as_str() {
        return Ok(Some(text.to_owned()));
    }
    if content.value.as_array().is_none() {
        return Err(content.wrong("must be a string or a list of parts"));
    }
    let mut text = String::new();
    for part in content.elements()? {
        let kind = part.key("type")?;
        match kind.text()? {
            "text" => text.push_str(part.key("text")?.text()?),
            _ => return Err(kind.wrong("this server reads text alone: must be \"text\"")),
        }
    }
    Ok(Some(text))
}

/// A tool's reply as a team reads it: cut as in training, and of ToolBench's `{"error", "response"}` what it says.
fn observation(reply: &str, observations: Observations) -> String {
    let cut = first_chars(reply, OBSERVATION_CHARACTERS);
    let text = match cut.len() < reply.len() {
        true => format!("{cut}..."),
        false => cut.to_owned(),
    };
    let start = text.trim_start_matches(['{', ' ', '\n']);
    let of_toolbench = start.len() < text.len()
        && (start.starts_with("\"error\":") || start.starts_with("\"response\":"))
        && text.contains("\"response\"");
    match of_toolbench {
        true => observation_text(&text, observations)
            .or_else(|_| observation_text(&text, Observations::ResponseOrError))
            .unwrap_or(text),
        false => text,
    }
}
