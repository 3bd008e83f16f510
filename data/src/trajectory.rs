//! A trajectory: one path of messages from a query to an answer or a give-up (the pipeline's stage 1).

mod unread;

use std::collections::BTreeSet;

use glpft_recipes::Schemas;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::conversation::RecordedEnd;
use crate::python::{first_chars, last_chars};
use crate::query::level_query;
use crate::source::{Field, RecordError};

/// ToolBench names are cut to their last characters, descriptions of tools to their first, of arguments to
/// their last: the caps of the service that the data was made with.
pub(crate) const NAME_CHARS: usize = 64;
pub(crate) const DESCRIPTION_CHARS: usize = 256;

/// The function that ends a trajectory; it is no tool that a model may choose.
pub(crate) const FINISH: &str = "Finish";

/// A tool as prompts describe it: a JSON object that holds its `Name`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Tool {
    text: Value,
    #[serde(skip)]
    lost: Vec<String>,
}

/// What is not shown makes no difference: tools are what prompts show of them.
impl PartialEq for Tool {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Tool {}

impl Tool {
    /// A tool with a line of text for each argument.
    pub(crate) fn new(
        name: &str,
        description: &str,
        input: Map<String, Value>,
        lost: Vec<String>,
    ) -> Self {
        let mut text = Map::new();
        text.insert("Name".to_owned(), name.into());
        text.insert("function".to_owned(), description.into());
        text.insert("input".to_owned(), Value::Object(input));
        Self {
            text: Value::Object(text),
            lost,
        }
    }

    /// The name that a call must spell.
    pub fn name(&self) -> &str {
        self.text
            .get("Name")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The whole description, whose JSON text stands in the prompt.
    pub fn description(&self) -> &Value {
        &self.text
    }

    /// What its function's description and schema say that the text does not, in sentences.
    pub fn lost(&self) -> &[String] {
        &self.lost
    }

    /// A tool of a stage-1 or stage-2 file, kept as it is.
    fn from_stage(field: &Field<'_>) -> Result<Self, RecordError> {
        field.key("Name")?.text()?;
        Ok(Self {
            text: field.value().clone(),
            lost: Vec::new(),
        })
    }

    /// An element of a raw answer's `function` list (`name`, `description`, `parameters`) in the form of the prompts, cut
    /// as ToolBench's names and descriptions are.
    ///
    /// # Errors
    /// A function that lacks one of these, or has it in another form.
    pub fn of_function(function: &Value, schemas: Schemas) -> Result<Self, RecordError> {
        let field = Field::root(function, "function");
        Self::from_function(&field, field.key("name")?.text()?, schemas)
    }

    /// A function of a raw answer in the form of the prompts.
    fn from_function(field: &Field<'_>, name: &str, schemas: Schemas) -> Result<Self, RecordError> {
        let description = field.find_text("description")?.unwrap_or_default();
        let parameters = field.find("parameters")?;
        let properties = match &parameters {
            Some(parameters) => parameters.find("properties")?,
            None => None,
        };
        let mut input = Map::new();
        // A function without them takes no arguments.
        let (Some(parameters), Some(properties)) = (parameters, properties) else {
            let description = first_chars(description, DESCRIPTION_CHARS);
            return Ok(Self::new(
                last_chars(name, NAME_CHARS),
                description,
                input,
                Vec::new(),
            ));
        };
        if schemas == Schemas::Whole {
            properties.object()?;
            return Ok(Self::of_schema(
                name,
                description,
                parameters.object()?,
                schemas,
            ));
        }
        for argument in properties.object()?.keys() {
            let property = properties.key(argument)?;
            let mut text = property.key("type")?.text()?.to_owned();
            if let Some(description) = property.find("description")? {
                text.push_str(", ");
                text.push_str(last_chars(description.text()?, DESCRIPTION_CHARS));
            }
            input.insert(argument.clone(), Value::String(text));
        }
        Ok(Self::new(
            last_chars(name, NAME_CHARS),
            first_chars(description, DESCRIPTION_CHARS),
            input,
            Vec::new(),
        ))
    }
}

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

/// Reads the `tools` of a stage-1 or stage-2 file.
pub(crate) fn read_tools(field: &Field<'_>) -> Result<Vec<Tool>, RecordError> {
    field
        .elements()?
        .map(|tool| Tool::from_stage(&tool))
        .collect()
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
