//! vLLM: a model once, adapters by name, a start script.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use glpft_checkpoints::{FileError, FloatType, ModelLocation, write_atomically};

use super::layout::Model;
use super::{Team, uniform};
use crate::base::Base;
use crate::error::Error;
use crate::export::Export;

/// The largest ranks that vLLM can be told (`MaxLoRARanks` in its `config/lora.py`).
const RANKS: [usize; 9] = [1, 8, 16, 32, 64, 128, 256, 320, 512];
const SCRIPT: &str = "start.sh";

/// The port of the first server, where `PORT` names no other.
const FIRST_PORT: usize = 8000;

/// Fills `directory`.
pub(super) fn write(team: &Team, dtype: Option<FloatType>, directory: &Path) -> Result<(), Error> {
    let mut commands = Vec::new();
    let mut stops = Vec::new();
    for model in &team.layout.models {
        let whole = Export {
            merge: true,
            dtype,
            ..Export::default()
        };
        let folder = directory.join(&model.name);
        whole.write(&model.source, &folder)?;
        for stop in team.stops(&Base::open(&folder)?) {
            if !stops.contains(&stop) {
                stops.push(stop);
            }
        }
        let mut largest = 0;
        for (role, adapter) in &model.adapters {
            let ModelLocation::Full(base) = &model.source else {
                continue;
            };
            let to = directory.join(role);
            let rank = uniform::write(adapter, base, &model.name, dtype, &to)?;
            largest = largest.max(rank);
        }
        commands.push(command(model, largest)?);
    }
    write_script(&directory.join(SCRIPT), &script(&commands))?;
    let page = page(team, &commands, &stops);
    let path = directory.join("README.md");
    write_atomically(&path, |writer| writer.write_all(page.as_bytes()))?;
    Ok(())
}

/// What starts vLLM for one model, but for the port.
fn command(model: &Model, largest: usize) -> Result<String, Error> {
    let name = &model.name;
    let served = match model.roles.is_empty() {
        true => name.clone(),
        false => model.roles.join(" "),
    };
    let mut command = format!("vllm serve ./{name} --served-model-name {served}");
    if model.adapters.is_empty() {
        return Ok(command);
    }
    let allowed = RANKS.into_iter().find(|rank| *rank >= largest);
    let allowed = allowed.ok_or_else(|| Error::Argument {
        argument: "--for",
        problem: format!(
            "vLLM loads adapters up to rank 512, an adapter of this run has {largest}; `glpft export --merge` makes a \
             model of it"
        ),
    })?;
    let modules = model.adapters.iter();
    let modules: Vec<String> = modules
        .map(|(role, _)| format!("{role}=./{role}"))
        .collect();
    let _ = write!(
        command,
        " --enable-lora --max-loras {} --max-lora-rank {allowed} --lora-modules {}",
        modules.len(),
        modules.join(" ")
    );
    Ok(command)
}

/// One server, or one for each model at ports one after the other.
fn script(commands: &[String]) -> String {
    let mut text = "#!/bin/sh\n# Serves the team's models with vLLM. PORT is the first port; arguments go to vLLM.\n\
                    set -e\ncd \"$(dirname \"$0\")\"\n"
        .to_owned();
    if let [command] = commands {
        let _ = writeln!(
            text,
            "exec {command} --port \"${{PORT:-{FIRST_PORT}}}\" \"$@\""
        );
        return text;
    }
    // They share a device.
    let share = 0.9 / commands.len() as f64;
    let _ = writeln!(text, "servers=\ntrap 'kill $servers' INT TERM EXIT");
    for (place, command) in commands.iter().enumerate() {
        let _ = writeln!(
            text,
            "{command} --port \"$((${{PORT:-{FIRST_PORT}}} + {place}))\" \
             --gpu-memory-utilization \"${{SHARE:-{share:.2}}}\" \"$@\" &\nservers=\"$servers $!\""
        );
    }
    text + "wait\n"
}

fn write_script(path: &Path, text: &str) -> Result<(), FileError> {
    write_atomically(path, |writer| writer.write_all(text.as_bytes()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .map_err(|source| FileError::new("make executable", path, source))?;
    }
    Ok(())
}

fn page(team: &Team, commands: &[String], stops: &[String]) -> String {
    let mut text = "# A team for vLLM\n\n```\n./start.sh\n```\n\nstarts".to_owned();
    let _ = match commands.len() {
        1 => writeln!(text, " one server; `PORT` names its port ({FIRST_PORT}).\n"),
        count => writeln!(
            text,
            " {count} servers at ports one after the other from `PORT` ({FIRST_PORT}) on, which share the device's memory \
             (`SHARE` of it each).\n"
        ),
    };
    text += "Further arguments go to vLLM, such as `--host` or `--max-model-len`.\n\n\
             | model | is | port |\n|---|---|---|\n";
    for (place, model) in team.layout.models.iter().enumerate() {
        let (name, port) = (&model.name, FIRST_PORT + place);
        for role in &model.roles {
            let _ = writeln!(text, "| `{role}` | the model in `{name}` | {port} |");
        }
        for (role, _) in &model.adapters {
            let _ = writeln!(
                text,
                "| `{role}` | the adapter in `{role}` on `{name}` | {port} |"
            );
        }
    }
    let stops = serde_json::to_string(stops).unwrap_or_default();
    let _ = write!(
        text,
        "\nA role reads its prompt as one text, not as messages: ask by `/v1/completions`.\n\n```\n\
         curl http://127.0.0.1:{FIRST_PORT}/v1/completions -H 'Content-Type: application/json' -d '{{\n  \
         \"model\": \"{}\", \"prompt\": \"...\", \"temperature\": 0, \"max_tokens\": 512, \"stop\": {stops}}}'\n```\n\n\
         `glpft data inspect` shows what a role's prompts look like. The longest text that was learned from has {} tokens.\n\n\
         vLLM reads special tokens out of a prompt's text. What comes from users and tools should not spell any.\n",
        team.layout.roles().next().unwrap_or("planner"),
        team.length,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(roles: &[&str], adapters: &[&str]) -> Model {
        Model {
            name: "backbone".to_owned(),
            source: ModelLocation::Full("x".into()),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            adapters: adapters
                .iter()
                .map(|role| ((*role).to_owned(), "y".into()))
                .collect(),
        }
    }

    #[test]
    fn the_smallest_rank_that_vllm_takes_is_said() {
        let all = model(&[], &["planner", "caller"]);
        assert_eq!(
            command(&all, 12).expect("vLLM takes it"),
            "vllm serve ./backbone --served-model-name backbone --enable-lora --max-loras 2 --max-lora-rank 16 \
             --lora-modules planner=./planner caller=./caller"
        );
        assert!(command(&all, 512).is_ok());
        let error = command(&all, 513).expect_err("it is too large");
        assert!(error.to_string().contains("up to rank 512"), "{error}");
        let whole = command(&model(&["planner", "caller"], &[]), 0);
        assert_eq!(
            whole.expect("a model"),
            "vllm serve ./backbone --served-model-name planner caller"
        );
    }

    #[test]
    fn several_servers_have_a_port_each() {
        let text = script(&["a".to_owned(), "b".to_owned()]);
        assert!(text.contains(
            "a --port \"$((${PORT:-8000} + 0))\" --gpu-memory-utilization \"${SHARE:-0.45}\""
        ));
        assert!(text.contains("b --port \"$((${PORT:-8000} + 1))\""));
        assert!(text.ends_with("wait\n"));
    }
}
