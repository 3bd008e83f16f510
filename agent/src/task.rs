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
    /// The function as an element of a raw answer's `function` list.
    pub fn to_json(&self) -> Value {
        let mut function = Map::new();
        function.insert("name".to_owned(), self.name.as_str().into());
        function.insert("description".to_owned(), self.description.as_str().into());
        function.insert("parameters".to_owned(), self.parameters.clone().into());
        function.into()
    }
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
