//! A whole server, from its address to its end.

use std::net::{SocketAddr, ToSocketAddrs};

use glpft_agent::ToolServer;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::chat::{self, ChatSettings};
use crate::connections::serve;
use crate::error::ServeError;
use crate::speaker::OpenSpeaker;
use crate::stop::Stop;
use crate::tools::{self, Catalogue, ToolsSettings};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A name or an address of this machine.
    pub host: String,
    /// 0 takes a free one.
    pub port: u16,
}

/// Serves a model as a chat until it is told to stop. `ready` is told the address once the model is open.
///
/// # Errors
/// Where the address cannot be had, the model does not open, or requests do not end.
pub fn run_chat(
    place: &Place,
    settings: ChatSettings,
    open: OpenSpeaker,
    mut stop: Stop,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let (listener, address) = listen(place).await?;
        let limits = settings.connections.clone();
        let chat = chat::Chat::start(settings, open)?;
        // A model may take minutes to open.
        tokio::select! {
            opened = chat.opened() => opened?,
            () = stop.told() => return Ok(()),
        }
        ready(address);
        let ended = serve(listener, chat.router(), &limits, &mut stop).await;
        chat.close();
        ended
    });
    runtime.shutdown_background();
    outcome
}

/// Serves tools by both of ToolBench's contracts until it is told to stop. `ready` is told the address.
///
/// # Errors
/// Where the address cannot be had, or requests do not end.
pub fn run_tools(
    place: &Place,
    settings: ToolsSettings,
    catalogue: Catalogue,
    server: impl ToolServer + Send + 'static,
    mut stop: Stop,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let (listener, address) = listen(place).await?;
        let limits = settings.connections.clone();
        let router = tools::router(settings, catalogue, server);
        ready(address);
        serve(listener, router, &limits, &mut stop).await
    });
    runtime.shutdown_background();
    outcome
}

/// Two threads move the bytes; the model has its own.
fn runtime() -> Result<Runtime, ServeError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ServeError::Start)
}

async fn listen(place: &Place) -> Result<(TcpListener, SocketAddr), ServeError> {
    let wrong = |reason: String| ServeError::Host {
        host: place.host.clone(),
        reason,
    };
    let host = place.host.trim_matches(['[', ']']);
    let address = (host, place.port)
        .to_socket_addrs()
        .map_err(|error| wrong(error.to_string()))?
        .next()
        .ok_or_else(|| wrong("it has no address".to_owned()))?;
    let failed = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
