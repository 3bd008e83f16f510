//! The tools: what each of their APIs reads, and how it is named and described.

mod describe;

use glpft_agent::{Function, standardize};

use crate::catalog::{COLUMNS, Category, LABELS};
use crate::draw::Draw;
use crate::naming::function_name;
use crate::size::Size;
use crate::table::Table;

/// What an API does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ApiKind {
    /// Some columns of the row of a name; it is named for the first one.
    ByName(Vec<usize>),
    /// Some columns of the row of an id.
    ById(Vec<usize>),
    /// The id of the row of a name.
    Search,
    /// The names of the rows with a link; `limit` and the flag are optional.
    Find,
    /// One row, without arguments.
    Pick { label: &'static str, row: usize },
}

/// How a server writes what it replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// A string that holds JSON.
    Text,
    /// JSON that is no string.
    Object,
    /// `name: value, …`.
    Plain,
}

/// A tool's API.
#[derive(Clone, Debug)]
pub(crate) struct ToolApi {
    pub table: usize,
    pub tool: usize,
    pub kind: ApiKind,
    pub style: Style,
    /// Whether only test tasks use it, although others of its tool are trained on.
    pub test_only: bool,
    pub function: Function,
}

impl ToolApi {
    /// The columns that it tells.
    pub fn columns(&self) -> &[usize] {
        match &self.kind {
            ApiKind::ByName(columns) | ApiKind::ById(columns) => columns,
            _ => &[],
        }
    }

    /// Whether tasks ask it for these columns: those that its name begins with.
    pub fn is_asked_for(&self, columns: &[usize]) -> bool {
        self.columns().starts_with(columns)
    }
}

/// A tool: some APIs over one table.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub table: usize,
    /// As its server spells it.
    pub name: String,
    pub description: String,
    /// Whether training never sees it.
    pub held_out: bool,
    /// Their places in the world's list.
    pub apis: Vec<usize>,
}

const WORDS: [&str; 16] = [
    "Hub", "Box", "Data", "Live", "Desk", "Base", "Point", "Finder", "Guide", "Index", "Link",
    "Store", "Center", "Wire", "Net", "Plus",
];

/// Every tool and every API of a world.
pub(crate) fn tools(seed: u64, size: &Size, tables: &[Table]) -> (Vec<Tool>, Vec<ToolApi>) {
    let (mut tools, mut apis) = (Vec::new(), Vec::new());
    for (table, content) in tables.iter().enumerate() {
        let mut draw = Draw::new(seed, "tools", table as u64);
        let mut words = WORDS;
        draw.shuffle(&mut words);
        let mut columns: Vec<usize> = (0..COLUMNS).collect();
        draw.shuffle(&mut columns);
        // Half of a category's labels are for tests, others in each category.
        let mut labels = LABELS;
        draw.shuffle(&mut labels);
        for number in 0..size.tools_per_category {
            let place = Place {
                table,
                tool: tools.len(),
                number,
                held_out: content.held_out || number + 1 == size.tools_per_category,
                word: words[number % words.len()],
                columns: std::array::from_fn(|at| columns[(number + at) % COLUMNS]),
                labels: [labels[number % 7], labels[7 + number % 7]],
            };
            let (tool, its) = place.tool(&mut draw, content, apis.len());
            tools.push(tool);
            apis.extend(its);
        }
    }
    (tools, apis)
}

struct Place {
    table: usize,
    tool: usize,
    number: usize,
    held_out: bool,
    word: &'static str,
    columns: [usize; COLUMNS],
    labels: [&'static str; 2],
}

impl Place {
    fn tool(&self, draw: &mut Draw, table: &Table, first: usize) -> (Tool, Vec<ToolApi>) {
        let category = table.category;
        let [a, b, c, ..] = self.columns;
        let mut kinds = match (self.number + self.table) % 3 {
            0 => vec![
                ApiKind::ByName(vec![a]),
                ApiKind::ByName(vec![a, b]),
                ApiKind::Find,
            ],
            1 => vec![
                ApiKind::ByName(vec![a]),
                ApiKind::Search,
                ApiKind::ById(vec![b]),
            ],
            _ => vec![
                ApiKind::ByName(vec![a, b]),
                ApiKind::ByName(vec![c]),
                ApiKind::Find,
            ],
        };
        let (train, test): (Vec<usize>, Vec<usize>) =
            (0..table.rows.len()).partition(|row| !table.rows[*row].test && !self.held_out);
        let test: Vec<usize> = test
            .into_iter()
            .filter(|row| table.rows[*row].test)
            .collect();
        for (label, rows) in self
            .labels
            .into_iter()
            .zip([if self.held_out { &test } else { &train }, &test])
        {
            let row = draw.pick(rows).copied().unwrap_or_default();
            kinds.push(ApiKind::Pick { label, row });
        }
        let style = match draw.below(20) {
            0..12 => Style::Text,
            12..17 => Style::Object,
            _ => Style::Plain,
        };
        let name = self.name(category, &kinds);
        let count = kinds.len();
        let apis: Vec<ToolApi> = kinds
            .into_iter()
            .enumerate()
            .map(|(at, kind)| ToolApi {
                table: self.table,
                tool: self.tool,
                style,
                test_only: at + 1 == count && !self.held_out,
                function: self.function(category, &name, &kind),
                kind,
            })
            .collect();
        let tool = Tool {
            table: self.table,
            description: format!("Data about {}.", category.plural),
            held_out: self.held_out,
            apis: (first..first + apis.len()).collect(),
            name,
        };
        (tool, apis)
    }

    /// Large worlds have a tool in each category whose functions' names are too long.
    fn name(&self, category: &Category, kinds: &[ApiKind]) -> String {
        let noun = capital(category.noun);
        let short = format!("{noun} {}", self.word);
        if self.number != 4 {
            return short;
        }
        let long = format!("{noun} Information Service Of The {} Network", self.word);
        let mut names: Vec<String> = kinds
            .iter()
            .map(|kind| function_name(&self.api_name(category, kind), &long))
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.len() == kinds.len() {
            long
        } else {
            short
        }
    }
}

/// The columns' names.
pub(crate) fn joined(category: &Category, columns: &[usize], between: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|one| category.field(*one)).collect();
    names.join(between)
}

/// `a shop`, `an event`.
fn with_article(noun: &str) -> String {
    match noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {noun}"),
        false => format!("a {noun}"),
    }
}

/// The text with a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// The name of a search's argument for the category's flag.
pub(crate) fn flag_argument(category: &Category) -> String {
    format!("{}_only", standardize(category.flag))
}
