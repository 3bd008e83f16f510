#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

use std::time::{Duration, Instant};

use glpft_recipes::Schemas;
use serde_json::{Value, json};

use crate::tool::Tool;

fn tool(parameters: &Value, schemas: Schemas) -> Tool {
    Tool::of_schema("buy", "Buys.", parameters.as_object().unwrap(), schemas)
}

/// The texts of the argument `a`, published and whole, and what is lost.
fn texts(property: Value, more: Value) -> (String, String, Vec<String>) {
    let mut parameters =
        json!({"type": "object", "properties": {"a": property}, "required": ["a"]});
    let parameters_map = parameters.as_object_mut().unwrap();
    parameters_map.extend(more.as_object().unwrap().clone());
    let text = |tool: &Tool| {
        let text = tool.description()["input"]["a"].as_str();
        text.unwrap().to_owned()
    };
    let whole = tool(&parameters, Schemas::Whole);
    let published = tool(&parameters, Schemas::Published);
    (text(&published), text(&whole), whole.lost().to_vec())
}

#[test]
fn what_a_schema_says_is_in_the_text() {
    let order = json!({"type": "object", "properties": {"sku": {"type": "string", "description": "stock number"}, "count": {"type": "integer", "minimum": 1, "default": 1}}, "required": ["sku"]});
    let told =
        "Fields: {sku: string, required, stock number; count: integer. At least 1. Default: 1}";
    for (property, more, text) in [
        (json!({"type": "string"}), json!({}), "string"),
        (
            json!({"type": "string", "description": "Which."}),
            json!({}),
            "string, Which.",
        ),
        (
            json!({"type": "string", "description": "Which one", "enum": ["red", "blue"], "default": "red"}),
            json!({}),
            "string, Which one. One of: \"red\", \"blue\". Default: \"red\"",
        ),
        (json!(true), json!({}), "string"),
        (json!({"enum": [1, 2]}), json!({}), "integer. One of: 1, 2"),
        (json!({"const": "x"}), json!({}), "string. Always: \"x\""),
        (
            json!({"type": ["null", "integer"], "exclusiveMinimum": 0, "maximum": 9}),
            json!({}),
            "integer. At most 9. More than 0",
        ),
        (
            json!({"type": "string", "format": "date", "pattern": "^2", "minLength": 3}),
            json!({}),
            "string. Format: date. Pattern: ^2. At least 3 characters",
        ),
        (
            json!({"type": "array", "items": {"type": "string", "enum": ["red"]}, "maxItems": 2, "uniqueItems": true}),
            json!({}),
            "array. At most 2 elements. No element twice. Elements: {string. One of: \"red\"}",
        ),
        (
            json!({"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}]}),
            json!({}),
            "array. Elements in order: {number; string}",
        ),
        (order.clone(), json!({}), &format!("object. {told}")),
        // References, in both of their usual places, with words of their own beside.
        (
            json!({"$ref": "#/$defs/Order", "description": "the order"}),
            json!({"$defs": {"Order": order}}),
            &format!("object, the order. {told}"),
        ),
        (
            json!({"type": "array", "items": {"$ref": "#/definitions/a~1b"}}),
            json!({"definitions": {"a/b": order}}),
            &format!("array. Elements: {{object. {told}}}"),
        ),
        (
            json!({"allOf": [{"$ref": "#/$defs/Order"}], "default": null}),
            json!({"$defs": {"Order": order}}),
            &format!("object. {told}"),
        ),
        // An argument that may be null is that argument.
        (
            json!({"anyOf": [{"$ref": "#/$defs/Color"}, {"type": "null"}], "default": null}),
            json!({"$defs": {"Color": {"enum": ["red"], "type": "string"}}}),
            "string. One of: \"red\"",
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "number"}, {"type": "string"}]}),
            json!({}),
            "number or string",
        ),
        (
            json!({"oneOf": [{"type": "string", "enum": ["all"]}, {"type": "array", "items": {"type": "integer"}}]}),
            json!({}),
            "string or array. Either {string. One of: \"all\"} or {array. Elements: {integer}}",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            json!({}),
            "object. Other fields: {integer}",
        ),
        (
            json!({"$ref": "#/$defs/Node"}),
            json!({"$defs": {"Node": {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"$ref": "#/$defs/Node"}}}}}),
            "object. Fields: {value: integer; next: object. The same again: Node}",
        ),
        (
            json!({"type": "string", "examples": ["x", "y"]}),
            json!({}),
            "string. For example: \"x\", \"y\"",
        ),
    ] {
        let (published, whole, lost) = texts(property.clone(), more);
        assert_eq!(published, text, "{property}");
        let required = match text.split_once([',', '.']) {
            Some((kind, _)) => text.replacen(kind, &format!("{kind}, required"), 1),
            None => format!("{text}, required"),
        };
        assert_eq!(whole, required, "{property}");
        assert_eq!(lost, [""; 0], "{property}");
    }
}

