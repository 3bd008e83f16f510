//! `[[data.sources]]`: an array of tables, each read and written as a whole.

use std::collections::HashSet;

use toml::de::{DeArray, DeTable, DeValue};

use super::{Value, found, quoted};
use crate::{
    Place, RecipeError, SourceRecipe,
    keys::{Bounds, Kind},
    nearest::{listed, nearest},
    place::shown,
};

/// Beyond this a source is not mixed, it is all there is.
const HEAVIEST: f64 = 1000.0;

/// The keys of a source.
const KEYS: [(&str, Kind); 5] = [
    ("path", Kind::Text),
    ("name", Kind::Text),
    ("weight", Kind::Real(Bounds::above(0.0, HEAVIEST))),
    ("roles", Kind::Texts),
    ("extra", Kind::Flag),
];

/// Reads the tables of the array at `path`.
pub(crate) fn read(
    path: &str,
    items: &DeArray<'_>,
    place: &dyn Fn() -> Place,
) -> Result<Vec<SourceRecipe>, RecipeError> {
    let mut sources = Vec::new();
    let mut names = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let at = format!("{path}[{index}]");
        let DeValue::Table(table) = item.get_ref() else {
            return Err(RecipeError::WrongType {
                place: place(),
                key: at,
                expected: "a table with a `path`".to_owned(),
                found: found(item.get_ref()),
            });
        };
        let source = source(&at, table, place)?;
        if !names.insert(source.name.clone()) {
            return Err(RecipeError::Conflict {
                place: place(),
                message: format!(
                    "two sources are called \"{}\"; give each a `name` of its own",
                    shown(&source.name)
                ),
            });
        }
        sources.push(source);
    }
    Ok(sources)
}

fn source(
    at: &str,
    table: &DeTable<'_>,
    place: &dyn Fn() -> Place,
) -> Result<SourceRecipe, RecipeError> {
    let mut values = Vec::new();
    for (name, value) in table {
        let name = name.get_ref().as_ref();
        let Some((key, kind)) = KEYS.iter().find(|(key, _)| *key == name) else {
            let known = KEYS.map(|(key, _)| key);
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("valid keys there: {}", listed(known)),
            };
            return Err(RecipeError::UnknownKey {
                place: place(),
                key: shown(name),
                table: at.to_owned(),
                hint,
            });
        };
        let value = Value::read(*kind, &format!("{at}.{key}"), value.get_ref(), place)?;
        values.push((*key, value));
    }
    let conflict = |message: String| RecipeError::Conflict {
        place: place(),
        message,
    };
    let path = values.iter().find_map(|(key, value)| match value {
        Value::Text(path) if *key == "path" => Some(path),
        _ => None,
    });
    let path = path.ok_or_else(|| conflict(format!("`{at}` has no `path`")))?;
    let mut source = SourceRecipe::new(path);
    for (key, value) in values {
        match (key, value) {
            ("name", Value::Text(name)) => source.name = name,
            ("weight", Value::Real(weight)) => source.weight = weight,
            ("roles", Value::Texts(roles)) => source.roles = roles,
            ("extra", Value::Flag(extra)) => source.extra = extra,
            _ => {}
        }
    }
    let unknown = source
        .roles
        .iter()
        .find(|role| !SourceRecipe::ROLES.contains(&role.as_str()));
    if let Some(role) = unknown {
        return Err(conflict(format!(
            "`{at}.roles` has \"{}\"; it names some of {}",
            shown(role),
            listed(SourceRecipe::ROLES)
        )));
    }
    if source.roles.is_empty() {
        return Err(conflict(format!(
            "`{at}.roles` is empty: the source would train nothing; leave the key away, or the source"
        )));
    }
    Ok(source)
}

/// The array as TOML text, which reads back as the same sources.
pub(crate) fn to_toml(sources: &[SourceRecipe]) -> String {
    let tables: Vec<String> = sources
        .iter()
        .map(|source| {
            let roles: Vec<String> = source.roles.iter().map(|role| quoted(role)).collect();
            format!(
                "{{ path = {}, name = {}, weight = {:?}, roles = [{}]{} }}",
                quoted(&source.path),
                quoted(&source.name),
                source.weight,
                roles.join(", "),
                if source.extra { ", extra = true" } else { "" }
            )
        })
        .collect();
    format!("[{}]", tables.join(", "))
}
