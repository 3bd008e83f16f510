//! Answers to given prompts.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::{Device, FloatDType};
use glpft_checkpoints::{ModelConfig, ModelFiles, TensorShape};
use glpft_model::Decoder;
use glpft_model::generation::{Generator, GeneratorSettings, Sampling, TokenRequest};
use serde_json::json;

use crate::Result;
use crate::line::read_examples;

#[derive(clap::Args)]
pub(crate) struct Generate {
    /// A Hugging Face model directory
    model: PathBuf,
    /// The prompts: what comes before the labels of each line
    tokens: PathBuf,
    /// Tokens of each answer, whatever they are
    #[arg(long, default_value_t = 32)]
    new_tokens: usize,
    /// A prompt's most tokens, its last
    #[arg(long, default_value_t = 2048)]
    prompt_tokens: usize,
    /// The most answers at the same time
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// The trajectories that are answered together, as the static evaluation does
    #[arg(long, default_value_t = 4)]
    together: usize,
    /// The most tokens of prompts that are computed at once
    #[arg(long)]
    pass_tokens: Option<usize>,
    /// Answers each prompt by itself and forgets it
    #[arg(long)]
    alone: bool,
    /// Prints the answers' tokens
    #[arg(long)]
    ids: bool,
}

impl Generate {
    pub(crate) fn execute(self) -> Result<()> {
        let config = ModelConfig::read(&self.model)?;
        let files = ModelFiles::open(&self.model)?;
        let read = &mut |tensor: &TensorShape| -> Result<Vec<f32>> {
            Ok(files.read_f32(&tensor.name, &tensor.shape)?)
        };
        let model = Decoder::load(config, &Device::flex(), FloatDType::F32, read)?;
        let mut settings = GeneratorSettings {
            batch: self.batch,
            ..GeneratorSettings::default()
        };
        if let Some(tokens) = self.pass_tokens {
            settings.pass_tokens = tokens;
        }
        let mut generator = Generator::new(vec![model], settings);
        let examples = read_examples(&self.tokens)?;
        let (mut seconds, mut prefill, mut ids) = (0.0, 0.0, Vec::new());
        let (mut prompt, mut cached, mut new) = (0, 0, 0);
        let trajectories = examples.chunk_by(|a, b| a.trajectory == b.trajectory);
        let trajectories: Vec<_> = trajectories.collect();
        for trajectories in trajectories.chunks(self.together.max(1)) {
            let requests: Vec<TokenRequest> = trajectories
                .iter()
                .copied()
                .flatten()
                .map(|example| {
                    let prompt = &example.tokens[..example.label_start];
                    TokenRequest {
                        wakes_at: 0,
                        model: 0,
                        prompt: prompt[prompt.len().saturating_sub(self.prompt_tokens)..].to_vec(),
                        new_tokens: self.new_tokens,
                        ends: Vec::new(),
                        vocabulary: usize::MAX,
                        sampling: Sampling::Greedy,
                    }
                })
                .collect();
            let together = match self.alone {
                true => 1,
                false => requests.len(),
            };
            for requests in requests.chunks(together) {
                let started = Instant::now();
                // Prompts are read before any answer goes on, as long as there are no more than fit a batch.
                let mut read = 0.0;
                let answers = generator.generate(requests, &mut |_, answer| {
                    if answer.len() == 1 {
                        read = started.elapsed().as_secs_f64();
                    }
                    false
                })?;
                generator.forget();
                seconds += started.elapsed().as_secs_f64();
                prefill += read;
                for (request, answer) in requests.iter().zip(answers) {
                    prompt += request.prompt.len();
                    cached += answer.cached_tokens;
                    new += answer.tokens.len();
                    ids.push(answer.tokens);
                }
            }
        }
        let mut found = json!({
            "prompts": ids.len(),
            "prompt_tokens": prompt,
            "cached_tokens": cached,
            "new_tokens": new,
            "seconds": seconds,
            "prefill_seconds": prefill,
            "threads": rayon::current_num_threads(),
        });
        if self.ids {
            found["ids"] = json!(ids);
        }
        writeln!(std::io::stdout(), "{found}")?;
        Ok(())
    }
}
