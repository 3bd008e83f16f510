//! The tools' routes: ToolBench's RapidAPI server and StableToolBench's virtual one.

mod catalogue;
mod reply;
mod request;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use glpft_agent::{Code, ToolServer};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::chat::{json_response, read, same};
use crate::limits::{ConnectionLimits, RequestLimits};

pub use catalogue::Catalogue;
pub use reply::MAX_RESPONSE_CHARS;
use reply::{answer, unauthorized, unknown};
use request::ToolRequest;

/// Calls that are worked out at the same time; more wait.
const CALLS: usize = 16;

/// How tools are served.
#[derive(Clone, Debug, Default)]
pub struct ToolsSettings {
    /// What calls must show as `toolbench_key`, in the body or the header; none: anything.
    pub key: Option<String>,
    /// Limits on connections.
    pub connections: ConnectionLimits,
    /// Limits on requests; what they say of chats is not used.
    pub requests: RequestLimits,
}

struct Tools<S> {
    settings: ToolsSettings,
    catalogue: Catalogue,
    server: S,
    calls: Semaphore,
}

/// Every route of the tools.
pub(crate) fn router<S: ToolServer + Send + 'static>(
    settings: ToolsSettings,
    catalogue: Catalogue,
    server: S,
) -> Router {
    let tools = Arc::new(Tools {
        settings,
        catalogue,
        server,
        calls: Semaphore::new(CALLS),
    });
    Router::new()
        .route("/rapidapi", post(call::<S>))
        .route("/virtual", post(call::<S>))
        .route("/health", get(health::<S>))
        .fallback(nothing_here)
        // Not a 404, which tells ToolBench's clients that this is no tool server.
        .method_not_allowed_fallback(another_method)
        .with_state(tools)
}

async fn call<S: ToolServer + Send + 'static>(
    State(tools): State<Arc<Tools<S>>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limits = &tools.settings.requests;
    let body = match read(&headers, body, limits.body_bytes, limits.body).await {
        Ok(body) => body,
        Err(failure) => return failed(failure.status, &failure.message),
    };
    let request = match ToolRequest::read(&body) {
        Ok(request) => request,
        Err(problem) => return failed(StatusCode::UNPROCESSABLE_ENTITY, &problem),
    };
    if let Some(key) = &tools.settings.key {
        let in_header = headers.get("toolbench_key").map(|key| key.as_bytes());
        let in_body = request.key.as_deref().map(str::as_bytes);
        let shown = [in_header, in_body];
        if !shown
            .into_iter()
            .flatten()
            .any(|shown| same(shown, key.as_bytes()))
        {
            return json_response(StatusCode::OK, &unauthorized());
        }
    }
    let Some((api, schema)) = tools.catalogue.find(&request) else {
        return json_response(StatusCode::OK, &unknown(&request));
    };
    let (api, schema) = (api.clone(), schema.cloned());
    let here = Arc::clone(&tools);
    let Ok(_place) = tools.calls.acquire().await else {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "the server ends");
    };
    // A tool may take its time, and may fail in ways of its own.
    let replied = tokio::task::spawn_blocking(move || {
        let reply = here.server.call(&api, &request.input);
        (reply.code, answer(&reply, &request, schema.as_ref()))
    });
    match replied.await {
        Ok((Code::RequestFailed, reply)) => {
            json_response(StatusCode::INTERNAL_SERVER_ERROR, &reply)
        }
        Ok((_, reply)) => json_response(StatusCode::OK, &reply),
        Err(_) => failed(StatusCode::INTERNAL_SERVER_ERROR, "the tool failed"),
    }
}

async fn health<S>(State(tools): State<Arc<Tools<S>>>) -> Response {
    json_response(
        StatusCode::OK,
        &json!({"status": "ok", "apis": tools.catalogue.len()}),
    )
}

async fn nothing_here(uri: Uri) -> Response {
    failed(
        StatusCode::NOT_FOUND,
        &format!("there is no {}; POST /rapidapi or /virtual", uri.path()),
    )
}

async fn another_method(method: Method, uri: Uri) -> Response {
    failed(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("{method} {} means nothing; calls are POSTed", uri.path()),
    )
}

/// A request that is no call.
fn failed(status: StatusCode, problem: &str) -> Response {
    json_response(status, &json!({"error": problem, "response": ""}))
}
