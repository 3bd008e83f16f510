//! Which APIs a server has, by the names that calls spell.

use std::collections::BTreeMap;

use glpft_agent::Api;
use serde_json::Value;

use super::request::ToolRequest;

/// Names of Python's own that ToolBench's functions may not have.
const PYTHON_NAMES: [&str; 7] = ["from", "class", "return", "false", "true", "id", "and"];

/// The APIs that are served. Calls may spell them as the server does or as ToolBench's functions do: `The Weather!` is
/// also `the_weather`.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    apis: BTreeMap<[String; 3], (Api, Option<Value>)>,
}

impl Catalogue {
    /// A catalogue of APIs, each with an example of its reply where there is one: `strip: filter` keeps its keys alone. Of
    /// two APIs of one standardised name the first counts.
    pub fn new(apis: impl IntoIterator<Item = (Api, Option<Value>)>) -> Self {
        let mut all = BTreeMap::new();
        for (api, schema) in apis {
            let name = standard(&api.category, &api.tool, &api.name);
            all.entry(name).or_insert((api, schema));
        }
        Self { apis: all }
    }

    /// How many APIs there are.
    pub fn len(&self) -> usize {
        self.apis.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.apis.is_empty()
    }

    /// The API that a call means.
    pub(super) fn find(&self, request: &ToolRequest) -> Option<(&Api, Option<&Value>)> {
        let found = self
            .apis
            .get(&standard(&request.category, &request.tool, &request.api));
        found.map(|(api, schema)| (api, schema.as_ref()))
    }
}

/// The names of ToolBench's functions: the category's, the tool's and the API's.
fn standard(category: &str, tool: &str, api: &str) -> [String; 3] {
    let category = standard_category(category);
    // Some callers name the tool as its code does.
    let tool = tool
        .strip_suffix(&format!("_for_{category}"))
        .unwrap_or(tool);
    let tool = standardize(tool);
    [category, tool, change_name(standardize(api))]
}

/// `standardize_category` of ToolBench: spaces, commas and slashes are underscores, which stand alone.
fn standard_category(category: &str) -> String {
    let category = category.replace([' ', ',', '/'], "_");
    single_underscores(&category)
}

/// `standardize` of ToolBench: in lower case, everything but ASCII's letters and digits, Chinese characters and `^` an
/// underscore, these single and not at the ends; a digit does not begin a name.
fn standardize(name: &str) -> String {
    let kept = |character: char| {
        character.is_ascii_alphanumeric()
            || character == '^'
            || ('\u{4e00}'..='\u{9fa5}').contains(&character)
    };
    let name: String = name
        .chars()
        .map(|character| if kept(character) { character } else { '_' })
        .collect();
    let name = single_underscores(&name);
    let name = name.trim_matches('_').to_lowercase();
    match name.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("get_{name}"),
        false => name,
    }
}

/// `change_name` of ToolBench.
fn change_name(name: String) -> String {
    match PYTHON_NAMES.contains(&name.as_str()) {
        true => format!("is_{name}"),
        false => name,
    }
}

fn single_underscores(text: &str) -> String {
    let mut single = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '_' || !single.ends_with('_') {
            single.push(character);
        }
    }
    single
}
