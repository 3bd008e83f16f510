//! The chat's routes: OpenAI's chat completions, whose model is a team.

mod answer;
mod body;
mod completion;
mod failure;
mod prompt;
mod request;
mod routes;
mod stream;
mod under_way;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glpft_recipes::{Observations, Schemas};
use tokio::sync::oneshot;

use crate::error::ServeError;
use crate::limits::{ConnectionLimits, RequestLimits};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::speaker::OpenSpeaker;
use crate::worker::{Batching, Opened, Shared, start};

pub use answer::GAVE_UP;
pub(crate) use body::{read, same};
pub(crate) use failure::json_response;

/// How a chat is served.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// The name that requests ask for.
    pub model: String,
    /// What requests must show as `Authorization: Bearer …`; none: nothing.
    pub key: Option<String>,
    /// How tools' replies become turns: the setting of the data that the model learned from.
    pub observations: Observations,
    /// What prompts show of functions' schemas: what they do not is told in replies.
    pub schemas: Schemas,
    /// The origins whose pages may ask, `*` for any; none: no page of another origin may.
    pub cors: Vec<String>,
    /// The most requests that are answered together.
    pub batch: usize,
    /// How long a request waits for others that were answered together with the one before.
    pub gather: Duration,
    /// Limits on connections.
    pub connections: ConnectionLimits,
    /// Limits on requests.
    pub requests: RequestLimits,
}

impl ChatSettings {
    /// The defaults for a model of this name.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            key: None,
            observations: Observations::ResponseOrError,
            schemas: Schemas::Whole,
            cors: Vec::new(),
            batch: 16,
            gather: Duration::from_millis(5),
            connections: ConnectionLimits::default(),
            requests: RequestLimits::default(),
        }
    }
}

/// A model that is being opened or served.
pub(crate) struct Chat {
    state: Arc<ChatState>,
    opened: Mutex<Option<oneshot::Receiver<Opened>>>,
}

/// What every route knows.
pub(crate) struct ChatState {
    pub settings: ChatSettings,
    pub shared: Arc<Shared>,
    /// Seconds since 1970 at the start.
    pub started: u64,
}

impl Chat {
    /// Starts the thread that opens the model.
    pub(crate) fn start(settings: ChatSettings, open: OpenSpeaker) -> Result<Self, ServeError> {
        let shared = Arc::new(Shared {
            queue: Arc::new(Queue::new(settings.requests.waiting)),
            metrics: Metrics::new(),
            healthy: AtomicBool::new(false),
        });
        let batching = Batching {
            most: settings.batch.max(1),
            gather: settings.gather,
        };
        // The thread ends with its queue; one that answers still is not waited for.
        let (_, opened) = start(open, Arc::clone(&shared), batching).map_err(ServeError::Start)?;
        Ok(Self {
            state: Arc::new(ChatState {
                settings,
                shared,
                started: now(),
            }),
            opened: Mutex::new(Some(opened)),
        })
    }

    /// Waits until the model is open.
    pub(crate) async fn opened(&self) -> Result<(), ServeError> {
        let opened = self.opened.lock().ok().and_then(|mut opened| opened.take());
        match opened {
            None => Ok(()),
            Some(opened) => match opened.await {
                Ok(opened) => opened.map_err(ServeError::Model),
                Err(_) => Err(ServeError::Model(
                    "the model's thread ended while it opened the model".into(),
                )),
            },
        }
    }

    /// Ends the model's thread once it has said what it is saying.
    pub(crate) fn close(&self) {
        self.state.shared.queue.close();
    }

    pub(crate) fn router(&self) -> axum::Router {
        routes::router(Arc::clone(&self.state))
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
