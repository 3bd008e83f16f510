//! A finished team laid out for an engine that serves it: models once, adapters beside, and how to start.

mod layout;
mod ollama;
mod uniform;
mod vllm;

use std::collections::HashSet;
use std::path::Path;

use glpft_checkpoints::{
    FloatType, GgufType, RunDirectory, create_directory_atomically, remove_abandoned, write_json,
};
use glpft_recipes::{Recipe, Separators, Stage};
use serde_json::json;

use super::make_folder_of;
use crate::base::Base;
use crate::error::Error;
use layout::Layout;

/// The file that says what a directory was laid out for.
pub const SERVING_FILE: &str = "serving.json";

/// What serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// vLLM: Hugging Face directories, adapters by name.
    Vllm {
        /// What weights are stored in; as they are stored now where it is not said.
        dtype: Option<FloatType>,
    },
    /// Ollama: GGUF files, a Modelfile a role.
    Ollama {
        /// What matrices are stored in.
        kind: GgufType,
    },
}

/// What is true of all the team's models.
struct Team {
    layout: Layout,
    /// The longest text that a stage learned from, in tokens.
    length: usize,
    separators: Separators,
}

impl Engine {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vllm { .. } => "vllm",
            Self::Ollama { .. } => "ollama",
        }
    }

    /// Lays the team of a run out in the directory `to`, which appears whole or not at all. Returns notes on what the
    /// engine does otherwise.
    ///
    /// # Errors
    /// A model of the run is not finished, cannot be read or has no form that the engine loads, or the disk refuses.
    pub fn export(self, run: &Path, to: &Path) -> Result<Vec<String>, Error> {
        remove_abandoned(make_folder_of(to)?)?;
        let recipe = Recipe::load(RunDirectory::open(run)?.recipe(), &[])?;
        let length = |stage| recipe.stage(stage).max_length;
        let stages = [
            Stage::Global,
            Stage::Planner,
            Stage::Caller,
            Stage::Summarizer,
        ];
        let team = Team {
            layout: Layout::of(run, recipe.arrangement)?,
            length: stages.map(length).into_iter().max().unwrap_or_default(),
            separators: recipe.data.separators,
        };
        let mut notes = Vec::new();
        create_directory_atomically(to, |directory| {
            match self {
                Self::Vllm { dtype } => vllm::write(&team, dtype, directory)?,
                Self::Ollama { kind } => notes = ollama::write(&team, kind, directory)?,
            }
            let names: Vec<&str> = team.layout.roles().collect();
            let marker = json!({"for": self.name(), "models": names});
            Ok::<_, Error>(write_json(&directory.join(SERVING_FILE), &marker)?)
        })?;
        let mut told = HashSet::new();
        notes.retain(|note| told.insert(note.clone()));
        Ok(notes)
    }
}

impl Team {
    /// The texts that end an answer of a model that stands on `base`.
    fn stops(&self, base: &Base) -> Vec<String> {
        let mut stops = vec![base.tokenizer.eos_text()];
        let literal = "</s>".to_owned();
        if self.separators == Separators::Literal && !stops.contains(&literal) {
            stops.push(literal);
        }
        stops
    }
}
