//! How a team's models are asked.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use glpft::Error;
use glpft::evaluate::Models;
use glpft::team::TeamSource;
use glpft_agent::{Limits, Sampling};

use super::common::at_least_two;
use super::{DeviceArgs, PrecisionArg, at_least_one};

/// How a team's models are asked, and what computes their answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskingArgs {
    /// A file of prompt templates; default: the run's, or the built-in ones
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// The longest answer of a model (serve: of each role, where a request does not say)
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one)]
    pub max_new_tokens: usize,
    /// Ends an answer whose text ends with the same piece N times (2 or more; the pieces together have 60 bytes or more);
    /// default: it may go on. Of a model behind a server the reply is cut so
    #[arg(long, value_name = "N", value_parser = at_least_two)]
    pub stop_repeats: Option<usize>,
    /// Draws tokens instead of taking the likeliest; greater is more varied (the published live agent: 0.5;
    /// serve: where a request does not say)
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Samples only from the likeliest tokens that have this probability together
    #[arg(long, value_name = "P", requires = "temperature")]
    pub top_p: Option<f64>,
    /// Samples only from the K likeliest tokens
    #[arg(long, value_name = "K", requires = "temperature", value_parser = at_least_one)]
    pub top_k: Option<usize>,
    /// The seed of sampling
    #[arg(long, default_value = "0", requires = "temperature")]
    pub seed: u64,
    /// The largest KV cache of each loaded model: answers under way, and prompts kept for later ones that begin alike; 0:
    /// only what one answer needs, one at a time
    #[arg(long, value_name = "MIB", default_value = "2048")]
    pub cache: usize,
    /// The precision of the layers' matrix products
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl AskingArgs {
    /// How long prompts, whose limit is another for each command, and answers may be. Without a limit prompts may be as long
    /// as the model can read them.
    pub(crate) fn limits(&self, prompt_tokens: impl Into<Option<usize>>) -> Limits {
        Limits {
            prompt_tokens: prompt_tokens.into().unwrap_or(usize::MAX),
            new_tokens: self.max_new_tokens,
            stop_repeats: self.stop_repeats,
        }
    }

    /// Who answers, by these arguments, on this device.
    pub(crate) fn models<'a>(&'a self, team: &'a TeamSource, device: &'a Device) -> Models<'a> {
        Models {
            team,
            prompts: self.prompts.as_deref(),
            device,
            precision: self.precision.into(),
            cache_bytes: Some(self.cache_bytes()),
        }
    }

    /// The most bytes that are kept of prompts.
    pub(crate) fn cache_bytes(&self) -> usize {
        self.cache.saturating_mul(1 << 20)
    }

    /// How tokens are chosen.
    pub(crate) fn sampling(&self) -> Result<Sampling, Error> {
        if self.top_p.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return Err(wrong("--top-p", "must be above 0 and at most 1"));
        }
        match self.temperature {
            None => Ok(Sampling::Greedy),
            Some(temperature) if temperature > 0.0 && temperature.is_finite() => {
                Ok(Sampling::Random {
                    temperature,
                    top_p: self.top_p.unwrap_or(1.0),
                    top_k: self.top_k,
                    seed: self.seed,
                })
            }
            Some(_) => Err(wrong("--temperature", "must be above 0")),
        }
    }
}

fn wrong(argument: &'static str, problem: &str) -> Error {
    Error::Argument {
        argument,
        problem: problem.to_owned(),
    }
}
