//! The functions that a record offers, however it spells them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::chat::{ChatFunction, read_functions};
use crate::field::Field;
use crate::finish::FINISH_ARGUMENTS;
use crate::lenient::whole_lenient_json;
use crate::python;
use crate::record_error::RecordError;
use crate::tool::FINISH;

/// Where records tell their functions; the second is OpenAI's older key.
const KEYS: [&str; 2] = ["tools", "functions"];

/// Where a function's schema stands: OpenAI's key, those of Anthropic's Messages API and of the Model Context Protocol, and that of
/// some sets.
const SCHEMAS: [&str; 4] = ["parameters", "input_schema", "inputSchema", "arguments"];

/// Python's names of types, as xLAM's arguments have them.
const TYPES: [(&str, &str); 9] = [
    ("str", "string"),
    ("int", "integer"),
    ("float", "number"),
    ("bool", "boolean"),
    ("list", "array"),
    ("List", "array"),
    ("dict", "object"),
    ("Dict", "object"),
    ("tuple", "array"),
];

/// The functions beside a record's messages; none where no key tells any.
pub(super) fn beside(record: &Field<'_>) -> Result<Option<Vec<ChatFunction>>, RecordError> {
    for key in KEYS {
        if let Some(tools) = record.find(key)? {
            let list = list(&tools, "a list of tools")?;
            if !list.is_empty() {
                return read(list, &tools.path()).map(Some);
            }
        }
    }
    Ok(None)
}

/// The functions that a list of tools tells, each once and without ToolBench's `Finish`. The list stands at `path`.
pub(super) fn read(tools: Vec<Value>, path: &str) -> Result<Vec<ChatFunction>, RecordError> {
    // Another function of the same name is an error of reading them, so that none has to be compared with but the first.
    let mut first = HashMap::new();
    let mut different: Vec<Value> = Vec::with_capacity(tools.len());
    let mut spelled = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let spelling = Spelling::of(index, &tool);
        let tool = plain(tool);
        if ends(&tool) {
            continue;
        }
        if let Some(name) = tool.pointer("/function/name").and_then(Value::as_str) {
            let at = *first.entry(name.to_owned()).or_insert(different.len());
            if different.get(at) == Some(&tool) {
                continue;
            }
        }
        different.push(tool);
        spelled.push(spelling);
    }
    let different = Value::Array(different);
    let functions = read_functions(&Field::root(&different, ""));
    functions.map_err(|error| error.with_path(|of_plain| own_path(path, of_plain, &spelled)))
}

/// How a record spells a tool.
struct Spelling {
    /// Its place in the record's list.
    index: usize,
    /// Whether `function` is around it.
    is_wrapped: bool,
    /// The key of its arguments' schema.
    schema: Option<&'static str>,
}

impl Spelling {
    fn of(index: usize, tool: &Value) -> Self {
        let inner = tool.get("function").filter(|inner| inner.is_object());
        let function = inner.unwrap_or(tool);
        Self {
            index,
            is_wrapped: inner.is_some(),
            schema: schema_key(function),
        }
    }
}

/// The key of a function's schema, of those that sets have.
fn schema_key(function: &Value) -> Option<&'static str> {
    let has = |key: &&str| function.get(*key).is_some_and(|value| !value.is_null());
    SCHEMAS.into_iter().find(has)
}

/// The path in the record of what stands in a tool in OpenAI's form (`[1].function.parameters.type`).
fn own_path(list: &str, of_plain: &str, spelled: &[Spelling]) -> String {
    let found = || {
        let (index, rest) = of_plain.strip_prefix('[')?.split_once(']')?;
        Some((spelled.get(index.parse::<usize>().ok()?)?, rest))
    };
    let Some((spelling, rest)) = found() else {
        return format!("{list}{of_plain}");
    };
    let mut path = format!("{list}[{}]", spelling.index);
    let Some(rest) = rest.strip_prefix(".function") else {
        return path + rest;
    };
    if spelling.is_wrapped {
        path.push_str(".function");
    }
    match (rest.strip_prefix(".parameters"), spelling.schema) {
        (Some(rest), Some(key)) => path + "." + key + rest,
        _ => path + rest,
    }
}

/// Whether a tool is ToolBench's `Finish`. A function of that name with other arguments is the record's own; no team can call
/// it, and reading it says so.
fn ends(tool: &Value) -> bool {
    let is_named = tool
        .pointer("/function/name")
        .is_some_and(|name| name == FINISH);
    let arguments = tool.pointer("/function/parameters/properties");
    let arguments = arguments.and_then(Value::as_object);
    let is_toolbenchs = arguments.is_none_or(|arguments| {
        arguments.is_empty()
            || FINISH_ARGUMENTS
                .iter()
                .any(|key| arguments.contains_key(*key))
    });
    is_named && is_toolbenchs
}

