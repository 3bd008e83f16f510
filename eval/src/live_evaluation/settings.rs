//! How a live evaluation is done.

use std::collections::BTreeMap;

use glpft_agent::{SearchSettings, Strategy};

use crate::tool_eval::ToolEvalSettings;

/// How a live evaluation is done.
#[derive(Clone, Debug)]
pub struct LiveSettings {
    /// How each task is searched.
    pub search: SearchSettings,
    /// How many tasks are worked on together: a model answers their steps in one go. At least 1. Their rollouts are
    /// written together, too; an interruption loses those under way.
    pub together: usize,
    /// How rollouts are judged.
    pub judging: ToolEvalSettings,
}

impl LiveSettings {
    /// The published limits, sixteen tasks together.
    pub fn published(strategy: Strategy) -> Self {
        Self {
            search: SearchSettings::published(strategy),
            together: 16,
            judging: ToolEvalSettings::default(),
        }
    }

    /// By name, what of it decides the rollouts.
    pub fn facts(&self) -> BTreeMap<String, String> {
        let search = &self.search;
        let tokens = search.tokens.map(|tokens| tokens.to_string());
        let time = search.time.map(|time| format!("{} s", time.as_secs_f64()));
        let none = || "none".to_owned();
        let filters = matches!(search.strategy, Strategy::DepthFirst { filter: true, .. });
        let rank = filters.then(|| ("rank".to_owned(), format!("{:?}", search.rank)));
        let facts = [
            ("kind", "live".to_owned()),
            ("strategy", search.strategy.to_string()),
            ("depth", search.depth.to_string()),
            ("queries", search.queries.to_string()),
            ("tokens", tokens.unwrap_or_else(none)),
            ("time", time.unwrap_or_else(none)),
            (
                "observation characters",
                search.observation_characters.to_string(),
            ),
            ("observations", format!("{:?}", search.observations)),
            ("earlier demands", search.earlier_demands.to_string()),
            ("together", self.together.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        facts.into_iter().chain(rank).collect()
    }
}
