//! The page around its sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::facts;
use super::model::{RunPage, RunState};
use super::number::time;
use super::section::Section;
use super::text::Foreign;
use super::{data, evaluation, live, overview, recipe, training};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing is run, whatever the page should come to hold.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A whole page that needs nothing but itself.
pub(super) fn document(title: &str, head: &Markup, sections: &[Section], version: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (Foreign(title)) }
                style { (PreEscaped(crate::plot::style())) (PreEscaped(STYLE)) }
            }
            body {
                (head)
                main {
                    @for section in sections {
                        section id=(section.id) {
                            h2 { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer { "Written by glpft " (Foreign(version)) "." }
            }
        }
    };
    page.into_string()
}

/// Links to the sections.
pub(super) fn navigation(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Sections" {
            @for section in sections { a href={ "#" (section.id) } { (section.title) } }
        }
    }
}

impl RunPage {
    /// The page.
    pub fn html(&self) -> String {
        let sections = self.sections();
        let title = format!("{} · glpft run", self.recipe.name);
        document(&title, &self.head(&sections), &sections, &self.version)
    }

    fn sections(&self) -> Vec<Section> {
        let section = |id, title, body| Section { id, title, body };
        vec![
            section("overview", "Overview", overview::body(self)),
            section("training", "Training", training::body(self)),
            section("evaluation", "Evaluation", evaluation::body(self)),
            section("live", "Live evaluation", live::body(self)),
            section("data", "Data", data::body(self)),
            section("recipe", "Recipe", recipe::body(self)),
            section("machine", "Machine and versions", self.machine_body()),
        ]
    }

    fn head(&self, sections: &[Section]) -> Markup {
        html! {
            header {
                div.kind-of-page { "glpft · run" }
                h1 {
                    (Foreign(&self.recipe.name))
                    @match self.state() {
                        RunState::Finished => span.chip.finished { "finished" },
                        RunState::Unfinished { finished, all } => {
                            span.chip.unfinished { (finished) " of " (all) " stages finished" }
                        }
                    }
                }
                @if !self.recipe.description.is_empty() { p.description { (Foreign(&self.recipe.description)) } }
                (navigation(sections))
                @for problem in &self.problems { p.problem { (Foreign(problem)) } }
            }
        }
    }

    fn machine_body(&self) -> Markup {
        match &self.machine {
            None => facts::missing(
                "Device and version are told once the run is finished: there is no summary.json yet.",
                None,
            ),
            Some(machine) => facts::list(&[
                ("device", machine.device.clone()),
                ("threads", machine.threads.to_string()),
                ("trained by", format!("glpft {}", machine.version)),
                ("last start took", time(machine.wall_seconds)),
            ]),
        }
    }
}
