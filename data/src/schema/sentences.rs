//! What a schema says beside type and description, in sentences.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::layers::{Layers, alternatives};
use crate::python::first_chars;

/// How deep schemas are described; deeper ones are named by their type.
const DEPTH: usize = 8;
/// How many schemas one may be put together of.
const LAYERS: usize = 64;
/// The longest value or pattern that is shown, in characters.
const VALUE_CHARS: usize = 1024;

/// What changes which values are right and has no words here.
const WITHOUT_WORDS: [&str; 11] = [
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "contains",
    "$dynamicRef",
];

/// A key and the words before its value.
const WITH_WORDS: [(&str, &str); 7] = [
    ("format", "Format: "),
    ("pattern", "Pattern: "),
    ("minimum", "At least "),
    ("maximum", "At most "),
    ("exclusiveMinimum", "More than "),
    ("exclusiveMaximum", "Less than "),
    ("multipleOf", "A multiple of "),
];

/// Counts: a key and what is counted.
const COUNTS: [(&str, &str, &str); 6] = [
    ("minLength", "At least ", " characters"),
    ("maxLength", "At most ", " characters"),
    ("minItems", "At least ", " elements"),
    ("maxItems", "At most ", " elements"),
    ("minProperties", "At least ", " fields"),
    ("maxProperties", "At most ", " fields"),
];

/// Describes the schemas of one function.
pub(super) struct Describer<'s> {
    /// What references lead into.
    root: &'s Map<String, Value>,
    /// How many characters may still be written. It bounds the work, too: references may make a small schema endless.
    room: usize,
    /// The references that lead here.
    path: Vec<&'s str>,
    depth: usize,
    /// The argument that is described.
    argument: Option<String>,
    /// What is not shown.
    pub(super) lost: BTreeSet<String>,
}

impl<'s> Describer<'s> {
    pub(super) fn new(root: &'s Map<String, Value>, room: usize) -> Self {
        Self {
            root,
            room,
            path: vec!["#"],
            depth: 0,
            argument: None,
            lost: BTreeSet::new(),
        }
    }

    /// Goes on to an argument.
    pub(super) fn enter(&mut self, argument: &str) {
        self.argument = Some(first_chars(argument, 64).to_owned());
    }

    /// Goes back to the function itself.
    pub(super) fn leave(&mut self) {
        self.argument = None;
    }

    /// Notes that something is not shown.
    pub(super) fn lose(&mut self, what: impl AsRef<str>) {
        // One of many is enough to know of it, and a schema may have thousands.
        if self.lost.len() < LAYERS {
            let what = what.as_ref();
            self.lost.insert(match &self.argument {
                Some(argument) => format!(", argument {argument:?}: {what}"),
                None => format!(": {what}"),
            });
        }
    }

    /// Notes what a function's own schema says beside its arguments.
    pub(super) fn lacking(&mut self, root: &Layers<'_>) {
        self.without_words(root);
        if !root.alternatives().is_empty() && root.get("properties").is_none() {
            self.lose("its alternatives (anyOf, oneOf) of arguments are not shown");
        }
        let of_type = root.text("type").filter(|&name| name != "object");
        if let Some(name) = of_type {
            let name = first_chars(name, 64);
            self.lose(format!(
                "its arguments are of type {name:?}, not \"object\""
            ));
        }
    }

    fn without_words(&mut self, layers: &Layers<'_>) {
        for key in WITHOUT_WORDS {
            if layers.get(key).is_some() {
                self.lose(format!("{key:?} is not shown"));
            }
        }
    }

    /// A schema with what it is put together of.
    pub(super) fn layers(&mut self, schema: &'s Map<String, Value>) -> Layers<'s> {
        let mut layers = Vec::new();
        let mut open = vec![schema];
        while let Some(schema) = open.pop() {
            if layers.len() >= LAYERS {
                self.lose("it is put together of too many schemas to be shown");
                break;
            }
            layers.push(schema);
            let mut more = Vec::new();
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                more.extend(self.follow(reference));
            }
            let all = schema.get("allOf").and_then(Value::as_array);
            more.extend(all.into_iter().flatten().filter_map(Value::as_object));
            if let Some(alternatives) = alternatives(schema)
                && let [Value::Object(only)] = alternatives[..]
            {
                more.push(only);
            }
            open.extend(more.into_iter().rev());
        }
        Layers(layers)
    }

