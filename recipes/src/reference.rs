//! The page of every key, made of the schema and of what the types' doc comments say.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::keys::{Kind, TABLES, Table};

/// Where the types are.
const SOURCES: [&str; 4] = [
    include_str!("recipe.rs"),
    include_str!("model.rs"),
    include_str!("data.rs"),
    include_str!("stage.rs"),
];

/// Each table's title in `keys.rs`, and the type whose fields its keys are.
const TYPES: [(&str, &str); 6] = [
    ("the top of the recipe, before any table", "Recipe"),
    ("[model]", "ModelRecipe"),
    ("[model.random]", "RandomModel"),
    ("[data]", "DataRecipe"),
    ("[stage] or [stage.<name>]", "StageRecipe"),
    ("[stage.lora] or [stage.<name>.lora]", "LoraRecipe"),
];

/// A type: what is said of it, and its fields or variants in order.
#[derive(Default)]
struct Described {
    says: String,
    parts: Vec<Part>,
}

struct Part {
    name: String,
    /// A field's type.
    of: String,
    says: String,
}

/// The public types of the sources, by their names.
fn described() -> BTreeMap<String, Described> {
    let mut types: BTreeMap<String, Described> = BTreeMap::new();
    for source in SOURCES {
        let (mut says, mut open): (Vec<&str>, Option<String>) = (Vec::new(), None);
        for line in source.lines() {
            let (indented, line) = (line.starts_with("    "), line.trim());
            if let Some(said) = line.strip_prefix("///") {
                says.push(said.trim());
                continue;
            }
            if line.starts_with("#[") {
                continue;
            }
            let said = std::mem::take(&mut says).join(" ");
            let begun = ["pub struct ", "pub enum "]
                .iter()
                .find_map(|word| line.strip_prefix(word));
            match (begun, &open) {
                (Some(rest), _) => {
                    let name = rest.split([' ', '{']).next().unwrap_or_default().to_owned();
                    types.entry(name.clone()).or_default().says = said;
                    open = Some(name);
                }
                (None, _) if line == "}" && !indented => open = None,
                (None, Some(name)) if indented => {
                    let line = line.trim_start_matches("pub ").trim_end_matches(',');
                    let (part, of) = line.split_once(": ").unwrap_or((line, ""));
                    let part = Part {
                        name: part.to_owned(),
                        of: of.to_owned(),
                        says: said,
                    };
                    types.entry(name.clone()).or_default().parts.push(part);
                }
                _ => {}
            }
        }
    }
    types
}

/// `OldestTurns` as a recipe spells it.
fn kebab(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// What rustdoc links to is code here.
fn plain(says: &str) -> String {
    let says = says
        .replace("[`", "`")
        .replace("`]", "`")
        .replace('|', "\\|");
    says.replace("ModelRecipe::random", "[model.random]")
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Whole(low, high) if high >= i64::MAX as u64 => {
            format!("whole number, at least {low}")
        }
        Kind::Whole(low, high) => format!("whole number, {low} to {high}"),
        Kind::Real(bounds) => format!("number, {bounds}"),
        Kind::Choice(names) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        }
        Kind::Wholes(low, high) => format!("table of whole numbers, {low} to {high}"),
        Kind::Reals(bounds) => format!("table of numbers, {bounds}"),
        Kind::Text => "string".to_owned(),
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Texts => "array of strings".to_owned(),
        Kind::Sources => "array of tables".to_owned(),
    }
}

fn table(text: &mut String, table: &Table, types: &BTreeMap<String, Described>) {
    let Some((title, name)) = TYPES.iter().find(|(title, _)| *title == table.title) else {
        panic!("no type is known for {}", table.title);
    };
    let title = match title.starts_with('[') {
        true => format!("`{}`", title.replace(" or ", "` or `")),
        false => "Top level".to_owned(),
    };
    let _ = write!(
        text,
        "\n## {title}\n\n| key | value | meaning |\n|---|---|---|\n"
    );
    let fields = &types[*name].parts;
    for key in table.keys {
        let field = fields.iter().find(|field| field.name == key.name);
        let field = field.unwrap_or_else(|| panic!("{name} has no field {}", key.name));
        let mut says = field.says.clone();
        // A choice says what its names mean.
        if let Some(choice) = types
            .get(&field.of)
            .filter(|_| matches!(key.kind, Kind::Choice(_)))
        {
            let see = format!("See [`{}`].", field.of);
            says = says.replace(&see, &choice.says);
            let names = choice.parts.iter();
            let names: Vec<String> = names
                .map(|part| format!("`{}`: {}", kebab(&part.name), part.says))
                .collect();
            says = format!("{says}<br>{}", names.join("<br>"));
        }
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            key.name,
            value(key.kind),
            plain(&says)
        );
    }
}

fn page() -> String {
    let types = described();
    let mut text = "# Recipe keys\n\nEvery key of a [recipe](recipes.md). This page is made from the program's types: \
                    `GLPFT_GOLDEN=write cargo test -p glpft-recipes reference`.\n"
        .to_owned();
    for one in TABLES {
        table(&mut text, one, &types);
    }
    text += "\n## `[[data.sources]]`\n\n| key | meaning |\n|---|---|\n";
    for part in &types["SourceRecipe"].parts {
        let _ = writeln!(text, "| `{}` | {} |", part.name, plain(&part.says));
    }
    text
}

#[test]
fn the_page_of_keys_is_what_the_types_say() {
    let page = page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/recipe-keys.md");
    if std::env::var_os("GLPFT_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/reference/recipe-keys.md is stale: GLPFT_GOLDEN=write writes it anew"
    );
}
