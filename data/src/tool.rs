//! A tool, as prompts describe it.

use glpft_recipes::Schemas;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::field::Field;
use crate::python::{first_chars, last_chars};
use crate::record_error::RecordError;

/// ToolBench names are cut to their last characters, descriptions of tools to their first, of arguments to
/// their last: the caps of the service that the data was made with.
pub(crate) const NAME_CHARS: usize = 64;
pub(crate) const DESCRIPTION_CHARS: usize = 256;

/// The function that ends a trajectory; it is no tool that a model may choose.
pub(crate) const FINISH: &str = "Finish";

/// The name that the environment gives to a call of a function that does not exist.
pub const HALLUCINATED: &str = "invalid_hallucination_function_name";

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
    pub(crate) fn from_function(
        field: &Field<'_>,
        name: &str,
        schemas: Schemas,
    ) -> Result<Self, RecordError> {
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

/// Reads the `tools` of a stage-1 or stage-2 file.
pub(crate) fn read_tools(field: &Field<'_>) -> Result<Vec<Tool>, RecordError> {
    field
        .elements()?
        .map(|tool| Tool::from_stage(&tool))
        .collect()
}
