//! A rival agent: a server that calls tools by itself.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::address::ModelAddress;
use super::chat::ChatReply;
use super::client::{Asking, Client};
use super::error::ModelServerError;
use super::messages::{droppable, messages, tools};
use super::parallel::in_parallel;
use super::refusal::Refusal;
use super::settings::ModelServerSettings;
use crate::generate::{GenerateError, Role, Sampling};
use crate::model_calls::ModelCalls;
use crate::policy::{Asked, Policy};
use crate::policy_message::PolicyMessage;
use crate::policy_settings::PolicySettings;

/// A rival agent as ToolBench asks ChatGPT: the task's functions and `Finish` are tools, what is said beside a call is the
/// thought. Where a reply calls nothing, the model is asked once more for a call; where the server cannot be told to call, or
/// nothing is called all the same, what it said is its answer.
#[derive(Debug)]
pub struct RivalPolicy {
    client: Client,
    settings: PolicySettings,
    dialect: Mutex<Dialect>,
    /// Whether the server says that its chat template leaves tools out.
    without_tools: bool,
}

/// What the server takes of OpenAI's requests, as far as its refusals have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dialect {
    /// Whether it takes another temperature than its own.
    temperature: bool,
    /// Whether it can be told to call.
    required: bool,
    /// Whether `Finish` may be a tool: a server of this program answers, or gives up, by itself.
    finish: bool,
    /// Whether the limit of tokens has the newer name.
    completion_tokens: bool,
}

impl RivalPolicy {
    /// Looks whether the server is there. `settings` say how tokens are chosen and how long answers may be.
    ///
    /// # Errors
    /// Nobody is there, or the key is not taken.
    pub fn open(
        address: ModelAddress,
        server: ModelServerSettings,
        settings: PolicySettings,
    ) -> Result<Self, ModelServerError> {
        let client = Client::open(address, server)?;
        // llama.cpp's server takes tools for every model, and says here alone whether it shows them.
        let props = client.look(&format!("{}/props", client.address.root()));
        let shows = props.and_then(|props| {
            let shows = props.pointer("/chat_template_caps/supports_tools");
            shows.and_then(Value::as_bool)
        });
        Ok(Self {
            client,
            without_tools: shows == Some(false),
            settings,
            dialect: Mutex::new(Dialect {
                temperature: true,
                required: true,
                finish: true,
                completion_tokens: false,
            }),
        })
    }

    /// What is to be known of what the server does with the questions; none where nothing is.
    pub fn note(&self) -> Option<String> {
        self.without_tools.then(|| {
            format!(
                "the chat template of {} shows no tools, so that its model knows of none and calls none; give \
                 llama-server one that does (--chat-template-file)",
                self.client.address
            )
        })
    }

    /// One step.
    fn step(&self, asked: &Asked<'_>) -> Result<PolicyMessage, ModelServerError> {
        let mut left_out = 0;
        let mut said = loop {
            let messages = messages(asked.task, asked.turns, asked.instruction, left_out);
            match self.exchange(asked, messages) {
                Ok(said) => break said,
                Err(Asking::Failed(error)) => return Err(error),
                Err(Asking::Refused(refusal)) => {
                    let cut = droppable(asked.turns, asked.instruction, left_out);
                    match cut.filter(|_| refusal.is_of_the_length()) {
                        Some(cut) => left_out = cut,
                        // It is the model's limit, and no fault of the server's.
                        None if refusal.is_of_the_length() => {
                            let mut said = PolicyMessage::give_up(None);
                            said.usage.refused_steps = 1;
                            return Ok(said);
                        }
                        None => return Err(self.client.refused(&self.url(), &refusal)),
                    }
                }
            }
        };
        said.left_out = left_out;
        said.usage.shortened_steps = usize::from(left_out > 0);
        Ok(said)
    }

