//! A schema and the ones that it is put together of.

use serde_json::{Map, Value};

/// How many names of fields that must be there are looked through: it bounds the work.
const REQUIRED: usize = 1024;

/// A schema with what it refers to and what its `allOf` adds: the first that says something counts.
///
/// Alternatives of which one is `null` and only one is left are that one: the argument may be absent.
pub(super) struct Layers<'s>(pub(super) Vec<&'s Map<String, Value>>);

impl<'s> Layers<'s> {
    /// The type of what a schema does not say the type of.
    pub(super) const ANY: &'static str = "string";

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'s Value> {
        let values = self.0.iter().filter_map(|layer| layer.get(key));
        values.into_iter().find(|value| !value.is_null())
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Option<&'s str> {
        self.get(key)?.as_str()
    }

    /// Every field, once.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&'s str, &'s Value)> {
        let of = |layer: &&'s Map<String, Value>| fields(layer);
        self.0.iter().enumerate().flat_map(move |(at, layer)| {
            let known = move |name: &str| {
                let mut before = self.0[..at].iter().filter_map(of);
                before.any(|fields| fields.contains_key(name))
            };
            let fields = fields(layer).into_iter().flatten();
            let fields = fields.filter(move |(name, _)| !known(name));
            fields.map(|(name, schema)| (name.as_str(), schema))
        })
    }

    /// Whether a field must be there.
    pub(super) fn requires(&self, field: &str) -> bool {
        let lists = self.0.iter().filter_map(|layer| layer.get("required"));
        let names = lists.filter_map(|list| Some(list.as_array()?.iter().take(REQUIRED)));
        names.flatten().any(|name| name.as_str() == Some(field))
    }

    /// The alternatives that are not `null`, of the first layer that has several.
    pub(super) fn alternatives(&self) -> Vec<&'s Value> {
        let of = |layer: &&'s Map<String, Value>| alternatives(layer);
        let mut several = self.0.iter().filter_map(of).filter(|list| list.len() > 1);
        several.next().unwrap_or_default()
    }

    /// The type by name, or several.
    pub(super) fn type_name(&self) -> String {
        let named = |value: &'s Value| value.as_str().filter(|&name| name != "null");
        let own: Vec<&str> = match self.get("type") {
            Some(Value::Array(types)) => types.iter().filter_map(named).collect(),
            Some(one) => named(one).into_iter().collect(),
            None => Vec::new(),
        };
        if !own.is_empty() {
            return own.join(" or ");
        }
        let mut of_alternatives: Vec<&str> = Vec::new();
        for schema in self.alternatives() {
            if let Some(name) = schema.get("type").and_then(named)
                && !of_alternatives.contains(&name)
            {
                of_alternatives.push(name);
            }
        }
        if !of_alternatives.is_empty() {
            return of_alternatives.join(" or ");
        }
        let has = |key| self.get(key).is_some();
        if has("properties") || has("additionalProperties") {
            return "object".to_owned();
        }
        if has("items") || has("prefixItems") {
            return "array".to_owned();
        }
        let of_values = match self.get("enum").and_then(Value::as_array) {
            Some(values) => common_type(values),
            None => self.get("const").and_then(of_value),
        };
        match of_values {
            Some(name) => name.to_owned(),
            None if has("$ref") => "object".to_owned(),
            None => Self::ANY.to_owned(),
        }
    }
}

fn fields(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

/// The alternatives of a schema that are not `null`.
pub(super) fn alternatives(schema: &Map<String, Value>) -> Option<Vec<&Value>> {
    let list = ["anyOf", "oneOf"]
        .iter()
        .find_map(|key| schema.get(*key)?.as_array())?;
    let is_null = |schema: &&Value| schema.get("type").and_then(Value::as_str) == Some("null");
    Some(list.iter().filter(|schema| !is_null(schema)).collect())
}

fn common_type(values: &[Value]) -> Option<&'static str> {
    let mut types = values.iter().filter(|value| !value.is_null()).map(of_value);
    let first = types.next()??;
    types.all(|other| other == Some(first)).then_some(first)
}

fn of_value(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        Value::Array(_) => Some("array"),
        Value::Object(_) => Some("object"),
        Value::String(_) => Some("string"),
        Value::Null => None,
    }
}
