//! Ollama: GGUF files, and a Modelfile a role.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use glpft_checkpoints::{GgufType, ModelLocation, write_atomically};

use super::Team;
use crate::base::Base;
use crate::error::Error;
use crate::export::export_gguf;

/// Fills `directory`; returns notes.
pub(super) fn write(team: &Team, kind: GgufType, directory: &Path) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for model in &team.layout.models {
        let file = format!("{}.gguf", model.name);
        notes.extend(export_gguf(
            &model.source,
            &directory.join(&file),
            true,
            kind,
        )?);
        let base = match &model.source {
            ModelLocation::Full(base) | ModelLocation::Adapter { base, .. } => base,
        };
        let opened = Base::open(base)?;
        let settings = Settings {
            stops: team.stops(&opened),
            length: team.length.min(opened.config.context()),
        };
        for role in &model.roles {
            write_modelfile(directory, role, &settings.modelfile(&file, None))?;
        }
        for (role, adapter) in &model.adapters {
            let location = ModelLocation::Adapter {
                directory: adapter.clone(),
                base: base.clone(),
            };
            let own = format!("{role}.gguf");
            // Small, and added to: as exact as it can be.
            let exact = match kind {
                GgufType::F32 => GgufType::F32,
                _ => GgufType::F16,
            };
            export_gguf(&location, &directory.join(&own), false, exact)?;
            write_modelfile(directory, role, &settings.modelfile(&file, Some(&own)))?;
        }
    }
    let page = page(team);
    let path = directory.join("README.md");
    write_atomically(&path, |writer| writer.write_all(page.as_bytes()))?;
    Ok(notes)
}

struct Settings {
    stops: Vec<String>,
    length: usize,
}

impl Settings {
    fn modelfile(&self, model: &str, adapter: Option<&str>) -> String {
        let mut text = format!("FROM ./{model}\n");
        if let Some(adapter) = adapter {
            let _ = writeln!(text, "ADAPTER ./{adapter}");
        }
        // The prompt as it is: roles know no messages.
        text += "TEMPLATE \"\"\"{{ .Prompt }}\"\"\"\n";
        for stop in &self.stops {
            // A Modelfile has no way to spell others; the end of sequence ends an answer by itself.
            if !stop.contains(['"', '\n']) {
                let _ = writeln!(text, "PARAMETER stop \"{stop}\"");
            }
        }
        let _ = write!(
            text,
            "PARAMETER temperature 0\nPARAMETER repeat_penalty 1\nPARAMETER num_ctx {}\n",
            self.length
        );
        text
    }
}

fn write_modelfile(directory: &Path, role: &str, text: &str) -> Result<(), Error> {
    let path = directory.join(format!("Modelfile.{role}"));
    Ok(write_atomically(&path, |writer| {
        writer.write_all(text.as_bytes())
    })?)
}

fn page(team: &Team) -> String {
    let mut text = "# A team for Ollama\n\n```\n".to_owned();
    for role in team.layout.roles() {
        let _ = writeln!(text, "ollama create {role} -f Modelfile.{role}");
    }
    let role = team.layout.roles().next().unwrap_or("planner");
    let _ = write!(
        text,
        "```\n\nin this folder. A role reads its prompt as one text, not as messages:\n\n```\n\
         curl http://127.0.0.1:11434/api/generate -d '{{\"model\": \"{role}\", \"prompt\": \"...\", \"stream\": false}}'\n\
         ```\n\n`glpft data inspect` shows what a role's prompts look like. The Modelfiles pass a prompt on as it is, take \
         the likeliest token, and end an answer at the stop texts.\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modelfile_passes_the_prompt_on() {
        let settings = Settings {
            stops: vec!["</s>".to_owned(), "\"".to_owned()],
            length: 2048,
        };
        let expected = "FROM ./backbone.gguf\nADAPTER ./planner.gguf\nTEMPLATE \"\"\"{{ .Prompt }}\"\"\"\n\
                        PARAMETER stop \"</s>\"\nPARAMETER temperature 0\n\
                        PARAMETER repeat_penalty 1\nPARAMETER num_ctx 2048\n";
        assert_eq!(
            settings.modelfile("backbone.gguf", Some("planner.gguf")),
            expected
        );
    }
}
