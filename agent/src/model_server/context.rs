//! How long a served model's prompts may be, and how long one is.

use std::path::Path;

use glpft_data::{PromptTokenizer, Text};
use glpft_recipes::Separators;
use serde_json::{Value, json};

use super::body::count;
use super::client::{Asking, Client};
use super::error::ModelServerError;

/// The separator's text where nothing is known of the model's own.
const SEPARATOR: &str = "</s>";
/// So many bytes are taken for a token where nobody counts: fewer than most tokens have.
const BYTES_A_TOKEN: usize = 3;

/// What is known of a served model.
#[derive(Debug)]
pub(super) struct Context {
    /// How many tokens it reads and writes together.
    pub positions: Option<usize>,
    /// What a separator is in a prompt's text.
    pub separator: String,
    counting: Counting,
}

/// Who counts a prompt's tokens.
#[derive(Debug)]
enum Counting {
    /// The model's tokenizer, here.
    Here(Box<PromptTokenizer>),
    /// The server, in its own form.
    There(Form),
    /// Nobody.
    Bytes,
}

/// How a server is asked to count.
#[derive(Clone, Copy, Debug)]
enum Form {
    Vllm,
    LlamaCpp,
    TextGenerationInference,
}

impl Context {
    /// Asks the server what it tells: vLLM's list of models, llama.cpp's `/props`, TGI's `/info`, and whether it counts.
    pub fn ask(client: &Client) -> Result<Self, ModelServerError> {
        let settings = &client.settings;
        let root = client.address.root();
        let models = client.look(&format!("{}/models", client.address.base()));
        let props = client.look(&format!("{root}/props"));
        let is_llama = props
            .as_ref()
            .is_some_and(|props| props.get("default_generation_settings").is_some());
        let info = (!is_llama).then(|| client.look(&format!("{root}/info")));
        let info = info.flatten();
        let info = info.filter(|info| info.get("max_total_tokens").is_some());
        let told = [
            models
                .as_ref()
                .and_then(|models| of_models(models, client.address.model())),
            props.as_ref().and_then(|props| {
                count(props, "/default_generation_settings/n_ctx").or(count(props, "/n_ctx"))
            }),
            info.as_ref()
                .and_then(|info| count(info, "/max_total_tokens")),
        ];
        let positions = settings
            .context
            .or(told.into_iter().flatten().find(|&positions| positions > 0));
        let end = props
            .as_ref()
            .and_then(|props| props.get("eos_token")?.as_str());
        let mut separator = end
            .filter(|end| !end.is_empty())
            .unwrap_or(SEPARATOR)
            .to_owned();
        let counting = match &settings.tokenizer {
            Some(path) => {
                let tokenizer = tokenizer(path)?;
                separator = tokenizer.eos_text();
                Counting::Here(Box::new(tokenizer))
            }
            None => {
                let form = match (is_llama, &info) {
                    (true, _) => Form::LlamaCpp,
                    (_, Some(_)) => Form::TextGenerationInference,
                    _ => Form::Vllm,
                };
                // A server that does not count when it is first asked is not asked again.
                match form.counts(client) {
                    true => Counting::There(form),
                    false => Counting::Bytes,
                }
            }
        };
        Ok(Self {
            positions,
            separator,
            counting,
        })
    }

    /// Whether a prompt's length is known only about.
    pub fn is_about(&self) -> bool {
        matches!(self.counting, Counting::Bytes)
    }

    /// A prompt's tokens; none where its text is sent.
    pub fn tokens(&self, prompt: &Text) -> Result<Option<Vec<u32>>, ModelServerError> {
        let Counting::Here(tokenizer) = &self.counting else {
            return Ok(None);
        };
        let mut tokens = tokenizer.prefix().to_vec();
        let text = tokenizer.encode(prompt, Separators::Eos);
        tokens.extend(text.map_err(ModelServerError::Encode)?);
        Ok(Some(tokens))
    }

    /// The text of these tokens, for servers that take no tokens.
    pub fn text(&self, tokens: &[u32]) -> Result<String, ModelServerError> {
        match &self.counting {
            Counting::Here(tokenizer) => tokenizer
                .decode(tokens, true)
                .map_err(ModelServerError::Encode),
            Counting::There(_) | Counting::Bytes => Ok(String::new()),
        }
    }

    /// How many tokens a text has. What has no more than `room` in any case is not counted further.
    ///
    /// # Errors
    /// The server counted before, and fails now, however often it is asked.
    pub fn count(
        &self,
        client: &Client,
        text: &str,
        room: usize,
    ) -> Result<usize, ModelServerError> {
        // A token has one byte at least; some more stand before the text.
        let most = text.len().saturating_add(2);
        if most <= room {
            return Ok(most);
        }
        let counted = match &self.counting {
            Counting::There(form) => form.count(client, text)?,
            Counting::Here(_) | Counting::Bytes => None,
        };
        Ok(counted.unwrap_or(text.len().div_ceil(BYTES_A_TOKEN) + 2))
    }
}

/// How many tokens vLLM's list of models gives a model; of a model that it does not say so of, the least of all.
fn of_models(models: &Value, name: &str) -> Option<usize> {
    let all = models.get("data")?.as_array()?;
    let length = |model: &Value| count(model, "/max_model_len");
    let is_it = |model: &&Value| model.get("id").and_then(Value::as_str) == Some(name);
    all.iter()
        .find(is_it)
        .and_then(length)
        .or_else(|| all.iter().filter_map(length).min())
}

impl Form {
    /// Whether the server counts when it is asked so.
    fn counts(self, client: &Client) -> bool {
        let (url, question) = self.question(client, "a");
        client.try_out(&url, &question, &counted).is_some()
    }

    /// A text's tokens as the server counts them, those that it puts before it included; none of a text that is too long even
    /// for counting.
    fn count(self, client: &Client, text: &str) -> Result<Option<usize>, ModelServerError> {
        let (url, question) = self.question(client, text);
        match client.ask(&url, &question, &counted) {
            Ok(count) => Ok(Some(count)),
            Err(Asking::Refused(refusal)) if refusal.is_of_the_length() => Ok(None),
            Err(Asking::Refused(refusal)) => Err(client.refused(&url, &refusal)),
            Err(Asking::Failed(error)) => Err(error),
        }
    }

    fn question(self, client: &Client, text: &str) -> (String, Value) {
        let question = match self {
            Form::Vllm => json!({"model": client.address.model(), "prompt": text}),
            Form::LlamaCpp => json!({"content": text, "add_special": true, "parse_special": true}),
            Form::TextGenerationInference => json!({"inputs": text}),
        };
        (format!("{}/tokenize", client.address.root()), question)
    }
}

/// The count in a reply.
fn counted(json: &Value) -> Result<usize, String> {
    let list = json.as_array().or_else(|| json.get("tokens")?.as_array());
    let counted = count(json, "/count").or(list.map(Vec::len));
    counted.ok_or_else(|| "it counts no tokens".to_owned())
}

/// The tokenizer of a file, or of the folder that holds it.
fn tokenizer(path: &Path) -> Result<PromptTokenizer, ModelServerError> {
    let file = match path.is_dir() {
        true => path.join("tokenizer.json"),
        false => path.to_owned(),
    };
    PromptTokenizer::from_path(&file)
        .map_err(|source| ModelServerError::Tokenizer { path: file, source })
}
