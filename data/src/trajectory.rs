//! A trajectory: one path of messages from a query to an answer or a give-up (the pipeline's stage 1).

mod unread;

use std::collections::BTreeSet;

use glpft_recipes::Schemas;
use serde::Serialize;
use serde_json::Value;

use crate::field::Field;
use crate::finish::RecordedEnd;
use crate::query::level_query;
use crate::record_error::RecordError;
use crate::tool::{FINISH, Tool, read_tools};

/// One path from a query to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trajectory {
    /// What splits are made by: the instruction, levelled ([`level_query`]).
    #[serde(skip)]
    pub query: String,
    /// The tools to choose from, without `Finish`.
    pub tools: Vec<Tool>,
    /// What the user asks for.
    pub instruction: String,
    /// The messages as the source writes them, the system's and the user's first.
    #[serde(rename = "chains")]
    pub chain: Vec<Value>,
    /// Where the messages stand in the source's file; errors name it.
    #[serde(skip)]
    pub place: String,
    /// What the source's record says of the end besides the messages.
    #[serde(skip)]
    pub(crate) end: RecordedEnd,
    /// Keys of the source's record that say something and are not read, as `train_messages[].refusal`.
    #[serde(skip)]
    pub unread: BTreeSet<String>,
}

impl Trajectory {
    /// Reads `answer_generation` of a raw answer whose messages are `train_messages`.
    pub(crate) fn from_answer(
        answer: &Field<'_>,
        train_messages: &Field<'_>,
        schemas: Schemas,
    ) -> Result<Self, RecordError> {
        let mut tools = Vec::new();
        for function in answer.key("function")?.elements()? {
            let function = unwrapped(function)?;
            let name = function.key("name")?.text()?;
            if name != FINISH {
                tools.push(Tool::from_function(&function, name, schemas)?);
            }
        }
        // The earlier entries are beginnings of the last one.
        let Some(chain) = train_messages.elements()?.last() else {
            return Err(RecordError::Empty {
                path: train_messages.path(),
            });
        };
        let instruction = answer.key("query")?.text()?;
        let chain_messages = messages(&chain)?;
        Ok(Self {
            query: level_query(instruction),
            tools,
            instruction: instruction.to_owned(),
            place: chain.path(),
            end: RecordedEnd::of_answer(answer)?,
            unread: unread::of_answer(answer.object()?, &chain_messages),
            chain: chain_messages,
        })
    }

    /// Reads an element of a stage-1 file.
    pub(crate) fn from_stage(field: &Field<'_>) -> Result<Self, RecordError> {
        let instruction = field.key("instruction")?.text()?;
        let chain = field.key("chains")?;
        let chain_messages = messages(&chain)?;
        Ok(Self {
            query: level_query(instruction),
            tools: read_tools(&field.key("tools")?)?,
            instruction: instruction.to_owned(),
            place: chain.path(),
            end: RecordedEnd::default(),
            unread: unread::of_stage_1(field.object()?, &chain_messages),
            chain: chain_messages,
        })
    }
}

/// A function without the `{"type": "function", "function": …}` that the tools form has around it.
fn unwrapped<'a>(function: Field<'a>) -> Result<Field<'a>, RecordError> {
    let inner = function.find("function")?;
    Ok(inner
        .filter(|inner| inner.value().is_object())
        .unwrap_or(function))
}

fn messages(chain: &Field<'_>) -> Result<Vec<Value>, RecordError> {
    Ok(chain
        .elements()?
        .map(|message| message.value().clone())
        .collect())
}
