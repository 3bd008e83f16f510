//! The keys that a recipe file and its overrides set, checked against the schema one by one.

use std::collections::BTreeMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    Override, Place, RecipeError, Stage,
    keys::{Key, Kind, ROOT, TABLES, Table},
    nearest::{listed, nearest},
    place::{Locator, shown},
    value::{Value, found},
    write::RESOLVED,
};

/// Every key set, by its path from the top (`stage.planner.lr`), with the place that set it.
#[derive(Debug)]
pub(crate) struct Settings {
    file: String,
    resolved: bool,
    values: BTreeMap<String, (Value, Place)>,
}

impl Settings {
    /// Reads a recipe's text; `file` is its name in messages.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Settings, RecipeError> {
        let mut settings = Settings {
            file: file.to_owned(),
            resolved: text.starts_with(RESOLVED),
            values: BTreeMap::new(),
        };
        let locator = Locator::File { file, text };
        let document = DeTable::parse(text).map_err(|error| RecipeError::Syntax {
            place: locator.at(error.span().map_or(0, |span| span.start)),
            message: one_line(error.message()),
        })?;
        settings.set_table(&ROOT, "", document.get_ref(), &locator)?;
        Ok(settings)
    }

    /// Whether the text is a resolved recipe's: a key that it lacks is newer than it.
    pub(crate) fn is_resolved(&self) -> bool {
        self.resolved
    }

    /// Sets one key, or every key of one inline table.
    ///
    /// A key of `[stage]` set here holds for all stages, whatever the file says of single ones: that is what
    /// `--set stage.batch=8` means to whoever types it.
    pub(crate) fn apply(&mut self, change: &Override) -> Result<(), RecipeError> {
        let locator = Locator::Override(shown(&change.to_string()));
        let mut table = &ROOT;
        let mut path = String::new();
        let mut segments = change.key.split('.').map(str::trim);
        while let Some(segment) = segments.next() {
            if let Some(inner) = table.table(segment) {
                push(&mut path, segment);
                table = inner;
                continue;
            }
            let Some(key) = table.key(segment) else {
                return Err(unknown_key(table, &path, segment, locator.at(0)));
            };
            push(&mut path, segment);
            if let Some(inner) = segments.next() {
                let message = match key.kind {
                    Kind::Wholes(..) | Kind::Reals(_) => {
                        format!("`{path}` is set as a whole: give {}", key.kind)
                    }
                    _ => format!(
                        "`{path}` is not a table, so it has no key `{}`",
                        shown(inner)
                    ),
                };
                return Err(RecipeError::Override {
                    text: shown(&change.to_string()),
                    message,
                });
            }
            let value = typed(&change.value, key.kind, &locator)?;
            return self.set_key(key, path, value.get_ref(), &|| locator.at(0));
        }
        // The path ends at a table.
        match typed(&change.value, Kind::Flag, &locator)?.get_ref() {
            DeValue::Table(values) => self.set_table(table, &path, values, &locator),
            other => Err(table_expected(&path, other, locator.at(0))),
        }
    }

    fn set_table(
        &mut self,
        table: &Table,
        path: &str,
        values: &DeTable<'_>,
        locator: &Locator<'_>,
    ) -> Result<(), RecipeError> {
        // In the order of the text, so that the first error reported is the first a reader meets.
        let mut entries: Vec<_> = values.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let mut inner_path = path.to_owned();
            push(&mut inner_path, name.get_ref());
            if let Some(key) = table.key(name.get_ref()) {
                self.set_key(key, inner_path, value.get_ref(), &|| {
                    locator.at(value.span().start)
                })?;
            } else if let Some(inner) = table.table(name.get_ref()) {
                match value.get_ref() {
                    DeValue::Table(values) => {
                        self.set_table(inner, &inner_path, values, locator)?;
                    }
                    other => {
                        let place = locator.at(value.span().start);
                        return Err(table_expected(&inner_path, other, place));
                    }
                }
            } else {
                let place = locator.at(name.span().start);
                return Err(unknown_key(table, path, name.get_ref(), place));
            }
        }
        Ok(())
    }

    fn set_key(
        &mut self,
        key: &Key,
        path: String,
        value: &DeValue<'_>,
        place: &dyn Fn() -> Place,
    ) -> Result<(), RecipeError> {
        let value = Value::read(key.kind, &path, value, place)?;
        let place = place();
        if let (Place::Override(_), Some(rest)) = (&place, shared_stage_key(&path)) {
            for stage in Stage::ALL {
                self.values
                    .remove(&format!("stage.{}.{rest}", stage.name()));
            }
        }
        self.values.insert(path, (value, place));
        Ok(())
    }

    /// The value of a key; a stage's key falls back on `[stage]`.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        self.find(path).map(|(value, _)| value)
    }

    /// Whether the key itself is set, not only its fallback.
    pub(crate) fn is_set(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }

    /// Where a key was set, for an error about it.
    pub(crate) fn place(&self, path: &str) -> Place {
        self.find(path).map_or_else(
            || Place::Recipe(self.file.clone()),
            |(_, place)| place.clone(),
        )
    }

    /// Whether any key of the table at `path` is set.
    pub(crate) fn has_table(&self, path: &str) -> Option<&Place> {
        let prefix = format!("{path}.");
        self.values
            .iter()
            .find(|(key, _)| key.starts_with(&prefix))
            .map(|(_, (_, place))| place)
    }

    /// The recipe's file, as messages name it.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    fn find(&self, path: &str) -> Option<&(Value, Place)> {
        self.values.get(path).or_else(|| {
            let (stage, key) = path.strip_prefix("stage.")?.split_once('.')?;
            Stage::ALL.iter().find(|known| known.name() == stage)?;
            self.values.get(&format!("stage.{key}"))
        })
    }
}

