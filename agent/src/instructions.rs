//! Tasks out of ToolBench's lists of instructions.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use glpft_data::python::{self, first_chars, json, last_chars, strip};
use serde_json::{Map, Value};

use crate::naming::{change_name, standardize};
use crate::task::{Api, Function, Task};

/// The largest file that is read; the published ones have a few megabytes.
const LARGEST: u64 = 512 << 20;
/// ToolBench's cap of a function's name, of which the end stays.
const NAME_CHARACTERS: usize = 64;
/// ToolBench's cap of descriptions, of which the beginning stays.
const DESCRIPTION_CHARACTERS: usize = 256;

/// Why a list of instructions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InstructionsError {
    /// The file cannot be read, or is far larger than any such list.
    #[error("{}: cannot be read ({source})", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no such list.
    #[error("{}: is not a list of instructions ({reason})", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Reads `test_instruction/{group}.json`, ToolBench's or StableToolBench's: `[{"query", "query_id", "api_list"}]`. Functions
/// are made of the APIs as ToolBench makes them (`api_json_to_openai_json`).
///
/// # Errors
/// A file that cannot be read, or an element that is no task; which, and why.
pub fn read_instructions(path: &Path) -> Result<Vec<Task>, InstructionsError> {
    let io = |source| InstructionsError::Io {
        path: path.to_owned(),
        source,
    };
    let form = |reason| InstructionsError::Form {
        path: path.to_owned(),
        reason,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(io)?;
    let length = file
        .take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(io)?;
    if length as u64 > LARGEST {
        return Err(io(io::Error::other(format!("more than {LARGEST} bytes"))));
    }
    let list = json::loads(&text).map_err(|error| form(error.to_string()))?;
    let list = list
        .as_array()
        .ok_or_else(|| form("it is not an array".to_owned()))?;
    list.iter()
        .enumerate()
        .map(|(index, one)| task(index, one).map_err(|what| form(format!("[{index}]: {what}"))))
        .collect()
}

fn task(index: usize, one: &Value) -> Result<Task, String> {
    let apis = one.get("api_list").and_then(Value::as_array);
    let apis = apis.ok_or("it has no `api_list`")?.iter().enumerate();
    Ok(Task {
        id: match one.get("query_id") {
            None | Some(Value::Null) => index.to_string(),
            Some(id) => python::str(id),
        },
        query: text(one, "query")?.to_owned(),
        functions: apis
            .map(|(at, api)| function(api).map_err(|what| format!("api_list[{at}]: {what}")))
            .collect::<Result<_, _>>()?,
    })
}

fn function(api: &Value) -> Result<Function, String> {
    let tool = standardize(text(api, "tool_name")?);
    let spelled = text(api, "api_name")?;
    let api_name = change_name(&standardize(spelled));
    let name = last_chars(&format!("{api_name}_for_{tool}"), NAME_CHARACTERS).to_owned();
    let mut description =
        format!("This is the subfunction for tool \"{tool}\", you can use this tool.");
    let own = strip(optional_text(api, "api_description"));
    if !own.is_empty() {
        let own = match spelled {
            "" => own.to_owned(),
            spelled => {
                // No more than what is cut below can come of: a long text of short names would become many times as long.
                let enough = (DESCRIPTION_CHARACTERS + 1) * spelled.chars().count();
                first_chars(own, enough).replace(spelled, &name)
            }
        };
        let own = first_chars(&own, DESCRIPTION_CHARACTERS);
        description.push_str(&format!("The description of this function is: \"{own}\""));
    }
    Ok(Function {
        description,
        parameters: schema(api)?,
        api: Api {
            category: text(api, "category_name")?.to_owned(),
            tool,
            name: api_name,
        },
        name,
    })
}

/// The schema of an API's arguments. Where none is required the optional ones are left out, as ToolBench does.
fn schema(api: &Value) -> Result<Map<String, Value>, String> {
    let mut properties = Map::new();
    let mut names: [Vec<Value>; 2] = Default::default();
    let listed = |key| {
        api.get(key)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice)
    };
    let required = listed("required_parameters");
    let optional = match required {
        [] => &[][..],
        _ => listed("optional_parameters"),
    };
    for (kind, parameters) in [required, optional].into_iter().enumerate() {
        for parameter in parameters {
            let name = change_name(&standardize(text(parameter, "name")?));
            properties.insert(name.clone(), property(parameter));
            names[kind].push(name.into());
        }
    }
    let [required, optional] = names;
    let entries: [(&str, Value); 4] = [
        ("type", "object".into()),
        ("properties", properties.into()),
        ("required", required.into()),
        ("optional", optional.into()),
    ];
    let entries = entries.into_iter();
    Ok(entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect())
}

