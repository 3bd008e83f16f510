//! What an agent is asked to do, and the functions that it may call for it.

use glpft_data::Tool;
use glpft_recipes::Schemas;
use serde_json::{Map, Value};

/// Where a function's calls go: an API as its server knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Api {
    /// The category of tools, as the server spells it.
    pub category: String,
    /// The tool, as the server spells it.
    pub tool: String,
    /// The API of the tool, as the server spells it.
    pub name: String,
}

/// A function that an agent may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The name that a call must spell; of ToolBench's `{api}_for_{tool}`, its last 64 characters.
    pub name: String,
    /// What it does; of ToolBench's its first 256 characters.
    pub description: String,
    /// Its arguments as a JSON schema; of ToolBench's kind it has `type`, `properties`, `required`, `optional`.
    pub parameters: Map<String, Value>,
    /// Where its calls go.
    pub api: Api,
}

impl Function {
    /// The function that a tool's text in the data tells of: the name, what it does, and of each argument its text, with the
    /// type and whether it is required as far as the text begins with them. What a schema had besides stands in these texts.
    pub fn of_tool(tool: &Tool) -> Self {
        let of = |key: &str| tool.description().get(key);
        let input = of("input").and_then(Value::as_object);
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (argument, text) in input.into_iter().flatten() {
            let text = match text {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let (schema, is_required) = argument_schema(&text);
            properties.insert(argument.clone(), schema);
            if is_required {
                required.push(Value::from(argument.as_str()));
            }
        }
        let mut parameters = Map::new();
        parameters.insert("type".to_owned(), "object".into());
        parameters.insert("properties".to_owned(), properties.into());
        parameters.insert("required".to_owned(), required.into());
        let name = tool.name().to_owned();
        let (api, of_tool) = name.rsplit_once("_for_").unwrap_or((&name, &name));
        Self {
            description: of("function")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            parameters,
            api: Api {
                category: String::new(),
                tool: of_tool.to_owned(),
                name: api.to_owned(),
            },
            name,
        }
    }

    /// The function as an element of a raw answer's `function` list.
    pub fn to_json(&self) -> Value {
        let mut function = Map::new();
        function.insert("name".to_owned(), self.name.as_str().into());
        function.insert("description".to_owned(), self.description.as_str().into());
        function.insert("parameters".to_owned(), self.parameters.clone().into());
        function.into()
    }
}

/// An argument's text as a schema, and whether it says that the argument is required.
fn argument_schema(text: &str) -> (Value, bool) {
    let mut parts = text.split(',').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_lowercase();
    let is_required = parts
        .next()
        .is_some_and(|part| part.starts_with("required"));
    let mut schema = Map::new();
    let kind = kind.split('.').next().unwrap_or_default();
    match kind {
        "string" | "integer" | "number" | "boolean" | "object" => {
            schema.insert("type".to_owned(), kind.into());
        }
        "array" => {
            schema.insert("type".to_owned(), kind.into());
            // Servers want to know of what.
            schema.insert("items".to_owned(), Map::new().into());
        }
        _ => {}
    }
    schema.insert("description".to_owned(), text.into());
    (schema.into(), is_required)
}

/// Something to be done with tools.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What tells it from others of its set; the name of its answer's file begins with it.
    pub id: String,
    /// What the user wants.
    pub query: String,
    /// The functions to choose from, without `Finish`.
    pub functions: Vec<Function>,
}

impl Task {
    /// The functions as prompts describe them.
    pub fn tools(&self, schemas: Schemas) -> Vec<Tool> {
        self.functions
            .iter()
            .map(|function| {
                let Function {
                    name,
                    description,
                    parameters,
                    ..
                } = function;
                Tool::of_schema(name, description, parameters, schemas)
            })
            .collect()
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tools_text_is_a_function_again() {
        let parameters = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "where, as people call it"},
                "days": {"type": "array", "items": {"type": "integer"}},
                "unit": {"enum": ["C", "F"]},
            },
            "required": ["city"],
        });
        let parameters = parameters.as_object().cloned().unwrap_or_default();
        let name = "weather_for_sky";
        let tool = Tool::of_schema(name, "Tells it.", &parameters, Schemas::Whole);
        let function = Function::of_tool(&tool);
        assert_eq!(
            (&*function.name, &*function.description),
            (name, "Tells it.")
        );
        assert_eq!(
            (&*function.api.tool, &*function.api.name),
            ("sky", "weather")
        );
        let found = function.to_json();
        let found = &found["parameters"];
        assert_eq!(found["required"], json!(["city"]));
        assert_eq!(found["properties"]["city"]["type"], "string");
        let told = found["properties"]["city"]["description"].as_str();
        assert!(told.is_some_and(|told| told.contains("as people call it")));
        assert_eq!(found["properties"]["days"]["type"], "array");
        assert_eq!(found["properties"]["days"]["items"], json!({}));
        let told = found["properties"]["unit"]["description"].as_str();
        assert!(told.is_some_and(|told| told.contains("\"C\"")), "{found}");
        // The published form says neither; nothing of a text is an error.
        let tool = Tool::of_schema(name, "", &parameters, Schemas::Published);
        assert_eq!(Function::of_tool(&tool).parameters["required"], json!([]));
    }
}
