//! ToolBench's RapidAPI server.

use serde_json::{Map, Value};

use super::error::ServerError;
use super::http::{Client, Keys};
use super::key::Key;
use super::settings::HttpSettings;
use crate::reply::ToolReply;
use crate::task::Api;
use crate::tool_server::ToolServer;

/// Where it answers.
const PATH: &str = "/rapidapi";

/// How the server shortens replies, before it cuts them at 2048 characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strip {
    /// The beginning of the reply; the published setting.
    #[default]
    Truncate,
    /// The keys that the API's schema names.
    Filter,
    /// Either, drawn by the server.
    Random,
}

impl Strip {
    fn name(self) -> &'static str {
        match self {
            Strip::Truncate => "truncate",
            Strip::Filter => "filter",
            Strip::Random => "random",
        }
    }
}

/// A client of a server that calls the real APIs.
#[derive(Debug)]
pub struct RapidApi {
    client: Client,
    strip: Strip,
    toolbench_key: Option<Key>,
    rapidapi_key: Option<Key>,
}

impl RapidApi {
    /// The environment's variable with the key of ToolBench's server.
    pub const TOOLBENCH_KEY: &str = "TOOLBENCH_KEY";
    /// The environment's variable with one's own key of RapidAPI, for a server that passes it on.
    pub const RAPIDAPI_KEY: &str = "RAPIDAPI_KEY";

    /// A client of the server at `url`, with the keys of the environment. A server of one's own may need none.
    ///
    /// # Errors
    /// Where nobody answers there, or a key is none.
    pub fn open(url: &str, settings: HttpSettings) -> Result<Self, ServerError> {
        Ok(Self {
            toolbench_key: Key::from_environment(Self::TOOLBENCH_KEY)?,
            rapidapi_key: Key::from_environment(Self::RAPIDAPI_KEY)?,
            client: Client::open(url, PATH, settings)?,
            strip: Strip::default(),
        })
    }

    /// The same with another way to shorten replies.
    pub fn with_strip(mut self, strip: Strip) -> Self {
        self.strip = strip;
        self
    }

    /// The same with this key of ToolBench's server.
    pub fn with_toolbench_key(mut self, key: Key) -> Self {
        self.toolbench_key = Some(key);
        self
    }

    /// The same with this key of RapidAPI.
    pub fn with_rapidapi_key(mut self, key: Key) -> Self {
        self.rapidapi_key = Some(key);
        self
    }
}

impl ToolServer for RapidApi {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        let mut body = body(
            api,
            arguments,
            self.strip.name(),
            self.toolbench_key.as_ref(),
        );
        if let Some(key) = &self.rapidapi_key {
            body.insert("rapidapi_key".to_owned(), key.secret().into());
        }
        self.client.call(
            &body,
            Keys {
                server: self.toolbench_key.as_ref(),
                passed_on: self.rapidapi_key.as_ref(),
            },
        )
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn place(&self) -> Option<String> {
        Some(self.client.url().to_owned())
    }
}

/// What both servers are sent.
pub(super) fn body(
    api: &Api,
    arguments: &str,
    strip: &str,
    key: Option<&Key>,
) -> Map<String, Value> {
    let key = key.map_or("", Key::secret);
    [
        ("category", api.category.as_str()),
        ("tool_name", &api.tool),
        ("api_name", &api.name),
        ("tool_input", arguments),
        ("strip", strip),
        ("toolbench_key", key),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect()
}
