//! The judge behind an OpenAI-compatible endpoint.

mod ask;
mod form;
mod reply;
mod settings;

use std::fmt;

use glpft_agent::Task;
use serde::de::DeserializeOwned;

use super::error::JudgeError;
use super::status::{AnswerStatus, Better, Judgment, TaskStatus};
use super::{Judge, RolloutRecord};
use form::Form;

pub use settings::HttpJudgeSettings;

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
    agent: ureq::Agent,
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
    /// Where the URL is none, or the key's variable is named and not set.
    pub fn new(settings: HttpJudgeSettings) -> Result<Self, JudgeError> {
        let url = settings.endpoint()?;
        let authorization = settings.key()?.map(|key| format!("Bearer {key}"));
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            // A redirect would take the question, and perhaps the key, elsewhere.
            .max_redirects(0)
            .build()
            .into();
        Ok(Self {
            settings,
            url,
            authorization,
            agent,
        })
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