/// The rest of a path in `[stage]` that names no single stage.
fn shared_stage_key(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("stage.")?;
    let first = rest.split('.').next()?;
    Stage::ALL
        .iter()
        .all(|stage| stage.name() != first)
        .then_some(rest)
}

fn push(path: &mut String, segment: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(segment);
}

/// An override's text as a value of the kind its key asks for.
fn typed<'a>(
    text: &'a str,
    kind: Kind,
    locator: &Locator<'_>,
) -> Result<Spanned<DeValue<'a>>, RecipeError> {
    let bare = |text: &'a str| Spanned::new(0..0, DeValue::String(text.into()));
    let parsed = DeValue::parse(text);
    match (kind, parsed) {
        // A directory may be called `2024` or `true`.
        (Kind::Text | Kind::Choice(_), Ok(value)) if !value.get_ref().is_str() => Ok(bare(text)),
        (Kind::Texts, Ok(value)) if value.get_ref().is_array() => Ok(value),
        (Kind::Texts, _) => {
            // `["a","b"]` as a shell leaves it, or plain `a,b`.
            let inner = text.trim_start_matches('[').trim_end_matches(']');
            let items = inner
                .split(',')
                .map(|item| item.trim().trim_matches(['"', '\'']));
            let mut array = toml::de::DeArray::new();
            for item in items {
                array.push(bare(item));
            }
            Ok(Spanned::new(0..0, DeValue::Array(array)))
        }
        (_, Ok(value)) => Ok(value),
        (_, Err(error)) if text.starts_with(['"', '\'', '[', '{']) => Err(RecipeError::Syntax {
            place: locator.at(0),
            message: one_line(error.message()),
        }),
        (_, Err(_)) => Ok(bare(text)),
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn table_expected(path: &str, value: &DeValue<'_>, place: Place) -> RecipeError {
    RecipeError::WrongType {
        place,
        key: path.to_owned(),
        expected: "a table".to_owned(),
        found: found(value),
    }
}

/// An unknown key, with what its writer most likely meant.
fn unknown_key(table: &Table, path: &str, name: &str, place: Place) -> RecipeError {
    let hint = if let Some(other) = TABLES.iter().find(|other| other.names().any(|n| n == name)) {
        format!("`{name}` belongs in {}", other.title)
    } else if let Some(near) = nearest(name, table.names()) {
        format!("did you mean `{near}`?")
    } else if let Some((elsewhere, near)) = TABLES
        .iter()
        .find_map(|other| nearest(name, other.names()).map(|near| (other.title, near)))
    {
        format!("did you mean `{near}`, which belongs in {elsewhere}?")
    } else {
        format!("valid keys there: {}", listed(table.names()))
    };
    RecipeError::UnknownKey {
        place,
        key: shown(name),
        table: if path.is_empty() {
            "the recipe".to_owned()
        } else {
            format!("[{path}]")
        },
        hint,
    }
}
