//! Lists of the things with a link.

use serde_json::Value;

use super::{Scene, Sketch, slot, way};
use crate::draw::Draw;
use crate::phrasing::listed;
use crate::plan::{Asks, Step};
use crate::table::{MOST_FOUND, Row, Table};
use crate::tool::{ApiKind, flag_argument};
use crate::truth::Slot;

impl Scene<'_> {
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
            purpose: None,
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
            .toolbox
            .tables
            .iter()
            .find(|hub| hub.category.hub && hub.category.names == kind)?;
        let row = self.row(draw, hub)?;
        let name = &hub.rows[row].name;
        table.linked(name).is_empty().then(|| name.clone())
    }
}
