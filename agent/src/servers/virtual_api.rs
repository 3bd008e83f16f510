//! StableToolBench's virtual server.

use super::error::ServerError;
use super::http::{Client, Keys};
use super::key::Key;
use super::rapidapi::{RapidApi, body};
use super::settings::HttpSettings;
use crate::reply::ToolReply;
use crate::task::Api;
use crate::tool_server::ToolServer;

/// Where it answers.
const PATH: &str = "/virtual";

/// A client of a server that replies out of its cache, else by the real API, else by a model that plays it.
#[derive(Debug)]
pub struct VirtualApi {
    client: Client,
    key: Option<Key>,
}

impl VirtualApi {
    /// A client of the server at `url`, with the key in [`RapidApi::TOOLBENCH_KEY`] if there is one.
    ///
    /// # Errors
    /// Where nobody answers there, or the key is none.
    pub fn open(url: &str, settings: HttpSettings) -> Result<Self, ServerError> {
        Ok(Self {
            key: Key::from_environment(RapidApi::TOOLBENCH_KEY)?,
            client: Client::open(url, PATH, settings)?,
        })
    }

    /// The same with this key.
    pub fn with_key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }
}

impl ToolServer for VirtualApi {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        let body = body(api, arguments, "", self.key.as_ref());
        self.client.call(
            &body,
            Keys {
                server: self.key.as_ref(),
                passed_on: None,
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
