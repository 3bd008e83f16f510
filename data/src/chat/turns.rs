//! A chat's messages as the turns of a team.
//!
//! | message | turns |
//! |---|---|
//! | user | the user's turn |
//! | system, developer | the beginning of the next user's turn: a team's prompts have no other place for it |
//! | assistant with calls | for each call: the planner's turn (the thinking, then the text) and the caller's, then the observation of the tool's message that answers it |
//! | assistant with a text | the planner's turn (the thinking) and the conclusion; with `gave_up` the planner's alone |

use glpft_recipes::Observations;

use super::message::{ChatCall, ChatMessage, ChatRole};
use super::replies::Replies;
use super::reply::observation;
use crate::record_error::RecordError;
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Speaker, Turn};

/// The turns of a chat, and what was made of which message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatTurns {
    /// The turns in order.
    pub turns: Vec<Turn>,
    /// Of each turn the index of its message: of an observation, the tool's.
    pub messages: Vec<usize>,
    /// How many calls were made together with one before them, in one message. Only the first of them has a rationale.
    pub parallel_calls: usize,
    /// How many tools' replies were cut at [`OBSERVATION_CHARACTERS`](super::OBSERVATION_CHARACTERS).
    pub cut_replies: usize,
}

impl ChatTurns {
    /// The index of the last turn of the user: what is asked for now.
    pub fn instruction(&self) -> Option<usize> {
        let is_user = |turn: &Turn| turn.from == Speaker::User;
        self.turns.iter().rposition(is_user)
    }
}

/// The turns of `messages`. The chat may end anywhere between two messages; calls of its last message need no replies.
///
/// # Errors
/// A message in the wrong place: a reply without its call, a call without its reply, an assistant that says nothing.
pub fn chat_turns(
    messages: &[ChatMessage],
    observations: Observations,
) -> Result<ChatTurns, RecordError> {
    let mut reader = Reader {
        turns: ChatTurns::default(),
        system: Vec::new(),
        observations,
    };
    let mut at = 0;
    while let Some(message) = messages.get(at) {
        let after = &messages[at + 1..];
        match message.role {
            ChatRole::System => reader.system.push(at),
            ChatRole::User => {
                if message.content.is_none() {
                    return Err(message.wrong("the user says nothing: there is no text"));
                }
                reader.user(messages, Some(at));
            }
            ChatRole::Assistant => {
                let is_reply = |message: &&ChatMessage| message.role == ChatRole::Tool;
                let replies = after.iter().take_while(is_reply).count();
                reader.assistant(messages, at, replies)?;
                at += replies;
            }
            ChatRole::Tool => {
                return Err(message.wrong(
                    "a tool's reply must follow the assistant's message whose call it answers",
                ));
            }
        }
        at += 1;
    }
    if !reader.system.is_empty() {
        reader.user(messages, None);
    }
    Ok(reader.turns)
}

struct Reader {
    turns: ChatTurns,
    /// The system's messages since the last turn of the user.
    system: Vec<usize>,
    observations: Observations,
}

impl Reader {
    fn push(&mut self, message: usize, from: Speaker, value: impl Into<String>) {
        self.turns.turns.push(Turn {
            from,
            value: value.into(),
        });
        self.turns.messages.push(message);
    }

    /// The user's turn, headed by what the system said before it.
    fn user(&mut self, messages: &[ChatMessage], at: Option<usize>) {
        let mut said = std::mem::take(&mut self.system);
        said.extend(at);
        let texts = said
            .iter()
            .filter_map(|&index| messages[index].content.as_deref())
            .filter(|text| !text.is_empty());
        let text = texts.collect::<Vec<_>>().join("\n\n");
        self.push(
            said.last().copied().unwrap_or_default(),
            Speaker::User,
            text,
        );
    }

    /// An assistant's message and the tools' that follow it.
    fn assistant(
        &mut self,
        messages: &[ChatMessage],
        at: usize,
        replies: usize,
    ) -> Result<(), RecordError> {
        let message = &messages[at];
        let mut rationale = message.reasoning.clone();
        // A chat may end with calls that nobody has answered yet.
        let unanswered = replies == 0 && at + 1 == messages.len();
        let mut replies = Replies::new(&message.calls, messages, at + 1, replies);
        if message.calls.is_empty() {
            if let Some(reply) = replies.first() {
                return Err(messages[reply]
                    .wrong("answers no call: the assistant before it called no tool"));
            }
            if message.gave_up {
                self.planner(at, rationale, NEXT_GIVE_UP);
                return Ok(());
            }
            let Some(answer) = &message.content else {
                return Err(message.wrong("the assistant says nothing: no text, no call"));
            };
            self.planner(at, rationale, NEXT_CONCLUSION);
            self.push(at, Speaker::Conclusion, answer);
            return Ok(());
        }
        if let Some(content) = message.content.as_ref().filter(|text| !text.is_empty()) {
            rationale = Some(match rationale {
                Some(rationale) if !rationale.is_empty() => format!("{rationale}\n{content}"),
                _ => content.clone(),
            });
        }
        for (index, call) in message.calls.iter().enumerate() {
            self.turns.parallel_calls += usize::from(index > 0);
            // Of calls made together the first has the thought.
            self.planner(at, rationale.take(), NEXT_CALLER);
            let ChatCall {
                name, arguments, ..
            } = call;
            let text = format!("Action: {name}\nAction Input: {arguments}");
            self.push(at, Speaker::Caller, text);
            if unanswered {
                continue;
            }
            let Some(reply) = replies.take(call) else {
                return Err(RecordError::Wrong {
                    path: call.path.clone(),
                    problem: match &call.id {
                        Some(id) => format!("no reply after it has its id {id:?}"),
                        None => "no reply after it answers it".to_owned(),
                    },
                });
            };
            let text = messages[reply].content.as_deref().unwrap_or_default();
            let (observation, cut) = observation(text, self.observations);
            self.turns.cut_replies += usize::from(cut);
            self.push(reply, Speaker::Observation, observation);
        }
        match replies.first() {
            Some(reply) => Err(messages[reply].wrong(match &messages[reply].answers {
                Some(id) => format!("no call before it waits for a reply with its id {id:?}"),
                None => "every call before it has a reply".to_owned(),
            })),
            None => Ok(()),
        }
    }

    /// A planner's turn, as training has it.
    fn planner(&mut self, message: usize, rationale: Option<String>, tag: &str) {
        let rationale = rationale.map(|text| format!("{text}\n"));
        let text = format!("{} {tag}", rationale.unwrap_or_default());
        self.push(message, Speaker::Assistant, text);
    }
}
