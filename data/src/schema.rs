//! A function's JSON schema as the text that prompts show.
//!
//! A prompt has a line of text for each argument: its type, whether it is required, its description, and then what else the
//! schema says of it, in sentences:
//!
//! ```text
//! {"Name": "buy", "function": "Buys.", "input": {
//!   "order": "object, required, what is bought. Fields: {sku: string, required, stock number; count: integer. Default: 1}",
//!   "tags": "array. Elements: {string. One of: \"red\", \"blue\"}"}}
//! ```
//!
//! `data.schemas` says how much of it: `whole` is all of it; `published` leaves out which arguments are required and cuts
//! descriptions, so that a function of ToolBench's flat form has the text of the published pipeline.

mod layers;
mod sentences;

use std::collections::BTreeSet;

use glpft_recipes::Schemas;
use serde_json::{Map, Value};

use crate::python::{first_chars, last_chars};
use crate::tool::{DESCRIPTION_CHARS, NAME_CHARS, Tool};
use layers::Layers;
use sentences::Describer;

/// The longest description of a function or an argument, in characters, where schemas are whole.
const WHOLE_CHARS: usize = 4096;
/// The longest text of all that a function's schema says beside that, in characters.
const SCHEMA_CHARS: usize = 16_384;

impl Tool {
    /// The tool of a function with this JSON schema of its arguments. Nothing of a schema is an error:
    /// [`Tool::lost`] tells what the text does not show.
    ///
    /// References to the schema's own parts (`#/…`) are followed; one that leads back to itself is named instead.
    pub fn of_schema(
        name: &str,
        description: &str,
        parameters: &Map<String, Value>,
        schemas: Schemas,
    ) -> Self {
        let mut lost = BTreeSet::new();
        let whole = schemas == Schemas::Whole;
        let limit = match whole {
            true => WHOLE_CHARS,
            false => DESCRIPTION_CHARS,
        };
        let shown = first_chars(description, limit);
        if shown.len() < description.len() {
            let (all, function) = (description.chars().count(), short(name));
            lost.insert(format!(
                "function {function:?}: only the first {limit} of its description's {all} characters are shown"
            ));
        }
        let mut describer = Describer::new(parameters, SCHEMA_CHARS);
        let root = describer.layers(parameters);
        let mut input = Map::new();
        for (argument, schema) in root.properties() {
            let required = whole && root.requires(argument);
            describer.enter(argument);
            let text = match schema.as_object() {
                Some(schema) => argument_text(&mut describer, schema, required, whole),
                None => of_anything(required),
            };
            input.insert(argument.to_owned(), Value::String(text));
        }
        describer.leave();
        describer.lacking(&root);
        let function = short(name);
        let of_schema = describer.lost.into_iter();
        lost.extend(of_schema.map(|what| format!("function {function:?}{what}")));
        Self::new(
            last_chars(name, NAME_CHARS),
            shown,
            input,
            lost.into_iter().collect(),
        )
    }
}

/// An argument's text.
fn argument_text<'s>(
    describer: &mut Describer<'s>,
    schema: &'s Map<String, Value>,
    required: bool,
    whole: bool,
) -> String {
    let layers = describer.layers(schema);
    let mut text = layers.type_name();
    if required {
        text.push_str(", required");
    }
    let description = layers.text("description").unwrap_or_default();
    let shown = match whole {
        true => first_chars(description, WHOLE_CHARS),
        // ToolBench's cap of an argument's description leaves its end.
        false => last_chars(description, DESCRIPTION_CHARS),
    };
    if shown.len() < description.len() {
        let (of, all) = (shown.chars().count(), description.chars().count());
        describer.lose(format!(
            "only {of} of its description's {all} characters are shown"
        ));
    }
    let told = describer.sentences(&layers);
    // ToolBench's text has the comma of an empty description, too.
    let is_described = layers.text("description").is_some();
    if is_described && (told.is_empty() || !shown.is_empty()) {
        text.push_str(", ");
        text.push_str(shown);
    }
    if !told.is_empty() {
        text.push_str(sentences::gap(&text));
        text.push_str(&told);
    }
    text
}

/// A schema may be `true`: anything.
fn of_anything(required: bool) -> String {
    let required = if required { ", required" } else { "" };
    format!("{}{required}", Layers::ANY)
}

/// A foreign name as messages show it.
fn short(name: &str) -> &str {
    first_chars(name, NAME_CHARS)
}

#[cfg(test)]
mod tests;
