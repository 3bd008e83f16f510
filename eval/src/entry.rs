//! One step of a predictions file.

use serde_json::{Map, Value};

use crate::error::EntryError;

/// One step: what the team said, what it should have said, and of which tools it could choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The tools' names.
    pub tools: Vec<String>,
    /// What should have been said ([`glpft_agent::reference_text`]).
    pub reference: String,
    /// What was said ([`glpft_agent::Prediction`]).
    pub predictions: String,
    /// What the user asks for, where the file tells: with the tools it tells trajectories apart.
    pub instruction: Option<String>,
}

impl Entry {
    /// Reads `{tools: [{Name}, …], reference, predictions, instruction?}`; other keys are let be.
    ///
    /// # Errors
    /// Where something is missing or of another type: an entry is never left out for that.
    pub fn from_value(value: Value) -> Result<Self, EntryError> {
        let Value::Object(mut object) = value else {
            return Err(not("it", "an object", &value));
        };
        let tools = match take(&mut object, "tools")? {
            Value::Array(tools) => tools,
            other => return Err(not("`tools`", "an array", &other)),
        };
        let tools = tools
            .into_iter()
            .enumerate()
            .map(|(index, tool)| name_of(tool, index))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            tools,
            reference: text(&mut object, "reference")?,
            predictions: text(&mut object, "predictions")?,
            instruction: match object.contains_key("instruction") {
                true => Some(text(&mut object, "instruction")?),
                false => None,
            },
        })
    }
}

fn name_of(tool: Value, index: usize) -> Result<String, EntryError> {
    let Value::Object(mut tool) = tool else {
        return Err(not(&format!("`tools[{index}]`"), "an object", &tool));
    };
    match tool.swap_remove("Name") {
        Some(Value::String(name)) => Ok(name),
        Some(other) => Err(not(&format!("`tools[{index}].Name`"), "a string", &other)),
        None => Err(EntryError::Missing {
            key: format!("tools[{index}].Name"),
        }),
    }
}

fn take(object: &mut Map<String, Value>, key: &str) -> Result<Value, EntryError> {
    object.swap_remove(key).ok_or_else(|| EntryError::Missing {
        key: key.to_owned(),
    })
}

fn text(object: &mut Map<String, Value>, key: &str) -> Result<String, EntryError> {
    match take(object, key)? {
        Value::String(text) => Ok(text),
        other => Err(not(&format!("`{key}`"), "a string", &other)),
    }
}

fn not(what: &str, expected: &'static str, found: &Value) -> EntryError {
    EntryError::Type {
        what: what.to_owned(),
        expected,
        found: match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_read() {
        let value = json!({"tools": [{"Name": "f", "input": {}}], "reference": "r", "predictions": "p", "more": 1});
        let mut entry = Entry {
            tools: vec!["f".to_owned()],
            reference: "r".to_owned(),
            predictions: "p".to_owned(),
            instruction: None,
        };
        assert_eq!(Entry::from_value(value.clone()), Ok(entry.clone()));
        let mut value = value;
        value["instruction"] = "i".into();
        entry.instruction = Some("i".to_owned());
        assert_eq!(Entry::from_value(value), Ok(entry));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (value, error) in [
            (json!([]), "it is an array, not an object"),
            (json!({}), "has no `tools`"),
            (json!({"tools": null}), "`tools` is null, not an array"),
            (
                json!({"tools": ["f"]}),
                "`tools[0]` is a string, not an object",
            ),
            (
                json!({"tools": [{"Name": "f"}, {"name": "g"}]}),
                "has no `tools[1].Name`",
            ),
            (
                json!({"tools": [{"Name": 1}]}),
                "`tools[0].Name` is a number, not a string",
            ),
            (json!({"tools": []}), "has no `reference`"),
            (
                json!({"tools": [], "reference": {}}),
                "`reference` is an object, not a string",
            ),
            (
                json!({"tools": [], "reference": ""}),
                "has no `predictions`",
            ),
            (
                json!({"tools": [], "reference": "", "predictions": true}),
                "`predictions` is a boolean, not a string",
            ),
            (
                json!({"tools": [], "reference": "", "predictions": "", "instruction": null}),
                "`instruction` is null, not a string",
            ),
        ] {
            let found = Entry::from_value(value).map_err(|error| error.to_string());
            assert_eq!(found, Err(error.to_owned()));
        }
    }
}
