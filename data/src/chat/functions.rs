//! The functions that a chat offers: OpenAI's `tools`, and the older `functions`.

use std::collections::HashSet;

use glpft_recipes::Schemas;
use serde_json::{Map, Value};

use crate::field::{Field, shown};
use crate::record_error::RecordError;
use crate::tool::{FINISH, Tool};

/// The longest name of a function, in characters; ToolBench cuts its names to as many.
pub const NAME_CHARACTERS: usize = 64;

/// Where a function's schema stands: OpenAI's key, then those of the Messages API and of the Model Context Protocol.
const SCHEMAS: [&str; 3] = ["parameters", "input_schema", "inputSchema"];

/// A function that may be called.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatFunction {
    /// The name that a call must spell.
    pub name: String,
    /// What it does; empty where nothing is told.
    pub description: String,
    /// The JSON schema of its arguments, as it is written; empty where there is none.
    pub parameters: Map<String, Value>,
}

impl ChatFunction {
    /// The function as prompts show it.
    pub fn tool(&self, schemas: Schemas) -> Tool {
        Tool::of_schema(&self.name, &self.description, &self.parameters, schemas)
    }
}

/// Reads a list of tools: `{"type": "function", "function": {…}}`, or the functions themselves.
///
/// # Errors
/// What is no function, has a name that no call can spell or that another has, or has arguments of another form than a JSON
/// schema's; where, and why.
pub fn read_functions(tools: &Field<'_>) -> Result<Vec<ChatFunction>, RecordError> {
    let mut functions = Vec::new();
    let mut names = HashSet::new();
    for tool in tools.elements()? {
        let function = read(&tool)?;
        if !names.insert(function.name.clone()) {
            return Err(tool.wrong(format!("there are two functions {:?}", function.name)));
        }
        functions.push(function);
    }
    Ok(functions)
}

fn read(tool: &Field<'_>) -> Result<ChatFunction, RecordError> {
    if let Some(kind) = tool.find("type")?
        && kind.text()? != "function"
    {
        return Err(RecordError::Unknown {
            path: kind.path(),
            expected: "function",
            found: shown(kind.value()),
        });
    }
    // Without `function` around it, as the older form, chat templates and the Responses API have it.
    let bare = tool.value().get("function").is_none() && tool.value().get("name").is_some();
    match bare {
        true => function(tool),
        false => function(&tool.key("function")?),
    }
}

fn function(field: &Field<'_>) -> Result<ChatFunction, RecordError> {
    let name_field = field.key("name")?;
    let name = name_field.text()?;
    // Calls are lines of text: `Action: NAME`.
    let unfit = |letter: char| letter.is_whitespace() || letter.is_control();
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARACTERS || name.contains(unfit) {
        return Err(name_field.wrong(format!(
            "must be 1 to {NAME_CHARACTERS} characters without white space"
        )));
    }
    if name == FINISH {
        return Err(name_field.wrong(format!(
            "{FINISH:?} is how a team ends; choose another name"
        )));
    }
    let mut parameters = Map::new();
    for key in SCHEMAS {
        if let Some(schema) = field.find(key)? {
            check_schema(&schema)?;
            parameters = schema.object()?.clone();
            break;
        }
    }
    Ok(ChatFunction {
        name: name.to_owned(),
        description: field
            .find_text("description")?
            .unwrap_or_default()
            .to_owned(),
        parameters,
    })
}

/// The outermost level of a schema is of the form that arguments need; what stands deeper is read as far as it is one.
fn check_schema(schema: &Field<'_>) -> Result<(), RecordError> {
    if let Some(properties) = schema.find("properties")? {
        for name in properties.object()?.keys() {
            let property = properties.key(name)?;
            // `true` and `false` are schemas, too: of anything, and of nothing.
            if !property.value().is_boolean() {
                property.object()?;
                property.find_text("description")?;
            }
        }
    }
    if let Some(required) = schema.find("required")? {
        for name in required.elements()? {
            name.text()?;
        }
    }
    schema.object()?;
    Ok(())
}
