//! A role's prompt, completed: OpenAI's `/v1/completions`, whose models are a team's roles.

use glpft_agent::{Generated, Role, StopReason};
use glpft_data::{Field, Text};
use serde_json::{Value, json};

use super::ChatSettings;
use super::completion::unique;
use super::failure::Failure;
use super::now;
use super::request::{between, new_tokens, refuse, seed, stop, truth};
use crate::speaker::{Prompted, Wishes};

/// What a separator is in a prompt's text.
const SEPARATOR: &str = "</s>";
/// How many tokens a request gets that does not say: OpenAI's number.
const NEW_TOKENS: usize = 16;

/// Reads a request's body.
///
/// # Errors
/// What cannot be used, and what this server does not do.
pub(super) fn read(body: &Value, settings: &ChatSettings) -> Result<Prompted, Failure> {
    let body = Field::root(body, "");
    let name = body.key("model")?.text()?;
    let role = Role::ALL.into_iter().find(|role| role.name() == name);
    let role = role.ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
        Failure::no_model(name, &names.join(", "))
    })?;
    refuse(&body)?;
    if truth(&body, "stream")? {
        return Err(Failure::invalid("stream", "prompts are answered whole"));
    }
    let mut prompt = Text::new();
    for (index, part) in body.key("prompt")?.text()?.split(SEPARATOR).enumerate() {
        if index > 0 {
            prompt.separate();
        }
        prompt.push(part);
    }
    if prompt.is_empty() {
        return Err(Failure::invalid("prompt", "must not be empty"));
    }
    let most = new_tokens(&body, settings.requests.new_tokens, &mut Vec::new())?;
    Ok(Prompted {
        role,
        prompt,
        stop: stop(&body)?,
        wishes: Wishes {
            temperature: between(&body, "temperature", 0.0..=2.0)?,
            top_p: between(&body, "top_p", 0.0..=1.0)?.map(|top_p| top_p.max(1e-9)),
            seed: seed(&body)?,
            new_tokens: Some(most.unwrap_or(NEW_TOKENS)),
            may_call: false,
        },
    })
}

/// An answer as OpenAI's `text_completion`.
pub(super) fn whole(role: Role, answer: &Generated) -> Value {
    let finish = match answer.finish {
        StopReason::Length | StopReason::Repeats => "length",
        StopReason::EndOfSequence | StopReason::Stop(_) => "stop",
    };
    json!({
        "id": format!("cmpl-{}", unique()),
        "object": "text_completion",
        "created": now(),
        "model": role.name(),
        "choices": [{"index": 0, "text": answer.text, "logprobs": null, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.new_tokens,
            "total_tokens": answer.prompt_tokens + answer.new_tokens,
            "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        },
    })
}
