//! The typed tables that the tools read.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::catalog::{CATEGORIES, COLUMNS, Category, Column};
use crate::draw::Draw;
use crate::names::{NameKind, NameSet, Names};
use crate::size::Size;

/// Rows that link to one thing, at most: a search returns all of them.
pub(crate) const MOST_FOUND: usize = 5;

/// Something that a table knows.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub name: String,
    /// A number that no other row of the table has.
    pub id: u32,
    /// Whether only test tasks are about it.
    pub test: bool,
    /// Whether the category's flag is true of it.
    pub flag: bool,
    /// Its link, then its four fields.
    pub values: [Value; COLUMNS],
}

impl Row {
    /// A column's value as text.
    pub fn text(&self, column: usize) -> String {
        match &self.values[column % COLUMNS] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// What it links to.
    pub fn link(&self) -> &str {
        self.values[0].as_str().unwrap_or_default()
    }
}

/// A category's table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub category: &'static Category,
    /// Whether training never sees it.
    pub held_out: bool,
    pub rows: Vec<Row>,
    by_name: BTreeMap<String, usize>,
    by_id: BTreeMap<u32, usize>,
    by_link: BTreeMap<String, Vec<usize>>,
}

impl Table {
    /// The row of this name, in any case.
    pub fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(&folded(name)).copied()
    }

    /// The row with this id.
    pub fn identified(&self, id: u32) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// The rows that link to this, in order.
    pub fn linked(&self, link: &str) -> &[usize] {
        self.by_link
            .get(&folded(link))
            .map_or(&[], |rows| rows.as_slice())
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The tables of a world: those that others link to first.
pub(crate) fn tables(seed: u64, size: &Size, names: NameSet) -> Vec<Table> {
    let (hubs, mut others): (Vec<_>, Vec<_>) = CATEGORIES.iter().partition(|one| one.hub);
    Draw::new(seed, "categories", 0).shuffle(&mut others);
    others.truncate(size.categories.saturating_sub(hubs.len()));
    let held_out = (size.categories / 4).max(2);
    let mut names = Names::new(names, seed);
    let count = size.train_rows + size.test_rows;
    let mut named = Vec::new();
    for category in &hubs {
        named.push((*category, names.take(category.names, count)));
    }
    let pools: BTreeMap<NameKind, Vec<String>> = named
        .iter()
        .map(|(category, names)| (category.names, names.clone()))
        .collect();
    for category in &others {
        named.push((*category, names.take(category.names, count)));
    }
    let first_held_out = named.len().saturating_sub(held_out);
    named
        .into_iter()
        .enumerate()
        .map(|(index, (category, names))| {
            let links = pools.get(&category.link.1).map_or(&[][..], Vec::as_slice);
            let held_out = index >= first_held_out;
            table(
                Draw::new(seed, "table", index as u64),
                category,
                held_out,
                names,
                links,
                size,
            )
        })
        .collect()
}

fn table(
    mut draw: Draw,
    category: &'static Category,
    held_out: bool,
    names: Vec<String>,
    links: &[String],
    size: &Size,
) -> Table {
    let mut ids: Vec<u32> = (1000..=9999).collect();
    draw.shuffle(&mut ids);
    let mut table = Table {
        category,
        held_out,
        rows: Vec::new(),
        by_name: BTreeMap::new(),
        by_id: BTreeMap::new(),
        by_link: BTreeMap::new(),
    };
    let (train_links, test_links) = links.split_at(size.train_rows.min(links.len()));
    for (index, (name, id)) in names.into_iter().zip(ids).enumerate() {
        let test = index >= size.train_rows;
        let links = if test { test_links } else { train_links };
        let link = link(&mut draw, links, &table.by_link);
        table.by_name.insert(folded(&name), index);
        table.by_id.insert(id, index);
        table.by_link.entry(folded(&link)).or_default().push(index);
        let mut values = [const { Value::Null }; COLUMNS];
        values[0] = link.into();
        for (value, (_, column)) in values[1..].iter_mut().zip(&category.fields) {
            *value = drawn(&mut draw, *column);
        }
        table.rows.push(Row {
            name,
            id,
            test,
            flag: draw.chance(0.5),
            values,
        });
    }
    table
}

/// What a row links to; nothing is linked to more often than a search returns.
fn link(draw: &mut Draw, links: &[String], taken: &BTreeMap<String, Vec<usize>>) -> String {
    let mut chosen = "";
    for _ in 0..100 {
        chosen = draw.pick(links).map_or("", String::as_str);
        let count = taken.get(&folded(chosen)).map_or(0, Vec::len);
        if count < MOST_FOUND {
            break;
        }
    }
    chosen.to_owned()
}

fn drawn(draw: &mut Draw, column: Column) -> Value {
    match column {
        Column::Whole(low, high) => draw.between(low as usize, high as usize).into(),
        Column::Tenths(low, high) => {
            let tenths = draw.between(low as usize, high as usize);
            // A zero behind the point would be written in two ways.
            let tenths = tenths + usize::from(tenths.is_multiple_of(10));
            let text = format!("{}.{}", tenths / 10, tenths % 10);
            text.parse::<Number>().map_or(Value::Null, Value::Number)
        }
        Column::Word(words) => draw.pick(words).copied().unwrap_or_default().into(),
        Column::Time => {
            let (hour, quarter) = (draw.between(6, 22), draw.below(4) * 15);
            format!("{hour}:{quarter:02}").into()
        }
    }
}
