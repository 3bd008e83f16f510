//! The tools' files, and the test tasks as ToolBench lists them.

use std::path::Path;

use glpft_agent::{Function, standardize};
use serde_json::{Value, json};

use super::{WriteError, folder, write_json};
use crate::truth::WorldTask;
use crate::world::World;

/// `toolenv/tools/{category}/{tool}.json`.
pub(super) fn write(world: &World, to: &Path) -> Result<(), WriteError> {
    let tools = to.join("toolenv/tools");
    for tool in &world.toolbox.tools {
        let category = world.toolbox.tables[tool.table].category.name;
        let standard = standardize(&tool.name);
        let apis: Vec<Value> = tool
            .apis
            .iter()
            .map(|api| api_json(&world.toolbox.apis[*api].function))
            .collect();
        let file = json!({
            "product_id": format!("api_{standard}"),
            "tool_description": tool.description,
            "home_url": "",
            "name": tool.name,
            "title": tool.name,
            "pricing": "FREE",
            "tool_name": tool.name,
            "standardized_name": standard,
            "score": Value::Null,
            "host": "",
            "api_list": apis,
        });
        let category = tools.join(category);
        folder(&category)?;
        write_json(&category.join(format!("{standard}.json")), &file)?;
    }
    Ok(())
}

fn api_json(function: &Function) -> Value {
    json!({
        "name": function.api.name,
        "url": "",
        "description": function.description,
        "method": "GET",
        "required_parameters": parameters(function, "required"),
        "optional_parameters": parameters(function, "optional"),
    })
}

/// The arguments that a schema lists under `key`, as ToolBench's tool files do.
fn parameters(function: &Function, key: &str) -> Vec<Value> {
    let listed = function.parameters.get(key).and_then(Value::as_array);
    let parameter = |name: &Value| {
        let name = name.as_str()?;
        let property = function.parameters.get("properties")?.get(name)?;
        let of = property.get("type")?.as_str()?.to_uppercase();
        Some(json!({
            "name": name,
            "type": of,
            "description": property.get("description"),
            "default": "",
        }))
    };
    listed.into_iter().flatten().filter_map(parameter).collect()
}

/// An element of a `test_instruction` file.
pub(super) fn instruction(one: &WorldTask) -> Value {
    let functions = &one.task.functions;
    let apis: Vec<Value> = functions
        .iter()
        .map(|function| {
            json!({
                "category_name": function.api.category,
                "tool_name": function.api.tool,
                "api_name": function.api.name,
                "api_description": function.description,
                "required_parameters": parameters(function, "required"),
                "optional_parameters": parameters(function, "optional"),
                "method": "GET",
            })
        })
        .collect();
    let mut relevant: Vec<Value> = Vec::new();
    for call in &one.truth.calls {
        let api = one
            .task
            .function(&call.function)
            .map(|function| &function.api);
        let pair = api.map(|api| json!([api.tool, api.name]));
        relevant.extend(pair.filter(|pair| !relevant.contains(pair)));
    }
    json!({
        "api_list": apis,
        "query": one.task.query,
        "relevant APIs": relevant,
        "query_id": one.task.id.parse::<u64>().ok(),
    })
}
