//! Who answers.

use std::path::Path;

use burn::tensor::Device;
use glpft_data::Prompts;
use glpft_eval::static_evaluation::Manifest;
use glpft_recipes::Precision;

use super::{RunFacts, identity};
use crate::error::Error;
use crate::team::{Team, TeamSource};

/// Who answers, how prompts are put, and what computes.
#[derive(Clone, Copy, Debug)]
pub struct Models<'a> {
    /// The models.
    pub team: &'a TeamSource,
    /// A file of prompt templates; default: the run's, or the built-in ones.
    pub prompts: Option<&'a Path>,
    /// What computes.
    pub device: &'a Device,
    /// The precision of the layers' products.
    pub precision: Precision,
    /// The most bytes of keys and values that are kept of prompts, for each backbone: later prompts that begin alike begin
    /// there ([`Team::set_cache_bytes`]). None: the usual. No answer hangs on it.
    pub cache_bytes: Option<usize>,
}

impl Models<'_> {
    /// Loads them.
    ///
    /// # Errors
    /// Those of [`Team::open`].
    pub fn open(&self) -> Result<Team, Error> {
        let mut team = Team::open(self.team, self.device, self.precision)?;
        if let Some(bytes) = self.cache_bytes {
            team.set_cache_bytes(bytes);
        }
        Ok(team)
    }

    /// The prompt templates.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of templates.
    pub fn prompts(&self, facts: &RunFacts) -> Result<Prompts, Error> {
        let prompts = Prompts::open(self.prompts.or(facts.prompts.as_deref()))?;
        Ok(prompts.with_layout(facts.layout)?)
    }

    /// What an evaluation by them hangs on, and what is worth to know of them.
    pub(super) fn manifest(&self) -> Result<Manifest, Error> {
        let mut manifest = Manifest {
            decides: identity::of(self.team)?,
            about: identity::about(self.team),
        };
        let precision = self.precision.name().to_owned();
        manifest.decides.insert("precision".to_owned(), precision);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        manifest.about.insert("version".to_owned(), version);
        Ok(manifest)
    }
}
