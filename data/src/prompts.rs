//! Prompts: the template file, and a template with a conversation filled in.

mod template;

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bounded;
use crate::conversation::Speaker;
use crate::example::{Dataset, Prompt, Text};
use crate::python::json;
use crate::trajectory::Tool;

pub use template::TemplateError;
use template::{Filled, Template};

/// What stands before every prompt where `data.system_prefix` says so.
pub const SYSTEM_PREFIX: &str = "system: ";

/// Four templates have some kilobytes.
const LARGEST: u64 = 1 << 20;

const BUILTIN: &str = include_str!("prompts.toml");

/// Why a file of prompt templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// The file cannot be read.
    #[error("prompt templates {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no TOML, lacks a template or has an unknown key.
    #[error("prompt templates {name}: {source}")]
    Toml {
        /// The file, or `built-in`.
        name: String,
        /// What is wrong, and in which line.
        source: Box<toml::de::Error>,
    },
    /// A template's placeholders are not as they must be.
    #[error("prompt templates {name}, `{dataset}`: {source}")]
    Template {
        /// The file, or `built-in`.
        name: String,
        /// Whose template.
        dataset: &'static str,
        /// What is wrong with it.
        source: TemplateError,
    },
}

/// The template file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    backbone: String,
    planner: String,
    caller: String,
    summarizer: String,
}

/// The templates of every dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    backbone: Template,
    planner: Template,
    caller: Template,
    summarizer: Template,
}

impl Prompts {
    /// The published pipeline's templates.
    pub fn builtin() -> Result<Self, PromptsError> {
        Self::parse("built-in", BUILTIN)
    }

    /// The text of the built-in template file, for a user to copy and edit.
    pub fn builtin_text() -> &'static str {
        BUILTIN
    }

    /// The templates of a file, or the built-in ones (`data.prompts`).
    pub fn open(path: Option<&Path>) -> Result<Self, PromptsError> {
        let Some(path) = path else {
            return Self::builtin();
        };
        let text = bounded::read(path, LARGEST).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        let text = text.map_err(|source| PromptsError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses the text of a template file; `name` names it in errors.
    pub fn parse(name: &str, text: &str) -> Result<Self, PromptsError> {
        let file: TemplateFile = toml::from_str(text).map_err(|source| PromptsError::Toml {
            name: name.to_owned(),
            source: Box::new(source),
        })?;
        let template = |dataset: Dataset, text: &str| {
            Template::parse(text, dataset == Dataset::Caller).map_err(|source| {
                PromptsError::Template {
                    name: name.to_owned(),
                    dataset: dataset.name(),
                    source,
                }
            })
        };
        Ok(Self {
            backbone: template(Dataset::Backbone, &file.backbone)?,
            planner: template(Dataset::Planner, &file.planner)?,
            caller: template(Dataset::Caller, &file.caller)?,
            summarizer: template(Dataset::Summarizer, &file.summarizer)?,
        })
    }

    /// A dataset's template with the tools filled in, ready for the steps of one conversation.
    pub fn for_tools(&self, dataset: Dataset, tools: &[Tool]) -> ToolPrompt<'_> {
        let template = match dataset {
            Dataset::Backbone => &self.backbone,
            Dataset::Planner => &self.planner,
            Dataset::Caller => &self.caller,
            Dataset::Summarizer => &self.summarizer,
        };
        let names: Vec<&str> = tools.iter().map(Tool::name).collect();
        let doc = tools.iter().map(document).collect();
        ToolPrompt(template.filled(doc, names.join(", ")))
    }
}

/// A template that lacks only the history and the thought.
#[derive(Clone, Debug)]
pub struct ToolPrompt<'p>(Filled<'p>);

impl ToolPrompt<'_> {
    /// The whole prompt. `thought` is the planner's last turn; only the caller's template shows it.
    pub fn fill(&self, turns: Vec<Text>, thought: &str) -> Prompt {
        let (before, after) = self.0.with_thought(thought);
        Prompt {
            before,
            turns,
            instruction: 0,
            after,
        }
    }
}

/// A turn as histories show it. Every turn but an observation ends with a separator.
pub fn history_turn(speaker: Speaker, value: &str) -> Text {
    let mut text = Text::new();
    text.push(speaker.name()).push(": ").push(value);
    if speaker != Speaker::Observation {
        text.separate();
    }
    text
}

fn document(tool: &Tool) -> String {
    // A tree of JSON values always has a JSON text.
    let mut line = json::dumps(tool).unwrap_or_default();
    line.push('\n');
    line
}