/// The objects in a field: a list, its text (as JSON or as Python prints it), a list of such texts, or one object.
pub(super) fn list(field: &Field<'_>, expected: &'static str) -> Result<Vec<Value>, RecordError> {
    let whole = match field.value() {
        Value::String(text) if text.trim().is_empty() => return Ok(Vec::new()),
        Value::String(text) => parse(text).ok_or_else(|| field.not(expected))?,
        value => value.clone(),
    };
    let Value::Array(tools) = whole else {
        return match whole {
            Value::Object(_) => Ok(vec![whole]),
            _ => Err(field.not(expected)),
        };
    };
    tools
        .into_iter()
        .map(|tool| match tool {
            Value::String(text) => parse(&text).ok_or_else(|| field.not(expected)),
            tool => Ok(tool),
        })
        .collect()
}

/// A value that is written as a text: as JSON, or as Python prints it, which both say exactly what is meant; else as models write
/// JSON, where all of the text is one whole value.
pub(super) fn parse(text: &str) -> Option<Value> {
    let read = python::json::loads(text).ok();
    read.or_else(|| python::literal(text))
        .or_else(|| whole_lenient_json(text))
}

/// A tool in OpenAI's form.
fn plain(tool: Value) -> Value {
    let mut function = match tool {
        Value::Object(mut tool) => match tool.remove("function") {
            Some(Value::Object(function)) => function,
            Some(other) => {
                tool.insert("function".to_owned(), other);
                return Value::Object(tool);
            }
            None => tool,
        },
        other => return other,
    };
    let key = SCHEMAS
        .into_iter()
        .find(|key| function.get(*key).is_some_and(|value| !value.is_null()));
    if let Some(mut schema) = key.and_then(|key| function.remove(key)) {
        if let Value::String(text) = &schema {
            schema = parse(text).unwrap_or(schema);
        }
        prune(&mut schema);
        if let Value::Object(arguments) = &schema
            && is_flat(arguments)
        {
            schema = schema_of(arguments);
        }
        function.insert("parameters".to_owned(), schema);
    }
    json!({"type": "function", "function": function})
}

/// Takes out what is null: tables have every key of every record's schemas, null where a record has none.
fn prune(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(prune);
        }
        Value::Array(elements) => elements.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Whether an object is no schema but the arguments by name, as xLAM has them.
fn is_flat(object: &Map<String, Value>) -> bool {
    let of_schemas = ["properties", "$ref", "anyOf", "oneOf", "allOf", "$defs"];
    !object.is_empty()
        && !of_schemas.iter().any(|key| object.contains_key(*key))
        && object.values().all(Value::is_object)
}

/// The schema of arguments by name, whose types are Python's.
fn schema_of(arguments: &Map<String, Value>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, argument) in arguments {
        let mut argument = argument.clone();
        let mut is_optional = argument.get("default").is_some();
        if let Some(Value::String(kind)) = argument.get_mut("type") {
            let (json, optional) = json_type(kind);
            is_optional |= optional;
            *kind = json;
        }
        if !is_optional {
            required.push(Value::String(name.clone()));
        }
        properties.insert(name.clone(), argument);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// JSON's name of a type of Python's, and whether the argument may be left out: `List[int], optional`.
fn json_type(python: &str) -> (String, bool) {
    let (kind, rest) = python.split_once(',').unwrap_or((python, ""));
    // The comma of `Dict[str, int]` is none that ends it.
    let (kind, rest) = match kind.contains('[') && !kind.contains(']') {
        true => (python, ""),
        false => (kind, rest),
    };
    let kind = kind.trim();
    let inner = kind
        .strip_prefix("Optional[")
        .and_then(|kind| kind.strip_suffix(']'));
    let is_optional =
        inner.is_some() || rest.contains("optional") || python.ends_with(", optional");
    let kind = inner.unwrap_or(kind);
    let head = kind.split('[').next().unwrap_or(kind).trim();
    let known = TYPES.iter().find(|(name, _)| *name == head);
    let name = known.map_or(kind, |(_, json)| json);
    (name.to_owned(), is_optional)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_place_as_the_record_spells_it() {
        for (tools, place) in [
            (
                json!([{"name": "f"}, {"name": "f"}, {"name": 3}]),
                "t[2].name",
            ),
            (
                json!([{"name": "f", "input_schema": {"properties": 1}}]),
                "t[0].input_schema.properties",
            ),
            (
                json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}, "required": {}}}}]),
                "t[0].function.parameters.required",
            ),
            (
                json!([{"name": "f"}, {"name": "f", "description": "another"}]),
                "t[1]",
            ),
            (json!(["f"]), "t[0]"),
        ] {
            let Value::Array(tools) = tools else {
                continue;
            };
            let error = read(tools, "t").expect_err(place);
            assert_eq!(error.path(), Some(place), "{error}");
        }
    }

    #[test]
    fn pythons_types_are_told_as_jsons() {
        for (python, json, optional) in [
            ("str", "string", false),
            ("str, optional", "string", true),
            ("Optional[int]", "integer", true),
            ("List[Union[int, float]]", "array", false),
            ("Dict[str, int], optional", "object", true),
            ("Callable", "Callable", false),
            ("", "", false),
        ] {
            assert_eq!(json_type(python), (json.to_owned(), optional), "{python}");
        }
    }
}
