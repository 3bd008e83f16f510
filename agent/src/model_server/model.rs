//! A role's model behind a server.

use std::sync::atomic::{AtomicBool, Ordering};

use glpft_data::{Piece, Text};
use serde_json::{Map, Value, json};

use super::address::ModelAddress;
use super::client::{Asking, Client};
use super::completion::Completion;
use super::context::Context;
use super::error::ModelServerError;
use super::parallel::in_parallel;
use super::settings::ModelServerSettings;
use crate::generate::{
    Generate, GenerateError, Generated, Limits, Measure, Request, Sampling, StopReason,
};
use crate::model_calls::ModelCalls;
use crate::repetition::loop_end;

/// How often a text that is too long is made shorter before it is sent as it is.
const CUTS: usize = 8;

/// A model that a server completes prompts with: vLLM, llama.cpp's server, TGI, Ollama, or another with `/v1/completions`.
///
/// It answers for every role: a team has one for each. Where the model's tokenizer is known, prompts are sent as tokens, so
/// that no text of theirs can spell a separator; servers that take no tokens get text from then on.
#[derive(Debug)]
pub struct ServedModel {
    client: Client,
    context: Context,
    /// Whether the server has refused tokens.
    text_alone: AtomicBool,
}

impl ServedModel {
    /// Looks whether the server is there, and what it tells of the model.
    ///
    /// # Errors
    /// Nobody is there, the key is not taken, or the tokenizer cannot be read.
    pub fn open(
        address: ModelAddress,
        settings: ModelServerSettings,
    ) -> Result<Self, ModelServerError> {
        let client = Client::open(address, settings)?;
        let context = Context::ask(&client)?;
        Ok(Self {
            client,
            context,
            text_alone: AtomicBool::new(false),
        })
    }

    /// How many tokens the model reads and writes together; none where nobody says.
    pub fn positions(&self) -> Option<usize> {
        self.context.positions
    }

    /// What is to be known of how prompts are cut for room; none where all is exact.
    pub fn note(&self) -> Option<String> {
        let address = &self.client.address;
        match (self.context.positions, self.context.is_about()) {
            (None, _) => Some(format!(
                "{address} does not say how many tokens it takes: prompts are sent whole; --model-context N shortens long ones"
            )),
            (Some(_), true) => Some(format!(
                "{address} does not count tokens: three bytes are taken for one where a prompt may be too long; \
                 --model-tokenizer DIR counts them"
            )),
            (Some(_), false) => None,
        }
    }

    /// The calls that were made so far.
    pub fn calls(&self) -> ModelCalls {
        self.client.calls()
    }

    /// How many tokens a prompt may have with these limits.
    fn room(&self, limits: Limits) -> usize {
        match self.context.positions {
            Some(positions) => limits.room(positions),
            None => limits.prompt_tokens,
        }
    }

    /// A prompt as it is sent, with its length in tokens as far as it is known, and how many were cut off.
    fn prompt(&self, request: &Request) -> Result<Sent, ModelServerError> {
        let context = &self.context;
        let room = self.room(request.limits);
        if let Some(mut tokens) = context.tokens(&request.prompt)? {
            // As in this process.
            let cut = tokens.len().saturating_sub(room);
            tokens.drain(..cut);
            return Ok(Sent {
                tokens: tokens.len(),
                text: match cut {
                    0 => text(&request.prompt, &context.separator),
                    _ => context.text(&tokens)?,
                },
                ids: Some(tokens),
                cut,
            });
        }
        let whole = text(&request.prompt, &context.separator);
        let count = |text: &str| context.count(&self.client, text, room);
        let (mut shown, all) = (whole.as_str(), count(&whole)?);
        let mut tokens = all;
        for _ in 0..CUTS {
            if tokens <= room {
                break;
            }
            // A little more than what is too much, so that few rounds are enough.
            let kept = (shown.len() as f64 * room as f64 / tokens as f64 * 0.98) as usize;
            let start = shown.len() - kept.min(shown.len());
            let start = (start..=shown.len()).find(|&at| shown.is_char_boundary(at));
            shown = &shown[start.unwrap_or(shown.len())..];
            tokens = count(shown)?;
        }
        Ok(Sent {
            ids: None,
            cut: all.saturating_sub(tokens),
            tokens,
            text: shown.to_owned(),
        })
    }

    fn answer(&self, request: &Request) -> Result<Generated, ModelServerError> {
        let sent = self.prompt(request)?;
        let url = format!("{}/completions", self.client.address.base());
        let refused = |asking: Asking| match asking {
            Asking::Refused(refusal) => self.client.refused(&url, &refusal),
            Asking::Failed(error) => error,
        };
        let ids = sent
            .ids
            .as_ref()
            .filter(|_| !self.text_alone.load(Ordering::Relaxed));
        let asked = match ids {
            None => self.client.ask(
                &url,
                &self.question(request, sent.text.as_str().into()),
                &Completion::of,
            ),
            Some(ids) => {
                let answer = self.client.ask(
                    &url,
                    &self.question(request, ids.as_slice().into()),
                    &Completion::of,
                );
                match answer {
                    // A server that wants text refuses a list.
                    Err(Asking::Refused(refusal))
                        if matches!(refusal.status, 400 | 415 | 422)
                            && !refusal.is_of_the_length() =>
                    {
                        let question = self.question(request, sent.text.as_str().into());
                        let answer = self.client.ask(&url, &question, &Completion::of);
                        self.text_alone.fetch_or(answer.is_ok(), Ordering::Relaxed);
                        answer
                    }
                    answer => answer,
                }
            }
        };
        let found = asked.map_err(refused)?;
        Ok(self.generated(request, &sent, found))
    }

