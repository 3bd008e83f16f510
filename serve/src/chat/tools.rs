//! OpenAI's tools as the functions that a team chooses from.

use glpft_agent::{Api, FINISH, Function};
use serde_json::{Map, Value};

use super::failure::Failure;
use super::field::Field;

/// The longest name; ToolBench cuts its names to as many characters.
const NAME_CHARS: usize = 64;
/// Type of what a schema does not say the type of.
const ANY: &str = "string";

/// Reads the `tools` of a request.
pub(super) fn functions(tools: &Field<'_>) -> Result<Vec<Function>, Failure> {
    let mut functions: Vec<Function> = Vec::new();
    for tool in tools.elements()? {
        let kind = tool.key("type")?;
        if kind.text()? != "function" {
            return Err(kind.wrong("tools are functions: must be \"function\""));
        }
        let function = function(&tool.key("function")?)?;
        if functions.iter().any(|other| other.name == function.name) {
            return Err(tool.wrong(format!("there are two functions {:?}", function.name)));
        }
        functions.push(function);
    }
    Ok(functions)
}

fn function(field: &Field<'_>) -> Result<Function, Failure> {
    let name_field = field.key("name")?;
    let name = name_field.text()?;
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if name.is_empty() || name.len() > NAME_CHARS || !name.chars().all(plain) {
        return Err(name_field.wrong(format!(
            "must be 1 to {NAME_CHARS} of the characters a-z, A-Z, 0-9, _ and -"
        )));
    }
    if name == FINISH {
        return Err(name_field.wrong(format!(
            "{FINISH:?} is how the team ends; choose another name"
        )));
    }
    Ok(Function {
        name: name.to_owned(),
        description: field
            .find_text("description")?
            .unwrap_or_default()
            .to_owned(),
        parameters: match field.find("parameters") {
            None => parameters(Map::new(), Vec::new()),
            Some(schema) => read_parameters(&schema)?,
        },
        api: Api {
            category: String::new(),
            tool: String::new(),
            name: name.to_owned(),
        },
    })
}

/// A JSON schema in ToolBench's form: each argument has a type by name, and those not required are told by name.
fn read_parameters(schema: &Field<'_>) -> Result<Map<String, Value>, Failure> {
    schema.object()?;
    let mut properties = Map::new();
    if let Some(field) = schema.find("properties") {
        for (name, value) in field.object()? {
            let path = format!("{}.{name}", field.path);
            properties.insert(name.clone(), property(&Field { value, path })?.into());
        }
    }
    let mut required = Vec::new();
    if let Some(field) = schema.find("required") {
        for name in field.elements()? {
            required.push(name.text()?.to_owned());
        }
    }
    Ok(parameters(properties, required))
}

fn parameters(properties: Map<String, Value>, required: Vec<String>) -> Map<String, Value> {
    let optional: Vec<String> = properties
        .keys()
        .filter(|name| !required.contains(name))
        .cloned()
        .collect();
    let mut parameters = Map::new();
    parameters.insert("type".to_owned(), "object".into());
    parameters.insert("properties".to_owned(), properties.into());
    parameters.insert("required".to_owned(), required.into());
    parameters.insert("optional".to_owned(), optional.into());
    parameters
}

/// An argument: its type by name, and its description where it has one. What values it may have is part of that, since
/// prompts show nothing else.
fn property(field: &Field<'_>) -> Result<Map<String, Value>, Failure> {
    let mut property = Map::new();
    // A schema may be `true`: anything.
    let Some(object) = field.value.as_object() else {
        return match field.value.is_boolean() {
            true => {
                property.insert("type".to_owned(), ANY.into());
                Ok(property)
            }
            false => Err(field.wrong("must be an object")),
        };
    };
    property.insert("type".to_owned(), type_name(object).into());
    let mut description = field.find_text("description")?.map(str::to_owned);
    if let Some(Value::Array(values)) = object.get("enum") {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        let values = format!("One of: {}", values.join(", "));
        description = Some(match description {
            Some(text) if !text.is_empty() => format!("{text} {values}"),
            _ => values,
        });
    }
    if let Some(description) = description {
        property.insert("description".to_owned(), description.into());
    }
    Ok(property)
}

/// The first type that is not `null`, of the schema itself or of its alternatives.
fn type_name(schema: &Map<String, Value>) -> String {
    let named = |value: &Value| {
        let name = value.as_str().filter(|&name| name != "null");
        name.map(str::to_owned)
    };
    let own = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().find_map(named),
        Some(one) => named(one),
        None => None,
    };
    let of_alternatives = || {
        ["anyOf", "oneOf", "allOf"].iter().find_map(|key| {
            let alternatives = schema.get(*key)?.as_array()?;
            alternatives
                .iter()
                .find_map(|schema| named(schema.get("type")?))
        })
    };
    own.or_else(of_alternatives).unwrap_or_else(|| {
        match schema.contains_key("properties") || schema.contains_key("$ref") {
            true => "object".to_owned(),
            false => ANY.to_owned(),
        }
    })
}
