//! Which APIs a server has, by the names that calls spell.

use std::collections::BTreeMap;

use glpft_agent::{Api, change_name, standard_category, standardize};
use serde_json::Value;

use super::request::ToolRequest;

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
    let mut category = standard_category(category);
    // Standardised again it is the same: ToolBench's rule leaves some underscores of a row.
    while category.contains("__") {
        category = category.replace("__", "_");
    }
    // Some callers name the tool as its code does.
    let tool = tool
        .strip_suffix(&format!("_for_{category}"))
        .unwrap_or(tool);
    let tool = standardize(tool);
    [category, tool, change_name(&standardize(api))]
}
