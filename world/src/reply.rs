//! What the world's tools reply.

use glpft_agent::{Api, Code, ToolReply};
use glpft_data::python::json::{dumps, loads};
use serde_json::{Map, Value, json};

use crate::fault::{Chance, Fault, chance, padded};
use crate::table::MOST_FOUND;
use crate::tool::{ApiKind, Style, ToolApi, flag_argument};
use crate::toolbox::Toolbox;

impl Toolbox {
    /// What an API replies to a call: a pure function of the world, the API and the arguments.
    ///
    /// The API's category, tool and name may be spelled as the world does or in ToolBench's standard form; `arguments` is
    /// the text that a model wrote.
    pub fn reply(&self, api: &Api, arguments: &str) -> ToolReply {
        let Some(api) = self.find_api(api) else {
            return ToolReply::failed(Code::NotWorking, "API not working error...");
        };
        let arguments = match arguments.trim() {
            "" => Ok(Map::new()),
            text => match loads(text) {
                Ok(Value::Object(arguments)) => Ok(arguments),
                _ => Err("the arguments are no JSON object".to_owned()),
            },
        };
        match arguments.and_then(|arguments| self.canonical(api, &arguments)) {
            Ok(arguments) => self.reply_to(api, &arguments),
            Err(problem) => message(&problem),
        }
    }

    /// What goes wrong with a call of a function with well-formed arguments, if something does.
    pub(crate) fn fault(&self, api: &ToolApi, arguments: &Map<String, Value>) -> Option<Fault> {
        match self.chance(api, arguments) {
            Chance::Fails(fault) => Some(fault),
            _ => None,
        }
    }

    fn chance(&self, api: &ToolApi, arguments: &Map<String, Value>) -> Chance {
        let arguments = dumps(arguments).unwrap_or_default();
        chance(self.seed, &api.function.name, &arguments)
    }

    /// The arguments in the schema's order and types, or what is wrong with them.
    fn canonical(
        &self,
        api: &ToolApi,
        arguments: &Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let part = |key: &str| api.function.parameters.get(key);
        let properties = part("properties").and_then(Value::as_object);
        let Some(properties) = properties else {
            return Ok(Map::new());
        };
        if let Some(unknown) = arguments.keys().find(|key| !properties.contains_key(*key)) {
            return Err(format!("unknown argument: {unknown}"));
        }
        let mut canonical = Map::new();
        for (name, property) in properties {
            match arguments.get(name) {
                None | Some(Value::Null) => {
                    let is_required = part("required")
                        .and_then(Value::as_array)
                        .is_some_and(|required| required.iter().any(|one| one == name));
                    if is_required {
                        return Err(format!("missing argument: {name}"));
                    }
                }
                Some(value) => {
                    let of = property.get("type").and_then(Value::as_str);
                    let value = typed(value, of.unwrap_or_default())
                        .ok_or_else(|| format!("{name} must be a {}", of.unwrap_or("string")))?;
                    canonical.insert(name.clone(), value);
                }
            }
        }
        let limit = canonical.get("limit").and_then(Value::as_u64);
        if limit.is_some_and(|limit| limit > MOST_FOUND as u64) {
            return Err(format!("limit must be {MOST_FOUND} or less"));
        }
        Ok(canonical)
    }

    fn reply_to(&self, api: &ToolApi, arguments: &Map<String, Value>) -> ToolReply {
        let answer = match self.answer(api, arguments) {
            Ok(answer) => answer,
            Err(problem) => return ToolReply::new("", format!("{{\"message\": \"{problem}\"}}")),
        };
        match self.chance(api, arguments) {
            Chance::Fails(fault) => fault.reply(&answer),
            Chance::Padded => padded(&answer),
            Chance::Usual => match api.style {
                Style::Text => ToolReply::new("", dumps(&answer).unwrap_or_default()),
                Style::Object => ToolReply::new("", answer),
                Style::Plain => ToolReply::new("", plain(&answer)),
            },
        }
    }

    /// The data that a call asks for.
    fn answer(&self, api: &ToolApi, arguments: &Map<String, Value>) -> Result<Value, String> {
        let table = &self.tables[api.table];
        let noun = table.category.noun;
        let text = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or("");
        let number = |key: &str| arguments.get(key).and_then(Value::as_u64);
        let columns = |row: usize, columns: &[usize]| {
            let row = &table.rows[row];
            let mut answer = Map::from_iter([("name".to_owned(), Value::from(row.name.as_str()))]);
            for column in columns {
                answer.insert(
                    table.category.field(*column).to_owned(),
                    row.values[*column].clone(),
                );
            }
            Value::from(answer)
        };
        let named = || {
            let row = table.named(text(noun));
            row.ok_or_else(|| format!("no {noun} has this name"))
        };
        match &api.kind {
            ApiKind::ByName(wanted) => Ok(columns(named()?, wanted)),
            ApiKind::ById(wanted) => {
                let id = number(&format!("{noun}_id")).and_then(|id| u32::try_from(id).ok());
                let row = id.and_then(|id| table.identified(id));
                Ok(columns(
                    row.ok_or_else(|| format!("no {noun} has this id"))?,
                    wanted,
                ))
            }
            ApiKind::Search => {
                let row = &table.rows[named()?];
                Ok(json!({"name": row.name, "id": row.id}))
            }
            ApiKind::Find => {
                let flagged = arguments
                    .get(&flag_argument(table.category))
                    .and_then(Value::as_bool);
                let limit = number("limit").map_or(MOST_FOUND, |limit| limit as usize);
                let found: Vec<&str> = table
                    .linked(text(table.category.link.0))
                    .iter()
                    .map(|row| &table.rows[*row])
                    .filter(|row| row.flag || flagged != Some(true))
                    .map(|row| row.name.as_str())
                    .take(limit)
                    .collect();
                Ok(json!({table.category.plural: found}))
            }
            ApiKind::Pick { row, .. } => Ok(columns(*row, &[])),
        }
    }
}

fn message(problem: &str) -> ToolReply {
    let problem = Value::from(problem);
    ToolReply::new("Message error...", format!("{{\"message\": {problem}}}"))
}

/// A value as the schema's type; numbers and booleans may be texts of such.
fn typed(value: &Value, of: &str) -> Option<Value> {
    match (of, value) {
        ("number", Value::Number(number)) => Some(whole(number.as_f64()?)),
        ("number", Value::String(text)) => Some(whole(text.trim().parse().ok()?)),
        ("boolean", Value::Bool(_)) => Some(value.clone()),
        ("boolean", Value::String(text)) => match text.trim().to_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        ("string", Value::String(text)) => Some(text.trim().into()),
        ("string", Value::Number(number)) => Some(number.to_string().into()),
        _ => None,
    }
}

/// No API asks for anything but whole numbers; others are none's id.
fn whole(number: f64) -> Value {
    (number.max(0.0) as u64).into()
}

/// `name: value, …`, as servers for people write it.
fn plain(answer: &Value) -> String {
    let Value::Object(answer) = answer else {
        return answer.to_string();
    };
    let parts: Vec<String> = answer
        .iter()
        .map(|(key, value)| match value {
            Value::String(text) => format!("{key}: {text}"),
            Value::Array(items) if items.is_empty() => format!("{key}: none"),
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                format!("{key}: {}", items.join("; "))
            }
            other => format!("{key}: {other}"),
        })
        .collect();
    parts.join(", ")
}
