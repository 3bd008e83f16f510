//! Facts about things that are named, found or picked first.

use super::{Scene, Sketch, slot, way};
use crate::draw::Draw;
use crate::phrasing::listed;
use crate::plan::{Asks, Purpose, Step};
use crate::tool::{ApiKind, capital, joined};

/// Something whose name is known once some steps are done.
struct Subject {
    row: usize,
    /// As the user says it.
    phrase: String,
    /// What the user calls such a thing: `movie`, or `director`.
    word: &'static str,
    /// The step that tells its name.
    told_by: Option<usize>,
    /// Whether the user says what it links to.
    by_link: bool,
}

impl Scene<'_> {
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
            |kind| matches!(kind, ApiKind::ByName(columns) if columns.first() == Some(&0)),
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
            need: format!("the {link} of the {} {}", subject.word, row.name),
            purpose: None,
            learned: Some(format!("The {link} of {} is {}.", row.name, row.link())),
            ways: vec![way(api, [(table.category.noun, row.name.as_str().into())])],
            needs: subject.told_by.into_iter().collect(),
        });
        let subject = Subject {
            row: linked_row,
            phrase: format!("the {link} of {}", subject.phrase),
            word: link,
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
                let ApiKind::Pick { label, row } = self.toolbox.apis[api].kind else {
                    return None;
                };
                let phrase = format!("the {label} {noun}");
                let name = &table.rows[row].name;
                sketch.steps.push(Step {
                    table: number,
                    asks: Asks::Pick(label),
                    need: phrase.clone(),
                    purpose: None,
                    learned: Some(format!("{} is {name}.", capital(&phrase))),
                    ways: vec![way(api, [])],
                    needs: Vec::new(),
                });
                Some(Subject {
                    row,
                    phrase,
                    word: noun,
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
                    need: format!("the {} with the {link} {value}", table.category.plural),
                    purpose: None,
                    learned: Some(format!("{} is {name}.", capital(&phrase))),
                    ways: vec![way(*draw.pick(&finds)?, [(link, value.into())])],
                    needs: Vec::new(),
                });
                Some(Subject {
                    row,
                    phrase,
                    word: noun,
                    told_by: Some(sketch.steps.len() - 1),
                    by_link: true,
                })
            }
            _ => Some(Subject {
                row,
                phrase: format!("the {noun} {}", table.rows[row].name),
                word: noun,
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
        let columns = self.toolbox.apis[api].columns();
        let count = if draw.chance(0.5) { columns.len() } else { 1 };
        let columns: Vec<usize> = columns.iter().copied().take(count).collect();
        if subject.by_link && columns.contains(&0) {
            return None;
        }
        let asked = format!("the {}", joined(category, &columns, " and the "));
        let mut needs: Vec<usize> = subject.told_by.into_iter().collect();
        let need = format!("{asked} of the {} {}", subject.word, row.name);
        let by_id = matches!(self.toolbox.apis[api].kind, ApiKind::ById(_));
        let the_way = if by_id {
            let search = *draw.pick(&self.apis(tool, |kind| *kind == ApiKind::Search))?;
            sketch.steps.push(Step {
                table: number,
                asks: Asks::Id,
                need: format!("the id of the {} {}", subject.word, row.name),
                purpose: Some(Purpose {
                    need: need.clone(),
                    api,
                }),
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
            purpose: None,
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
}