    /// What a reference points at.
    fn follow(&mut self, reference: &str) -> Option<&'s Map<String, Value>> {
        let mut found = None;
        if reference == "#" {
            found = Some(self.root);
        } else if let Some(pointer) = reference.strip_prefix("#/") {
            let mut parts = pointer.split('/');
            let mut value = parts.next().and_then(|key| self.root.get(&unescaped(key)));
            for part in parts {
                value = value.and_then(|value| match value {
                    Value::Array(list) => list.get(part.parse::<usize>().ok()?),
                    other => other.get(unescaped(part)),
                });
            }
            found = value.and_then(Value::as_object);
        }
        if found.is_none() {
            let reference = first_chars(reference, 64);
            self.lose(format!("$ref {reference:?} leads to no schema in it"));
        }
        found
    }

    /// What a schema says beside type and description; empty where that is nothing.
    pub(super) fn sentences(&mut self, layers: &Layers<'s>) -> String {
        self.without_words(layers);
        let mut said: Vec<String> = Vec::new();
        if let Some(values) = layers.get("enum").and_then(Value::as_array) {
            said.push(format!("One of: {}", self.values(values)));
        }
        if let Some(value) = layers.get("const") {
            said.push(format!("Always: {}", self.value(value)));
        }
        for (key, words) in WITH_WORDS {
            match layers.get(key) {
                // Older schemas say by `true` that `minimum` itself is too little.
                Some(Value::Bool(_)) | None => {}
                Some(Value::String(text)) => said.push(format!("{words}{}", self.cut(text))),
                Some(value) => said.push(format!("{words}{}", self.value(value))),
            }
        }
        for (key, words, what) in COUNTS {
            if let Some(count) = layers.get(key) {
                said.push(format!("{words}{}{what}", self.value(count)));
            }
        }
        if layers.get("uniqueItems") == Some(&Value::Bool(true)) {
            said.push("No element twice".to_owned());
        }
        said.extend(self.parts(layers));
        if let Some(value) = layers.get("default") {
            said.push(format!("Default: {}", self.value(value)));
        }
        match layers.get("examples") {
            Some(Value::Array(values)) if !values.is_empty() => {
                said.push(format!("For example: {}", self.values(values)));
            }
            _ => {}
        }
        let mut text = String::new();
        for sentence in said {
            if !text.is_empty() {
                text.push_str(gap(&text));
            }
            text.push_str(&sentence);
        }
        text
    }

    /// What a schema says of fields, elements and alternatives.
    fn parts(&mut self, layers: &Layers<'s>) -> Vec<String> {
        let mut said = Vec::new();
        let mut fields = layers.properties().peekable();
        let other = layers.get("additionalProperties");
        let other = other.filter(|schema| schema.is_object());
        let elements = layers.get("items").filter(|items| items.is_object());
        let alternatives = layers.alternatives();
        let places = ["prefixItems", "items"];
        let tuple = places
            .iter()
            .find_map(|key| layers.get(key)?.as_array())
            .filter(|tuple| !tuple.is_empty());
        if fields.peek().is_none()
            && other.is_none()
            && elements.is_none()
            && tuple.is_none()
            && alternatives.len() < 2
        {
            return said;
        }
        // A reference that leads back to one of those that led here says nothing new, without end.
        let references: Vec<&'s str> = layers
            .0
            .iter()
            .filter_map(|layer| reference(layer))
            .collect();
        if let Some(again) = references.iter().find(|name| self.path.contains(name)) {
            let name = again.rsplit('/').next().unwrap_or(again);
            said.push(match name {
                "#" => "The same again".to_owned(),
                name => format!("The same again: {}", self.cut(name)),
            });
            return said;
        }
        if self.depth >= DEPTH {
            self.lose(format!(
                "what stands deeper than {DEPTH} levels is not shown"
            ));
            return said;
        }
        let before = self.path.len();
        self.path.extend(references);
        self.depth += 1;
        if fields.peek().is_some() {
            let mut shown = Vec::new();
            for (name, schema) in fields {
                let required = layers.requires(name);
                let Some(phrase) = self.phrase(schema, required) else {
                    break;
                };
                shown.push(format!("{}: {phrase}", self.cut(name)));
            }
            said.push(format!("Fields: {{{}}}", shown.join("; ")));
        }
        if let Some(phrase) = other.and_then(|schema| self.phrase(schema, false)) {
            said.push(format!("Other fields: {{{phrase}}}"));
        }
        if let Some(phrase) = elements.and_then(|schema| self.phrase(schema, false)) {
            said.push(format!("Elements: {{{phrase}}}"));
        }
        if let Some(tuple) = tuple {
            let phrases = tuple.iter().map_while(|schema| self.phrase(schema, false));
            said.push(format!(
                "Elements in order: {{{}}}",
                phrases.collect::<Vec<_>>().join("; ")
            ));
        }
        if alternatives.len() > 1 {
            let mut phrases = Vec::new();
            for schema in alternatives {
                let Some(phrase) = self.phrase(schema, false) else {
                    break;
                };
                phrases.push(phrase);
            }
            // Types alone stand in the type already.
            if phrases.iter().any(|phrase| phrase.contains([' ', '"'])) {
                said.push(format!("Either {{{}}}", phrases.join("} or {")));
            }
        }
        self.depth -= 1;
        self.path.truncate(before);
        said
    }

    /// A schema within another: type, whether it is required, description, sentences. None where there is no more room.
    fn phrase(&mut self, schema: &'s Value, required: bool) -> Option<String> {
        let mut text = match schema.as_object() {
            None => Layers::ANY.to_owned(),
            Some(schema) => {
                let layers = self.layers(schema);
                let mut text = layers.type_name();
                if required {
                    text.push_str(", required");
                }
                if let Some(description) =
                    layers.text("description").filter(|text| !text.is_empty())
                {
                    text.push_str(", ");
                    text.push_str(description);
                }
                // Taken before what stands deeper is written.
                self.take(text.chars().count())?;
                let told = self.sentences(&layers);
                if !told.is_empty() {
                    text.push_str(gap(&text));
                    text.push_str(&told);
                }
                return Some(text);
            }
        };
        if required {
            text.push_str(", required");
        }
        self.take(text.len())?;
        Some(text)
    }

    /// Uses up room; none where there is not enough.
    fn take(&mut self, characters: usize) -> Option<()> {
        match self.room.checked_sub(characters + 1) {
            Some(left) => {
                self.room = left;
                Some(())
            }
            None => {
                self.room = 0;
                self.lose("its schema is longer than what is shown");
                None
            }
        }
    }

    fn values(&mut self, values: &[Value]) -> String {
        let mut shown = Vec::new();
        for value in values {
            let text = value.to_string();
            if self.take(text.chars().count()).is_none() {
                shown.push("…".to_owned());
                break;
            }
            shown.push(text);
        }
        shown.join(", ")
    }

    fn value(&mut self, value: &Value) -> String {
        self.cut(&value.to_string())
    }

    fn cut(&mut self, text: &str) -> String {
        let shown = first_chars(text, VALUE_CHARS.min(self.room));
        self.room = self.room.saturating_sub(shown.chars().count());
        if shown.len() < text.len() {
            self.lose("its schema is longer than what is shown");
            return format!("{shown}…");
        }
        shown.to_owned()
    }
}

fn reference(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("$ref")?.as_str()
}

/// What stands between two sentences.
pub(super) fn gap(before: &str) -> &'static str {
    match before.trim_end().ends_with(['.', '!', '?', ':', ';', ',']) {
        true => " ",
        false => ". ",
    }
}

/// A part of a JSON pointer.
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
