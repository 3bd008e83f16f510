//! Names with their values, and what is missing.

use maud::{Markup, html};

use super::text::Foreign;

/// A figure that stands out.
pub(super) fn tile(name: &str, value: &str, more: &str) -> Markup {
    html! {
        div.tile {
            div.tile-name { (name) }
            div.tile-value { (Foreign(value)) }
            @if !more.is_empty() { div.tile-more { (Foreign(more)) } }
        }
    }
}

/// Names and values, one below the other.
pub(super) fn list(facts: &[(&str, String)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                div { dt { (Foreign(name)) } dd { (Foreign(value)) } }
            }
        }
    }
}

/// Says what is not there, and how to get it.
pub(super) fn missing(what: &str, command: Option<&str>) -> Markup {
    html! {
        p.missing {
            (what)
            @if let Some(command) = command { " " code { (command) } }
        }
    }
}

/// A table that is moved by itself where the page is too narrow for it.
pub(super) fn table(head: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (index, cell) in row.iter().enumerate() {
                                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell of text.
pub(super) fn cell(text: impl AsRef<str>) -> Markup {
    html! { (Foreign(text.as_ref())) }
}