    /// Asks, and once more where nothing is called.
    fn exchange(
        &self,
        asked: &Asked<'_>,
        mut messages: Vec<Value>,
    ) -> Result<PolicyMessage, Asking> {
        let reply = self.ask(asked, &messages, false)?;
        let Dialect {
            required, finish, ..
        } = self.dialect();
        let asks_again = required && finish;
        let thought = Some(reply.content.as_str()).filter(|content| !content.is_empty());
        if reply.call.is_some() || reply.gave_up || reply.cut || !asks_again {
            return Ok(reply.said(thought));
        }
        messages.push(json!({"role": "assistant", "content": reply.content}));
        match self.ask(asked, &messages, true) {
            Ok(mut second) => {
                second.usage += reply.usage;
                if second.call.is_some() {
                    return Ok(second.said(thought));
                }
                let said = reply.said(None);
                Ok(PolicyMessage {
                    usage: second.usage,
                    ..said
                })
            }
            Err(Asking::Refused(refusal)) if matches!(refusal.status, 400 | 422) => {
                // Whatever else it refuses (the length, the words) says nothing of other questions.
                if refusal.is_about(&["tool_choice", "required"]) && !refusal.is_of_the_length() {
                    self.learn(|dialect| dialect.required = false);
                }
                Ok(reply.said(None))
            }
            Err(error) => Err(error),
        }
    }

    fn ask(
        &self,
        asked: &Asked<'_>,
        messages: &[Value],
        required: bool,
    ) -> Result<ChatReply, Asking> {
        loop {
            let dialect = self.dialect();
            let question = self.question(asked, messages, required, dialect);
            match self.client.ask(&self.url(), &question, &ChatReply::of) {
                Err(Asking::Refused(refusal)) if self.takes_less(dialect, &refusal) => {}
                answer => return answer,
            }
        }
    }

    /// Whether a refusal is about something that can be left out, which it is from then on.
    fn takes_less(&self, used: Dialect, refusal: &Refusal) -> bool {
        if !matches!(refusal.status, 400 | 422) || refusal.is_of_the_length() {
            return false;
        }
        let mut less = used;
        if used.temperature && refusal.is_about(&["temperature"]) {
            less.temperature = false;
        } else if !used.completion_tokens
            && refusal.is_about(&["max_tokens", "max_completion_tokens"])
        {
            less.completion_tokens = true;
        } else if used.finish && refusal.is_about(&["\"finish\""]) {
            less.finish = false;
        }
        let known = self.dialect();
        if less != used && known == used {
            self.learn(|dialect| *dialect = less);
        }
        less != used || known != used
    }

    fn question(
        &self,
        asked: &Asked<'_>,
        messages: &[Value],
        required: bool,
        dialect: Dialect,
    ) -> Value {
        let mut question = Map::new();
        let mut put = |name: &str, value: Value| question.insert(name.to_owned(), value);
        put("model", self.client.address.model().into());
        put("messages", messages.into());
        put("tools", tools(asked.task, dialect.finish));
        put(
            "tool_choice",
            if required { "required" } else { "auto" }.into(),
        );
        let limit = match dialect.completion_tokens {
            true => "max_completion_tokens",
            false => "max_tokens",
        };
        put(limit, self.settings.limits.new_tokens.into());
        match self.settings.at(asked, Role::Backbone, 0) {
            Sampling::Greedy if dialect.temperature => {
                put("temperature", 0.into());
            }
            Sampling::Random {
                temperature,
                top_p,
                seed,
                ..
            } => {
                if dialect.temperature {
                    put("temperature", temperature.into());
                    put("top_p", top_p.into());
                }
                put("seed", (seed & 0x7fff_ffff).into());
            }
            Sampling::Greedy => {}
        }
        question.into()
    }

    fn url(&self) -> String {
        format!("{}/chat/completions", self.client.address.base())
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, change: impl FnOnce(&mut Dialect)) {
        change(&mut self.dialect.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Policy for RivalPolicy {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        let this = &*self;
        let step = |index: usize| {
            this.step(&asked[index])
                .map_err(|source| GenerateError::Server {
                    source: Box::new(source),
                })
        };
        let said = in_parallel(asked.len(), self.client.settings.parallel, &|_| true, &step)?;
        Ok(said.into_iter().flatten().collect())
    }

    fn server_calls(&self) -> ModelCalls {
        self.client.calls()
    }
}