#[test]
fn what_is_not_shown_is_told() {
    for (property, part) in [
        (
            json!({"$ref": "#/$defs/No"}),
            "$ref \"#/$defs/No\" leads to no schema",
        ),
        (json!({"$ref": "https://x.org/y"}), "leads to no schema"),
        (
            json!({"type": "object", "patternProperties": {"^x": {}}}),
            "\"patternProperties\" is not shown",
        ),
        (
            json!({"type": "array", "items": {"not": {"type": "string"}}}),
            "\"not\" is not shown",
        ),
        (
            json!({"type": "string", "description": "d".repeat(5000)}),
            "only 4096 of its description's 5000 characters",
        ),
        (
            json!({"type": "string", "enum": vec!["x".repeat(90); 1000]}),
            "longer than what is shown",
        ),
    ] {
        let (_, text, lost) = texts(property.clone(), json!({}));
        assert!(
            lost.iter()
                .any(|one| one.starts_with("function \"buy\", argument \"a\": ")
                    && one.contains(part)),
            "{part}: {lost:?}"
        );
        assert!(text.chars().count() < 20_000, "{part}");
    }
    let long = Tool::of_schema(
        "buy",
        &"d".repeat(300),
        &serde_json::Map::new(),
        Schemas::Published,
    );
    assert_eq!(
        long.lost(),
        ["function \"buy\": only the first 256 of its description's 300 characters are shown"]
    );
    let whole = Tool::of_schema(
        "buy",
        &"d".repeat(300),
        &serde_json::Map::new(),
        Schemas::Whole,
    );
    assert_eq!(whole.lost(), [""; 0]);
    assert_eq!(whole.description()["function"], "d".repeat(300));
    let other = tool(&json!({"type": "array", "oneOf": [{}, {}]}), Schemas::Whole);
    assert_eq!(other.lost().len(), 2, "{:?}", other.lost());
}

/// Of ToolBench's form there is nothing else to be told.
#[test]
fn toolbenchs_functions_have_the_published_text() {
    for description in ["", "the name", &"é".repeat(300)] {
        let function = json!({"name": "n".repeat(70), "description": description.repeat(2), "parameters": {
            "type": "object",
            "properties": {"a": {"type": "string", "description": description, "example_value": "x"}, "b": {"type": "integer"}},
            "required": ["a"],
            "optional": ["b"],
        }});
        let raw = Tool::of_function(&function, Schemas::Published).unwrap();
        let of_schema = |schemas| {
            let (name, description) = (function["name"].as_str(), function["description"].as_str());
            let parameters = function["parameters"].as_object();
            Tool::of_schema(
                name.unwrap(),
                description.unwrap(),
                parameters.unwrap(),
                schemas,
            )
        };
        assert_eq!(raw, of_schema(Schemas::Published));
        let whole = Tool::of_function(&function, Schemas::Whole).unwrap();
        assert_eq!(whole, of_schema(Schemas::Whole));
        let input = &whole.description()["input"];
        assert!(input["a"].as_str().unwrap().starts_with("string, required"));
        assert_eq!(input["b"], "integer");
    }
}

/// Schemas that lead into themselves from many places, and ones as large as a request may be.
#[test]
fn any_schema_takes_bounded_time() {
    let mut doubling = serde_json::Map::new();
    for level in 0..60 {
        let next = json!({"$ref": format!("#/$defs/d{}", (level + 1) % 60)});
        let schema =
            json!({"type": "object", "properties": {"x": next, "y": next}, "allOf": [next, next]});
        doubling.insert(format!("d{level}"), schema);
    }
    let many: serde_json::Map<String, Value> = (0..100_000)
        .map(|index| (format!("p{index}"), json!({"$ref": "#/$defs/d0"})))
        .collect();
    let names: Vec<String> = (0..100_000).map(|index| format!("p{index}")).collect();
    let began = Instant::now();
    for (property, definitions) in [
        (json!({"$ref": "#/$defs/d0"}), Value::from(doubling)),
        (
            json!({"$ref": "#/$defs/d0"}),
            json!({"d0": {"properties": many, "required": names}}),
        ),
        (
            json!({"$ref": "#/$defs/d0"}),
            json!({"d0": {"$ref": "#/$defs/d0"}}),
        ),
        (json!({"$ref": "#"}), json!({})),
        (
            json!({"anyOf": [{"$ref": "#/properties/a"}, {"items": {"$ref": "#/properties/a"}}]}),
            json!({}),
        ),
    ] {
        let (_, text, _) = texts(property, json!({"$defs": definitions}));
        assert!(text.len() < 100_000, "{}", text.len());
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
