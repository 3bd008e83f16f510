//! `glpft serve`, and what it has in common with `glpft world serve`.

use std::net::SocketAddr;

use glpft::Error;
use glpft::serve::{ServeTeam, serve_team};
use glpft::team::{RoleSource, TeamSource};
use glpft_agent::PolicySettings;
use glpft_serve::{ChatSettings, Place, RequestLimits, Stop, stop};
use serde_json::json;

use super::eval::team;
use super::signals::on_stop;
use super::{AddressArgs, OutputArgs, ServeArgs, print};

/// Runs the command.
pub(crate) fn execute(args: &ServeArgs) -> Result<(), Error> {
    let team = team(&args.team)?;
    let mut settings = ChatSettings::new(args.model.clone().unwrap_or_else(|| name(&team)));
    settings.key = key(&args.place)?;
    settings.batch = args.batch;
    settings.cors.clone_from(&args.cors);
    settings.requests = RequestLimits {
        body_bytes: args.max_body.saturating_mul(1 << 20),
        messages: args.max_messages,
        tools: args.max_tools,
        new_tokens: args.max_tokens,
        waiting: args.waiting,
        answer: args.answer_timeout,
        ..settings.requests
    };
    let served = ServeTeam {
        team,
        prompts: args.asking.prompts.clone(),
        policy: PolicySettings {
            sampling: args.asking.sampling()?,
            limits: args.asking.limits(args.max_prompt_tokens),
            long_prompts: args.long_prompts.into(),
            ..PolicySettings::greedy()
        },
        device: glpft_model::device(&args.asking.device.device)?,
        precision: args.asking.precision.into(),
        cache_bytes: Some(args.asking.cache_bytes()),
    };
    let model = settings.model.clone();
    serve_team(
        served,
        &place(&args.place),
        settings,
        stop_on_interrupt()?,
        |address| tell(&args.output, address, &format!("{model:?}"), "/v1"),
    )
}

/// The name of the directory that a team comes from.
fn name(team: &TeamSource) -> String {
    let path = match team {
        TeamSource::Run(path) | TeamSource::Single(RoleSource::Local(path)) => path,
        TeamSource::Single(RoleSource::Served(model)) => return model.address.model().to_owned(),
        TeamSource::Trio { .. } | TeamSource::Agent(_) => return "team".to_owned(),
    };
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    absolute.file_name().map_or_else(
        || "team".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Where a server listens.
pub(super) fn place(args: &AddressArgs) -> Place {
    Place {
        host: args.host.clone(),
        port: args.port,
    }
}

/// The key that is asked for.
pub(super) fn key(args: &AddressArgs) -> Result<Option<String>, Error> {
    let Some(variable) = &args.key_env else {
        return Ok(None);
    };
    match std::env::var(variable) {
        Ok(key) if !key.is_empty() => Ok(Some(key)),
        _ => Err(Error::Argument {
            argument: "--key-env",
            problem: format!("the environment variable {variable} holds no key"),
        }),
    }
}

/// Ctrl-C, or a demand to terminate, lets what is under way end; the second one does not.
pub(super) fn stop_on_interrupt() -> Result<Stop, Error> {
    let (stopper, stop) = stop();
    on_stop(move || stopper.stop())?;
    Ok(stop)
}

/// Says where it listens. That nobody reads it is no reason to end.
pub(super) fn tell(output: &OutputArgs, address: SocketAddr, what: &str, path: &str) {
    let url = format!("http://{address}{path}");
    let _ = match (output.json, output.quiet) {
        (true, _) => print(&format!("{}\n", json!({"event": "listening", "url": url}))),
        (false, true) => Ok(()),
        (false, false) => print(&format!("{what} at {url}; Ctrl-C ends it\n")),
    };
}
