//! Prompts: the template file, and a template with a conversation filled in.

mod template;

use std::io;
use std::path::{Path, PathBuf};

use glpft_recipes::Layout;
use serde::Deserialize;

use crate::bounded;
use crate::example::{Dataset, Prompt, Text};
use crate::python::json;
use crate::tool::Tool;
use crate::turn::Speaker;

pub use template::TemplateError;
use template::{Filled, RoleText, Template};

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
    #[error("prompt templates {name}, `{key}`: {source}")]
    Template {
        /// The file, or `built-in`.
        name: String,
        /// Which template.
        key: String,
        /// What is wrong with it.
        source: TemplateError,
    },
    /// The file has no templates with the role behind the history.
    #[error(
        "prompt templates {name} have no table [role-last], which `data.layout = \"role-last\"` reads; data/src/prompts.toml in glpft's sources has one to start from"
    )]
    NoRoleLast {
        /// The file, or `built-in`.
        name: String,
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
    #[serde(rename = "role-last")]
    role_last: Option<RoleLastFile>,
}

/// Its table `[role-last]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleLastFile {
    head: String,
    backbone: String,
    planner: String,
    caller: String,
    summarizer: String,
}

/// Something for each dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
struct OfDatasets<T> {
    backbone: T,
    planner: T,
    caller: T,
    summarizer: T,
}

impl<T> OfDatasets<T> {
    fn new<E>(mut of: impl FnMut(Dataset) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            backbone: of(Dataset::Backbone)?,
            planner: of(Dataset::Planner)?,
            caller: of(Dataset::Caller)?,
            summarizer: of(Dataset::Summarizer)?,
        })
    }

    fn map<U>(&self, of: impl Fn(&T) -> U) -> OfDatasets<U> {
        OfDatasets {
            backbone: of(&self.backbone),
            planner: of(&self.planner),
            caller: of(&self.caller),
            summarizer: of(&self.summarizer),
        }
    }

    fn get(&self, dataset: Dataset) -> &T {
        match dataset {
            Dataset::Backbone => &self.backbone,
            Dataset::Planner => &self.planner,
            Dataset::Caller => &self.caller,
            Dataset::Summarizer => &self.summarizer,
        }
    }
}

/// The templates of every dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    name: String,
    layout: Layout,
    role_first: OfDatasets<Template>,
    role_last: Option<RoleLast>,
}

/// The templates with the role behind the history.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RoleLast {
    templates: OfDatasets<Template>,
    invocations: OfDatasets<Text>,
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
        let wrong = |key: &str, source| PromptsError::Template {
            name: name.to_owned(),
            key: key.to_owned(),
            source,
        };
        let role_first = OfDatasets::new(|dataset| {
            let text = match dataset {
                Dataset::Backbone => &file.backbone,
                Dataset::Planner => &file.planner,
                Dataset::Caller => &file.caller,
                Dataset::Summarizer => &file.summarizer,
            };
            Template::parse(text, dataset == Dataset::Caller)
                .map_err(|source| wrong(dataset.name(), source))
        })?;
        let role_last = match &file.role_last {
            None => None,
            Some(file) => {
                let head = Template::parse(&file.head, false)
                    .map_err(|source| wrong("role-last.head", source))?;
                let texts = OfDatasets::new(|dataset| {
                    let text = match dataset {
                        Dataset::Backbone => &file.backbone,
                        Dataset::Planner => &file.planner,
                        Dataset::Caller => &file.caller,
                        Dataset::Summarizer => &file.summarizer,
                    };
                    RoleText::parse(text, dataset.follows_planner())
                        .map_err(|source| wrong(&format!("role-last.{}", dataset.name()), source))
                })?;
                Some(RoleLast {
                    templates: texts.map(|text| head.followed_by(text)),
                    invocations: texts.map(RoleText::invocation),
                })
            }
        };
        Ok(Self {
            name: name.to_owned(),
            layout: Layout::RoleFirst,
            role_first,
            role_last,
        })
    }

    /// The same templates in a layout.
    ///
    /// # Errors
    /// The file has no templates of that layout.
    pub fn with_layout(mut self, layout: Layout) -> Result<Self, PromptsError> {
        if layout == Layout::RoleLast && self.role_last.is_none() {
            return Err(PromptsError::NoRoleLast { name: self.name });
        }
        self.layout = layout;
        Ok(self)
    }

    /// Where a prompt has what its role alone reads.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// What a dataset's text behind the history begins with, the same in every prompt; none with the role before it.
    pub fn invocation(&self, dataset: Dataset) -> Option<&Text> {
        let role_last = self.role_last.as_ref()?;
        (self.layout == Layout::RoleLast).then(|| role_last.invocations.get(dataset))
    }

    /// A dataset's template with the tools filled in, ready for the steps of one conversation.
    pub fn for_tools(&self, dataset: Dataset, tools: &[Tool]) -> ToolPrompt<'_> {
        let templates = match (self.layout, &self.role_last) {
            (Layout::RoleLast, Some(role_last)) => &role_last.templates,
            _ => &self.role_first,
        };
        let template = templates.get(dataset);
        let names: Vec<&str> = tools.iter().map(Tool::name).collect();
        let doc = tools.iter().map(document).collect();
        ToolPrompt(template.filled(doc, names.join(", ")))
    }
}

/// A template that lacks only the history and the thought.
#[derive(Clone, Debug)]
pub struct ToolPrompt<'p>(Filled<'p>);

impl ToolPrompt<'_> {
    /// The whole prompt. `thought` is the planner's last turn; only the caller's template shows it, and the summarizer's
    /// where it stands behind the history.
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
