//! How APIs are named and described.

use glpft_agent::{Api, Function};
use serde_json::{Map, Value, json};

use super::{ApiKind, Place, flag_argument, joined, with_article};
use crate::catalog::Category;
use crate::naming::{cut_description, function_name};
use crate::table::MOST_FOUND;

impl Place {
    /// Three ways to name an API. All begin with what it tells: a model that knows what it needs can then copy the name from
    /// its first word on, which the smallest models learn long before they find the beginning of a name by its middle.
    pub(super) fn api_name(&self, category: &Category, kind: &ApiKind) -> String {
        let Category { noun, plural, .. } = category;
        let link = category.link.0;
        let form = self.number % 3;
        let listed = |columns: &[usize]| joined(category, columns, " and ");
        match (kind, form) {
            (ApiKind::ByName(columns), 0) => format!("{} of {noun}", listed(columns)),
            (ApiKind::ByName(columns), 1) => format!("{} by {noun}", listed(columns)),
            (ApiKind::ByName(columns), _) => format!("{} of {plural}", listed(columns)),
            (ApiKind::ById(columns), 0) => format!("{} of {noun} id", listed(columns)),
            (ApiKind::ById(columns), 1) => format!("{} by {noun} id", listed(columns)),
            (ApiKind::ById(columns), _) => format!("{} of {plural} by id", listed(columns)),
            (ApiKind::Search, 0) => format!("id of {noun}"),
            (ApiKind::Search, 1) => format!("id by {noun}"),
            (ApiKind::Search, _) => format!("id of {plural}"),
            (ApiKind::Find, 0) => format!("{plural} of {link}"),
            (ApiKind::Find, 1) => format!("{plural} by {link}"),
            (ApiKind::Find, _) => format!("{plural} with {link}"),
            (ApiKind::Pick { label, .. }, _) => format!("{label} {noun}"),
        }
    }

    pub(super) fn function(&self, category: &Category, tool: &str, kind: &ApiKind) -> Function {
        let Category { noun, plural, .. } = category;
        let link = category.link.0;
        let a_noun = with_article(noun);
        let api = self.api_name(category, kind);
        let description = match kind {
            ApiKind::ByName(columns) => {
                format!("The {} of {a_noun}.", joined(category, columns, " and "))
            }
            ApiKind::ById(columns) => {
                format!(
                    "The {} of {a_noun}, by its id.",
                    joined(category, columns, " and ")
                )
            }
            ApiKind::Search => format!("The id of {a_noun}."),
            ApiKind::Find => format!("The {plural} with {}.", with_article(link)),
            ApiKind::Pick { label, .. } => format!("The {label} {noun}."),
        };
        Function {
            name: function_name(&api, tool),
            description: cut_description(&description),
            parameters: parameters(category, kind),
            api: Api {
                category: category.name.to_owned(),
                tool: tool.to_owned(),
                name: api,
            },
        }
    }
}

/// An API's arguments as ToolBench's JSON schema.
fn parameters(category: &Category, kind: &ApiKind) -> Map<String, Value> {
    let Category { noun, .. } = category;
    let argument = |of: &str, description: String| json!({"type": of, "description": description});
    let mut properties = Map::new();
    let mut optional: Vec<String> = Vec::new();
    match kind {
        ApiKind::ByName(_) | ApiKind::Search => {
            properties.insert((*noun).into(), argument("string", "the name".into()));
        }
        ApiKind::ById(_) => {
            properties.insert(format!("{noun}_id"), argument("number", "the id".into()));
        }
        ApiKind::Find => {
            let link = category.link.0;
            properties.insert(link.into(), argument("string", "the name".into()));
            optional = vec!["limit".to_owned(), flag_argument(category)];
            properties.insert(
                optional[0].clone(),
                argument("number", format!("at most {MOST_FOUND}")),
            );
            properties.insert(
                optional[1].clone(),
                argument("boolean", format!("only {} ones", category.flag)),
            );
        }
        ApiKind::Pick { .. } => {}
    }
    let required: Vec<&String> = properties
        .keys()
        .filter(|name| !optional.contains(name))
        .collect();
    let required = json!(required);
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties.into()),
        ("required".to_owned(), required),
        ("optional".to_owned(), json!(optional)),
    ])
}
