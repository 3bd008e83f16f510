//! The judge behind an OpenAI-compatible endpoint.

mod ask;
mod dialect;
mod form;
mod refusal;
mod reply;
mod settings;

use std::fmt;
use std::sync::Mutex;

use glpft_agent::{HttpClient, Task};
use serde::de::DeserializeOwned;

use super::error::JudgeError;
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::{Judge, RolloutRecord};
use dialect::Dialect;
use form::Form;
use reply::Reply;

pub use settings::HttpJudgeSettings;

/// What is said of an answer that a filter has cut off.
const FILTERED: &str = "the endpoint's filter cut the answer off";

/// Asks a model: any endpoint that speaks OpenAI's chat completions with tool calls. Each question is a tool that the
/// model must call; what it calls it with is the judgment.
///
/// Its key is in nothing that it says: no message, no log, no `Debug`.
pub struct HttpJudge {
    settings: HttpJudgeSettings,
    /// Where it is asked: the base URL and `/chat/completions`.
    url: String,
    /// The value of the header `Authorization`; none for endpoints without keys.
    authorization: Option<String>,
    http: HttpClient,
    /// How it wants to be asked, as far as it is known.
    dialect: Mutex<Dialect>,
}

impl fmt::Debug for HttpJudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpJudge")
            .field("settings", &self.settings)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl HttpJudge {
    /// A judge at the settings' endpoint. Nothing is asked yet.
    ///
    /// # Errors
    /// Where the URL or the environment's proxy is none, or the key's variable is named and not set.
    pub fn new(settings: HttpJudgeSettings) -> Result<Self, JudgeError> {
        let url = settings.endpoint()?;
        let authorization = settings.key()?.map(|key| format!("Bearer {key}"));
        let http = HttpClient::new(&url, settings.timeout)?;
        Ok(Self {
            settings,
            url,
            authorization,
            http,
            dialect: Mutex::default(),
        })
    }

    /// The judgment that an endpoint's reply to [`Judge::check_answer_status`] holds, as it is read when it was asked.
    ///
    /// # Errors
    /// Why it holds none.
    pub fn read_answer_status(body: &str) -> Result<Judgment<AnswerStatus>, String> {
        let task = Task {
            id: String::new(),
            query: String::new(),
            functions: Vec::new(),
        };
        let form = Form::answer_status(&task, "");
        match reply::read(body, form.question.name())? {
            Reply::Arguments(found, instead) => {
                let mut read = found.iter().filter_map(|one| form.read(one).ok());
                read.next().ok_or(instead)
            }
            Reply::Refusal(refusal) => Err(refusal.told()),
            Reply::Filtered => Err(FILTERED.to_owned()),
        }
    }

    fn judge<T: DeserializeOwned>(&self, form: &Form) -> Result<Judgment<T>, JudgeError> {
        self.ask(form, |arguments| form.read(arguments))
    }
}

impl Judge for HttpJudge {
    fn name(&self) -> String {
        self.settings.model.clone()
    }

    fn check_task_solvable(
        &self,
        task: &Task,
        _: usize,
    ) -> Result<Judgment<TaskStatus>, JudgeError> {
        self.judge(&Form::task_solvable(task))
    }

    fn check_answer_status(
        &self,
        task: &Task,
        answer: &str,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.judge(&Form::answer_status(task, answer))
    }

    fn parse_answer_status(
        &self,
        task: &Task,
        rollout: &RolloutRecord,
        _: usize,
    ) -> Result<Judgment<AnswerStatus>, JudgeError> {
        self.judge(&Form::path_status(task, rollout))
    }

    fn select_better_answer(
        &self,
        task: &Task,
        rollouts: [&RolloutRecord; 2],
        _: usize,
    ) -> Result<Judgment<Better>, JudgeError> {
        self.judge(&Form::better(task, rollouts))
    }
}