    /// What is posted.
    fn question(&self, request: &Request, prompt: Value) -> Value {
        let mut question = Map::new();
        let mut put = |name: &str, value: Value| question.insert(name.to_owned(), value);
        put("model", self.client.address.model().into());
        put("prompt", prompt);
        put("max_tokens", request.limits.new_tokens.into());
        put("stream", false.into());
        let mut stop = request.stop.clone();
        let separator = &self.context.separator;
        if !stop.contains(separator) {
            stop.push(separator.clone());
        }
        put("stop", json!(stop));
        match request.sampling {
            Sampling::Greedy => {
                put("temperature", 0.into());
            }
            Sampling::Random {
                temperature,
                top_p,
                top_k,
                seed,
            } => {
                put("temperature", temperature.into());
                put("top_p", top_p.into());
                if let Some(top_k) = top_k {
                    put("top_k", top_k.into());
                }
                // Servers take 32 bits of either sign.
                put("seed", (seed & 0x7fff_ffff).into());
            }
        }
        question.into()
    }

    /// An answer, read as one of this process: a stop text ends it wherever the server let it pass.
    fn generated(&self, request: &Request, sent: &Sent, found: Completion) -> Generated {
        let separator = &self.context.separator;
        let stops = request.stop.iter().enumerate();
        let stop = stops.filter_map(|(index, stop)| {
            Some((found.text.find(stop.as_str())?, StopReason::Stop(index)))
        });
        let end = found
            .text
            .find(separator.as_str())
            .map(|at| (at, StopReason::EndOfSequence));
        let first = stop.chain(end).min_by_key(|(at, _)| *at);
        let new_tokens = found.new_tokens.unwrap_or(0);
        let cut = found.cut.unwrap_or(new_tokens >= request.limits.new_tokens);
        // No server is told to stop there: what comes is cut as if it had stopped.
        let repeats = request.limits.stop_repeats;
        let repeats = repeats.and_then(|times| loop_end(&found.text, times));
        let repeats = repeats.filter(|end| first.is_none_or(|(at, _)| *end <= at));
        let first = match repeats {
            Some(end) => Some((end, StopReason::Repeats)),
            None => first,
        };
        let (text, finish) = match first {
            Some((at, finish)) => (found.text[..at].to_owned(), finish),
            None if cut => (found.text, StopReason::Length),
            None => (found.text, StopReason::EndOfSequence),
        };
        Generated {
            text,
            finish,
            prompt_tokens: found.prompt_tokens.unwrap_or(sent.tokens),
            cut_tokens: sent.cut,
            cached_tokens: found.cached_tokens,
            new_tokens,
        }
    }
}

/// A prompt as it is sent.
struct Sent {
    /// Its tokens, where the tokenizer is known.
    ids: Option<Vec<u32>>,
    text: String,
    tokens: usize,
    cut: usize,
}

/// A prompt's text with separators as the model writes them.
fn text(prompt: &Text, separator: &str) -> String {
    let pieces = prompt.pieces().iter().map(|piece| match piece {
        Piece::Text(content) => content.as_str(),
        Piece::Separator => separator,
        Piece::Seam => "",
    });
    pieces.collect()
}

impl Generate for ServedModel {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.generate_while(requests, &|_| true)
    }

    fn generate_while(
        &mut self,
        requests: &[Request],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Generated>, GenerateError> {
        let this = &*self;
        let answer = |index: usize| {
            let request = &requests[index];
            this.answer(request)
                .map_err(|source| GenerateError::Failed {
                    role: request.role,
                    source: Box::new(source),
                })
        };
        let all = in_parallel(
            requests.len(),
            self.client.settings.parallel,
            wanted,
            &answer,
        )?;
        let unwanted = || Generated {
            text: String::new(),
            finish: StopReason::Length,
            prompt_tokens: 0,
            cut_tokens: 0,
            cached_tokens: 0,
            new_tokens: 0,
        };
        Ok(all
            .into_iter()
            .map(|answer| answer.unwrap_or_else(unwanted))
            .collect())
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        let context = &self.context;
        let Some(positions) = context.positions else {
            return Ok(None);
        };
        let room = self.room(request.limits);
        let counted = match context.tokens(&request.prompt) {
            Ok(Some(tokens)) => Ok(tokens.len()),
            Ok(None) => {
                let text = text(&request.prompt, &context.separator);
                context.count(&self.client, &text, room)
            }
            Err(error) => Err(error),
        };
        let prompt_tokens = counted.map_err(|source| GenerateError::Failed {
            role: request.role,
            source: Box::new(source),
        })?;
        Ok(Some(Measure {
            prompt_tokens,
            room,
            positions,
        }))
    }

    fn server_calls(&self) -> ModelCalls {
        self.calls()
    }
}
