//! The tools of a world, and the tables that they read.

use std::collections::BTreeMap;

use glpft_agent::{Api, standardize};

use crate::names::NameSet;
use crate::size::Size;
use crate::table::{Table, tables};
use crate::tool::{Tool, ToolApi, tools};

/// The tools of a world and what they know: a pure function of its seed, size and names.
pub(crate) struct Toolbox {
    pub seed: u64,
    pub tables: Vec<Table>,
    pub tools: Vec<Tool>,
    pub apis: Vec<ToolApi>,
    /// By the standard names of category, tool and API.
    by_key: BTreeMap<[String; 3], usize>,
}

impl Toolbox {
    pub fn new(seed: u64, size: &Size, names: NameSet) -> Self {
        let tables = tables(seed, size, names);
        let (tools, apis) = tools(seed, size, &tables);
        let keys = apis.iter().map(|api| key(&api.function.api));
        let by_key = keys.enumerate().map(|(index, key)| (key, index));
        Self {
            seed,
            by_key: by_key.collect(),
            tables,
            tools,
            apis,
        }
    }

    /// An API, spelled as the world does or in ToolBench's standard form.
    pub fn find_api(&self, api: &Api) -> Option<&ToolApi> {
        self.by_key.get(&key(api)).map(|index| &self.apis[*index])
    }
}

/// The standard names of (category, tool, API).
fn key(api: &Api) -> [String; 3] {
    [&api.category, &api.tool, &api.name].map(|name| standardize(name))
}
