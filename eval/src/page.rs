//! The report of a run: one page that needs nothing but itself.
//!
//! [`RunPage`] is what the page tells, as plain data; [`RunPage::html`] is the page. [`ComparePage`] has several runs side by
//! side. A page has no scripts and asks for nothing; its policy forbids both. Whatever a run holds is foreign text: all of it
//! is escaped, control characters are shown as symbols, and no link or attribute is made of it.

mod bars;
mod compare;
mod confusion;
mod data;
mod diff;
mod evaluation;
mod facts;
mod layout;
mod live;
mod live_part;
mod metrics;
mod model;
mod number;
mod other_models;
mod overview;
mod read;
mod recipe;
mod sample;
mod samples;
mod section;
mod text;
mod training;

pub use bars::{Bar, BarChart, BarsPage};
pub use compare::ComparePage;
pub use live_part::{LivePart, RolloutSample, TreeStep};
pub use model::{
    Dataset, EvaluationPart, LeftOut, Machine, RolePart, RunPage, RunState, SourcePart,
    SourceShare, StagePart, StageState, StepPoint, ValidationPoint,
};
pub use sample::{Kind, KindSamples, Sample, SampleChoice, StepText};

#[cfg(test)]
mod tests;