fn property(parameter: &Value) -> Value {
    let kind = match optional_text(parameter, "type") {
        "NUMBER" => "integer",
        "BOOLEAN" => "boolean",
        _ => "string",
    };
    let description = optional_text(parameter, "description");
    let mut property = Map::new();
    property.insert("type".to_owned(), kind.into());
    let description = first_chars(description, DESCRIPTION_CHARACTERS);
    property.insert("description".to_owned(), description.into());
    if let Some(default) = parameter.get("default")
        && !python::str(default).is_empty()
    {
        property.insert("example_value".to_owned(), default.clone());
    }
    property.into()
}

fn text<'v>(of: &'v Value, key: &str) -> Result<&'v str, String> {
    let text = of.get(key).and_then(Value::as_str);
    text.ok_or_else(|| format!("it has no text `{key}`"))
}

fn optional_text<'v>(of: &'v Value, key: &str) -> &'v str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use glpft_recipes::Schemas;
    use serde_json::json;

    fn read(list: &Value) -> Result<Vec<Task>, InstructionsError> {
        let folder = tempfile::tempdir().map_err(|source| InstructionsError::Io {
            path: PathBuf::new(),
            source,
        })?;
        let path = folder.path().join("G1_instruction.json");
        std::fs::write(&path, list.to_string()).map_err(|source| InstructionsError::Io {
            path: path.clone(),
            source,
        })?;
        read_instructions(&path)
    }

    #[test]
    fn functions_are_toolbenchs() -> Result<(), InstructionsError> {
        let parameter = |name: &str, kind: &str, default: Value| json!({"name": name, "type": kind, "description": "d".repeat(300), "default": default});
        let tasks = read(&json!([{
            "query": "Who plays?", "query_id": 588,
            "api_list": [{
                "category_name": "Data", "tool_name": "TheClique", "api_name": "Songkick concert",
                "api_description": " Songkick concert info\n", "template_response": {},
                "required_parameters": [parameter("id", "NUMBER", json!(7))],
                "optional_parameters": [parameter("Page-No", "BOOLEAN", json!("")), parameter("x", "ENUM", Value::Null)],
            }, {
                "category_name": "Data", "tool_name": "TheClique", "api_name": "All", "api_description": "",
                "required_parameters": [], "optional_parameters": [parameter("x", "STRING", json!(""))],
            }],
        }]))?;
        let task = &tasks[0];
        assert_eq!((&*task.id, &*task.query), ("588", "Who plays?"));
        let [first, second] = &task.functions[..] else {
            panic!("two functions")
        };
        assert_eq!(first.name, "songkick_concert_for_theclique");
        assert_eq!(
            first.description,
            "This is the subfunction for tool \"theclique\", you can use this tool.The description of this function is: \
             \"songkick_concert_for_theclique info\""
        );
        let api = |name: &str| Api {
            category: "Data".to_owned(),
            tool: "theclique".to_owned(),
            name: name.to_owned(),
        };
        assert_eq!(
            (&first.api, &second.api),
            (&api("songkick_concert"), &api("all"))
        );
        let description = "d".repeat(256);
        assert_eq!(
            Value::Object(first.parameters.clone()),
            json!({
                "type": "object",
                "properties": {
                    "is_id": {"type": "integer", "description": description, "example_value": 7},
                    "page_no": {"type": "boolean", "description": description},
                    "x": {"type": "string", "description": description, "example_value": null},
                },
                "required": ["is_id"],
                "optional": ["page_no", "x"],
            })
        );
        assert_eq!(second.parameters["properties"], json!({}));
        assert_eq!(task.tools(Schemas::Published).len(), task.functions.len());
        Ok(())
    }

    #[test]
    fn what_is_no_list_of_tasks_is_told() {
        for (list, part) in [
            (json!({}), "not an array"),
            (json!([{"query": "q"}]), "[0]: it has no `api_list`"),
            (json!([{"api_list": []}]), "[0]: it has no text `query`"),
            (
                json!([{"query": "q", "api_list": [{"tool_name": "t", "category_name": "c"}]}]),
                "[0]: api_list[0]: it has no text `api_name`",
            ),
        ] {
            let error = read(&list).map_err(|error| error.to_string());
            let error = error.err().unwrap_or_default();
            assert!(
                error.contains(part) && error.contains("G1_instruction"),
                "{error}"
            );
        }
        let absent = read_instructions(Path::new("/nowhere/at/all.json"));
        assert!(matches!(absent, Err(InstructionsError::Io { .. })));
    }
}
