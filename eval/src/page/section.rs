//! A section of the page.

use maud::Markup;

/// A part of the page that its navigation leads to. What a run has more one day is one more of these.
pub(super) struct Section {
    /// The anchor: letters and hyphens.
    pub id: &'static str,
    /// The heading.
    pub title: &'static str,
    /// What stands below it.
    pub body: Markup,
}
