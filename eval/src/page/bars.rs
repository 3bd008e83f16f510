//! Models side by side: bars with intervals, and a table.

use maud::{Markup, html};

use super::facts::{cell, table};
use super::layout::{document, navigation};
use super::section::Section;
use super::text::Foreign;

/// What the page tells.
#[derive(Clone, Debug, Default)]
pub struct BarsPage {
    /// The heading.
    pub title: String,
    /// What is compared and how, a paragraph each.
    pub lead: Vec<String>,
    /// The pictures.
    pub charts: Vec<BarChart>,
    /// The first row is the head, the first column names the rows.
    pub table: Vec<Vec<String>>,
    /// What a row's name means.
    pub meanings: Vec<(String, String)>,
    /// Other pages: name and relative address.
    pub links: Vec<(String, String)>,
    /// The program's version.
    pub version: String,
}

/// Horizontal bars of shares.
#[derive(Clone, Debug)]
pub struct BarChart {
    /// The heading.
    pub title: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// Its length, in 0..=1.
    pub share: f64,
    /// Its interval; drawn as a line through the bar's end.
    pub interval: Option<(f64, f64)>,
}

/// Sizes of a chart, in units of its own.
const WIDTH: f64 = 640.0;
const NAMES: f64 = 210.0;
const VALUES: f64 = 60.0;
const ROW: f64 = 30.0;

impl BarsPage {
    /// The page.
    pub fn html(&self) -> String {
        let section = |id, title, body| Section { id, title, body };
        let sections = [
            section("pictures", "Tasks passed", self.pictures()),
            section("numbers", "Numbers", self.numbers()),
            section("runs", "Runs", self.runs()),
        ];
        let head = html! {
            header {
                div.kind-of-page { "glpft · quick start" }
                h1 { (Foreign(&self.title)) }
                @for paragraph in &self.lead { p.description { (Foreign(paragraph)) } }
                (navigation(&sections))
            }
        };
        document(&self.title, &head, &sections, &self.version)
    }

    fn pictures(&self) -> Markup {
        html! { @for chart in &self.charts { h3 { (Foreign(&chart.title)) } (chart.svg()) } }
    }

    fn numbers(&self) -> Markup {
        let (head, rows) = self.table.split_first().unzip();
        let head: Vec<&str> = head.into_iter().flatten().map(String::as_str).collect();
        let rows: Vec<Vec<Markup>> = rows
            .unwrap_or_default()
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        html! {
            (table(&head, &rows))
            @for (name, meaning) in &self.meanings {
                p.note { strong { (Foreign(name)) } ": " (Foreign(meaning)) }
            }
        }
    }

    fn runs(&self) -> Markup {
        html! { @for (name, address) in &self.links { p { a href=(address) { (Foreign(name)) } } } }
    }
}

impl BarChart {
    fn svg(&self) -> Markup {
        let height = ROW * self.bars.len() as f64 + 24.0;
        let x = |share: f64| NAMES + share.clamp(0.0, 1.0) * (WIDTH - NAMES - VALUES);
        let told = |bar: &Bar| format!("{}: {:.1} %", bar.name, 100.0 * bar.share);
        let description = self.bars.iter().map(told).collect::<Vec<_>>().join("; ");
        html! {
            svg.plot role="img" aria-label=(description) viewBox=(format!("0 0 {WIDTH} {height}"))
                font-size="13" style="max-width:44rem" {
                @for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    line x1=(number(x(tick))) x2=(number(x(tick))) y1="0" y2=(number(height - 20.0)) stroke="#E6E9EE" {}
                    text x=(number(x(tick))) y=(number(height - 5.0)) text-anchor="middle" font-size="11" fill="#5F6876" {
                        (format!("{:.0} %", 100.0 * tick))
                    }
                }
                @for (place, bar) in self.bars.iter().enumerate() {
                    @let middle = ROW * (place as f64 + 0.5);
                    text x=(number(NAMES - 10.0)) y=(number(middle + 4.5)) text-anchor="end" fill="#1B2027" {
                        (Foreign(&bar.name))
                    }
                    rect x=(number(NAMES)) y=(number(middle - 8.0)) width=(number(x(bar.share) - NAMES)) height="16" rx="2"
                        fill="#2F5FD0" {}
                    @if let Some((low, high)) = bar.interval {
                        line x1=(number(x(low))) x2=(number(x(high))) y1=(number(middle)) y2=(number(middle))
                            stroke="#1B2027" stroke-width="1.5" {}
                    }
                    @let end = bar.interval.map_or(bar.share, |(_, high)| high.max(bar.share));
                    text x=(number(x(end) + 8.0)) y=(number(middle + 4.5)) fill="#1B2027" {
                        (format!("{:.1} %", 100.0 * bar.share))
                    }
                }
            }
        }
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_table_are_there_and_nothing_of_them_is_markup() {
        let bar = Bar {
            name: "<team>".to_owned(),
            share: 0.755,
            interval: Some((0.5, 0.9)),
        };
        let page = BarsPage {
            title: "Quick start".to_owned(),
            charts: vec![BarChart {
                title: "Tasks passed".to_owned(),
                bars: vec![bar],
            }],
            table: vec![
                vec!["held out".to_owned(), "pass".to_owned()],
                vec!["team".to_owned(), "75.5".to_owned()],
            ],
            ..BarsPage::default()
        };
        let html = page.html();
        for part in ["&lt;team&gt;", "75.5 %", "<td>75.5</td>", "aria-label"] {
            assert!(html.contains(part), "no {part:?} in {html}");
        }
        assert!(!html.contains("<team>") && !html.contains("<script"));
    }
}
