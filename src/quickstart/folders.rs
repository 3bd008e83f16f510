//! The folders of a quick start that are no runs.

/// The world's files.
pub(super) const WORLD: &str = "world";
/// The model that all begin with.
pub(super) const BASE: &str = "base";
/// The evaluations of what is not a run of its own.
pub(super) const MEASURED: &str = "measured";
