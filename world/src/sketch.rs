//! What a task asks for, put together from facets: facts, lists, things to be found first.

use serde_json::{Map, Value};

use crate::draw::Draw;
use crate::phrasing::listed;
use crate::plan::{Asks, Step, Way};
use crate::table::{MOST_FOUND, Row, Table};
use crate::tool::{ApiKind, capital, flag_argument, joined};
use crate::truth::Slot;
use crate::world::World;

/// From where and about whom facets may be.
pub(crate) struct Scene<'w> {
    pub world: &'w World,
    /// Whether the rows are those of tests.
    pub test: bool,
}

/// A task under way.
#[derive(Default)]
pub(crate) struct Sketch {
    pub steps: Vec<Step>,
    /// What is asked for.
    pub phrases: Vec<String>,
    /// What answers it.
    pub sentences: Vec<String>,
    pub slots: Vec<Slot>,
}

/// Something whose name is known once some steps are done.
struct Subject {
    row: usize,
    /// As the user says it.
    phrase: String,
    /// The step that tells its name.
    told_by: Option<usize>,
    /// Whether the user says what it links to.
    by_link: bool,
}

impl Scene<'_> {
    fn table(&self, tool: usize) -> (usize, &Table) {
        let table = self.world.tools[tool].table;
        (table, &self.world.tables[table])
    }

    /// The tool's APIs of a kind that tasks of this scene may call.
    fn apis(&self, tool: usize, wanted: impl Fn(&ApiKind) -> bool) -> Vec<usize> {
        let tool = &self.world.tools[tool];
        let held_out = tool.held_out;
        let usable = |api: &usize| {
            let api = &self.world.apis[*api];
            let is_pick = matches!(api.kind, ApiKind::Pick { .. });
            wanted(&api.kind) && (!is_pick || held_out || api.test_only == self.test)
        };
        tool.apis.iter().copied().filter(usable).collect()
    }

    fn row(&self, draw: &mut Draw, table: &Table) -> Option<usize> {
        let rows: Vec<usize> = (0..table.rows.len())
            .filter(|row| table.rows[*row].test == self.test)
            .collect();
        draw.pick(&rows).copied()
    }

    /// One or two columns of a thing: `from` tells what it is, where it is not named, and `tool` tells the columns.
    pub fn fact(
        &self,
        draw: &mut Draw,
        sketch: &mut Sketch,
        from: usize,
        tool: usize,
    ) -> Option<()> {
        let subject = self.subject(draw, sketch, from)?;
        self.columns_of(draw, sketch, tool, &subject)
    }

    /// A fact about what a thing of `tool` links to, told by `linked`.
    pub fn linked_fact(
        &self,
        draw: &mut Draw,
        sketch: &mut Sketch,
        tool: usize,
        linked: usize,
    ) -> Option<()> {
        let (number, table) = self.table(tool);
        let apis = self.apis(
            tool,
            |kind| matches!(kind, ApiKind::ByName(columns) if columns.contains(&0)),
        );
        let api = *draw.pick(&apis)?;
        let subject = self.subject(draw, sketch, tool)?;
        if subject.by_link {
            return None;
        }
        let row = &table.rows[subject.row];
        let link = table.category.link.0;
        let hub = self.table(linked).1;
        let linked_row = hub.named(row.link())?;
        sketch.steps.push(Step {
            table: number,
            asks: Asks::Columns(vec![0]),
            need: format!("the {link} of {}", row.name),
            learned: Some(format!("The {link} of {} is {}.", row.name, row.link())),
            ways: vec![way(api, [(table.category.noun, row.name.as_str().into())])],
            needs: subject.told_by.into_iter().collect(),
        });
        let subject = Subject {
            row: linked_row,
            phrase: format!("the {link} of {}", subject.phrase),
            told_by: Some(sketch.steps.len() - 1),
            by_link: false,
        };
        self.columns_of(draw, sketch, linked, &subject)
    }

    /// What a fact is about: named by the user, the only one with a link, or one that an API without arguments tells.
    fn subject(&self, draw: &mut Draw, sketch: &mut Sketch, tool: usize) -> Option<Subject> {
        let (number, table) = self.table(tool);
        let noun = table.category.noun;
        let row = self.row(draw, table)?;
        let finds = self.apis(tool, |kind| *kind == ApiKind::Find);
        let picks = self.apis(tool, |kind| matches!(kind, ApiKind::Pick { .. }));
        match draw.below(10) {
            0..4 if !picks.is_empty() => {
                let api = *draw.pick(&picks)?;
                let ApiKind::Pick { label, row } = self.world.apis[api].kind else {
                    return None;
                };
                let phrase = format!("the {label} {noun}");
                let name = &table.rows[row].name;
                sketch.steps.push(Step {
                    table: number,
                    asks: Asks::Pick(label),
                    need: phrase.clone(),
                    learned: Some(format!("{} is {name}.", capital(&phrase))),
                    ways: vec![way(api, [])],
                    needs: Vec::new(),
                });
                Some(Subject {
                    row,
                    phrase,
                    told_by: Some(sketch.steps.len() - 1),
                    by_link: false,
                })
            }
            4..7 if !finds.is_empty() => {
                let (link, value) = (table.category.link.0, table.rows[row].link());
                if table.linked(value).len() != 1 {
                    return None;
                }
                let phrase = format!("the {noun} with the {link} {value}");
                let name = &table.rows[row].name;
                sketch.steps.push(Step {
                    table: number,
                    asks: Asks::Find,
                    need: phrase.clone(),
                    learned: Some(format!("{} is {name}.", capital(&phrase))),
                    ways: vec![way(*draw.pick(&finds)?, [(link, value.into())])],
                    needs: Vec::new(),
                });
                Some(Subject {
                    row,
                    phrase,
                    told_by: Some(sketch.steps.len() - 1),
                    by_link: true,
                })
            }
            _ => Some(Subject {
                row,
                phrase: format!("the {noun} {}", table.rows[row].name),
                told_by: None,
                by_link: false,
            }),
        }
    }

    fn columns_of(
        &self,
        draw: &mut Draw,
        sketch: &mut Sketch,
        tool: usize,
        subject: &Subject,
    ) -> Option<()> {
        let (number, table) = self.table(tool);
        let category = table.category;
        let row = table.rows.get(subject.row)?;
        let apis = self.apis(tool, |kind| {
            matches!(kind, ApiKind::ByName(_) | ApiKind::ById(_))
        });
        let api = *draw.pick(&apis)?;
        let columns = self.world.apis[api].columns();
        let columns: Vec<usize> = match draw.below(4) {
            0 => columns.to_vec(),
            _ => vec![*draw.pick(columns)?],
        };
        if subject.by_link && columns.contains(&0) {
            return None;
        }
        let asked = format!("the {}", joined(category, &columns, " and the "));
        let mut needs: Vec<usize> = subject.told_by.into_iter().collect();
        let need = format!("{asked} of {}", row.name);
        let by_id = matches!(self.world.apis[api].kind, ApiKind::ById(_));
        let the_way = if by_id {
            let search = *draw.pick(&self.apis(tool, |kind| *kind == ApiKind::Search))?;
            sketch.steps.push(Step {
                table: number,
                asks: Asks::Id,
                need: format!("the id of {}", row.name),
                learned: Some(format!("The id of {} is {}.", row.name, row.id)),
                ways: vec![way(search, [(category.noun, row.name.as_str().into())])],
                needs,
            });
            needs = vec![sketch.steps.len() - 1];
            let id = format!("{}_id", category.noun);
            way(api, [(id.as_str(), row.id.into())])
        } else {
            way(api, [(category.noun, row.name.as_str().into())])
        };
        sketch.steps.push(Step {
            table: number,
            asks: Asks::Columns(columns.clone()),
            need,
            learned: None,
            ways: vec![the_way],
            needs,
        });
        sketch
            .phrases
            .push(format!("{asked} of {}", subject.phrase));
        let facts: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let of = if at == 0 {
                    format!(" of {}", row.name)
                } else {
                    String::new()
                };
                format!(
                    "the {}{of} is {}",
                    category.field(*column),
                    row.text(*column)
                )
            })
            .collect();
        sketch
            .sentences
            .push(format!("{}.", capital(&listed(&facts))));
        sketch.slots.extend(
            columns
                .iter()
                .map(|column| slot(category.field(*column), row.text(*column))),
        );
        Some(())
    }

    /// A thing that an API without arguments tells, itself the answer.
    pub fn pick(&self, draw: &mut Draw, sketch: &mut Sketch, tool: usize) -> Option<()> {
        let (number, table) = self.table(tool);
        let api = *draw.pick(&self.apis(tool, |kind| matches!(kind, ApiKind::Pick { .. })))?;
        let ApiKind::Pick { label, row } = self.world.apis[api].kind else {
            return None;
        };
        let phrase = format!("the {label} {}", table.category.noun);
        let name = table.rows.get(row)?.name.clone();
        sketch
            .sentences
            .push(format!("{} is {name}.", capital(&phrase)));
        sketch.slots.push(slot(table.category.noun, name));
        sketch.phrases.push(phrase.clone());
        sketch.steps.push(Step {
            table: number,
            asks: Asks::Pick(label),
            need: phrase,
            learned: None,
            ways: vec![way(api, [])],
            needs: Vec::new(),
        });
        Some(())
    }

    /// The things with a link: all, some, those with the flag, or none at all. `too_many` asks for more than the tool
    /// gives at once; the corrected call is the second way.
    pub fn list(
        &self,
        draw: &mut Draw,
        sketch: &mut Sketch,
        tool: usize,
        too_many: bool,
    ) -> Option<()> {
        let (number, table) = self.table(tool);
        let (plural, flag) = (table.category.plural, table.category.flag);
        let api = *draw.pick(&self.apis(tool, |kind| *kind == ApiKind::Find))?;
        let form = if too_many { 4 } else { draw.below(4) };
        let (link, value) = match form {
            3 => (table.category.link.0, self.unlinked(draw, table)?),
            _ => {
                let row = self.row(draw, table)?;
                (table.category.link.0, table.rows[row].link().to_owned())
            }
        };
        let rows: Vec<&Row> = table
            .linked(&value)
            .iter()
            .map(|row| &table.rows[*row])
            .collect();
        let with = format!("{plural} with the {link} {value}");
        let arguments = |more: Option<(&str, Value)>| {
            let link = (link, Value::from(value.as_str()));
            way(api, [link].into_iter().chain(more))
        };
        let (phrase, found, ways): (_, Vec<&Row>, _) = match form {
            0 | 3 => (format!("the {with}"), rows, vec![arguments(None)]),
            1 => {
                let count = draw.between(1, 3);
                if rows.len() <= count {
                    return None;
                }
                let limit = ("limit", Value::from(count));
                let rows = rows.into_iter().take(count).collect();
                (
                    format!("{count} of the {with}"),
                    rows,
                    vec![arguments(Some(limit))],
                )
            }
            2 => {
                let flagged: Vec<&Row> = rows.iter().copied().filter(|row| row.flag).collect();
                if flagged.is_empty() || flagged.len() == rows.len() {
                    return None;
                }
                let only = flag_argument(table.category);
                let only = (only.as_str(), Value::from(true));
                (
                    format!("the {flag} {with}"),
                    flagged,
                    vec![arguments(Some(only))],
                )
            }
            _ => {
                let count = draw.between(MOST_FOUND + 1, 9);
                let ways = [count, MOST_FOUND].map(|n| arguments(Some(("limit", n.into()))));
                (format!("up to {count} of the {with}"), rows, ways.into())
            }
        };
        let names: Vec<String> = found.iter().map(|row| row.name.clone()).collect();
        let (sentence, slots) = if names.is_empty() {
            let accepted = [
                &format!("no {plural}"),
                "not found",
                "no results",
                "nothing",
            ];
            let none = Slot {
                name: plural.to_owned(),
                accepted: accepted.map(str::to_owned).to_vec(),
            };
            (format!("No {with} were found."), vec![none])
        } else {
            let what = if form == 2 {
                format!("{flag} {with}")
            } else {
                with
            };
            let slots = names
                .iter()
                .map(|name| slot(table.category.noun, name.clone()));
            (
                format!("The {what} are {}.", listed(&names)),
                slots.collect(),
            )
        };
        sketch.phrases.push(phrase.clone());
        sketch.sentences.push(sentence);
        sketch.slots.extend(slots);
        sketch.steps.push(Step {
            table: number,
            asks: Asks::Find,
            need: phrase,
            learned: None,
            ways,
            needs: Vec::new(),
        });
        Some(())
    }

    /// Something that nothing of the table links to.
    fn unlinked(&self, draw: &mut Draw, table: &Table) -> Option<String> {
        let kind = table.category.link.1;
        let hub = self
            .world
            .tables
            .iter()
            .find(|hub| hub.category.hub && hub.category.names == kind)?;
        let row = self.row(draw, hub)?;
        let name = &hub.rows[row].name;
        table.linked(name).is_empty().then(|| name.clone())
    }
}

fn slot(name: &str, value: String) -> Slot {
    Slot {
        name: name.to_owned(),
        accepted: vec![value],
    }
}

/// A call; whether it works is found out when the task is whole.
fn way<'a>(api: usize, arguments: impl IntoIterator<Item = (&'a str, Value)>) -> Way {
    let arguments: Map<String, Value> = arguments
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Way {
        api,
        arguments,
        works: false,
    }
}
