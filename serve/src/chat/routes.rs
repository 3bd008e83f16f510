//! The chat's routes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{get, post};
use glpft_agent::Usage;
use serde_json::json;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::ChatState;
use super::answer::Answer;
use super::body::{authorized, read};
use super::completion::Completion;
use super::failure::{Failure, json_response};
use super::prompt;
use super::request::{Asking, Request};
use super::stream::stream;
use super::under_way::{UnderWay, Waiting, failure};
use crate::queue::{Asks, Event};

/// How long a browser need not ask again whether it may ask.
const PREFLIGHT: Duration = Duration::from_secs(3600);
const COMPLETIONS: &str = "/v1/chat/completions";
const PROMPTS: &str = "/v1/completions";

/// Every route of a chat.
pub(super) fn router(state: Arc<ChatState>) -> Router {
    let routes = [
        (COMPLETIONS, post(completions)),
        (PROMPTS, post(prompts)),
        ("/v1/models", get(models)),
        ("/v1/models/{model}", get(models)),
        ("/health", get(health)),
        ("/metrics", get(metrics)),
    ];
    let cors = cors(&state.settings.cors);
    let mut router = Router::new();
    for (path, methods) in routes {
        // Clients that put an address and a path together may leave a slash at the end.
        let slashed = format!("{path}/");
        router = router.route(path, methods.clone()).route(&slashed, methods);
    }
    let router = router
        .fallback(nothing_here)
        .method_not_allowed_fallback(another_method)
        .with_state(state);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// What pages of these origins may ask, a key included; none where there are no origins.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origin = match origins {
        [] => return None,
        origins if origins.iter().any(|origin| origin == "*") => AllowOrigin::any(),
        origins => {
            // One that is no header's value is no browser's.
            let values = origins.iter().filter_map(|origin| origin.parse().ok());
            AllowOrigin::list(values.collect::<Vec<HeaderValue>>())
        }
    };
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::RETRY_AFTER])
            .max_age(PREFLIGHT),
    )
}

async fn completions(
    State(state): State<Arc<ChatState>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut under_way = UnderWay::new(&state.shared, COMPLETIONS);
    let asked = async {
        if !authorized(&headers, state.settings.key.as_deref()) {
            return Err(Failure::unauthorized());
        }
        let limits = &state.settings.requests;
        let begun = Instant::now();
        let body = read(&headers, body, limits.body_bytes, limits.body).await?;
        let Request { question, asking } = Request::read(&body, &state.settings)?;
        let waiting = Waiting::new(&state.shared, Asks::Step(question), begun + limits.answer)?;
        Ok((waiting, asking))
    };
    let response = match asked.await {
        Ok((waiting, asking)) if asking.stream => {
            return stream(state, waiting, asking, under_way);
        }
        Ok((waiting, asking)) => whole(&state, waiting, asking).await,
        Err(failure) => Err(failure),
    };
    let response = response.unwrap_or_else(|failure| failure.response());
    under_way.answered(response.status().as_u16());
    response
}

async fn whole(
    state: &ChatState,
    mut waiting: Waiting,
    asking: Asking,
) -> Result<Response, Failure> {
    loop {
        match waiting.next().await? {
            Event::Thought(_) | Event::Completed(_) => {}
            Event::Done(Err(reason)) => return Err(failure(reason)),
            Event::Done(Ok(said)) => {
                if let Some(too_long) = said.too_long {
                    return Err(Failure::too_long(too_long));
                }
                let answer = Answer::new(said, &asking.stop);
                if let Some(usage) = answer.usage {
                    state.shared.metrics.used(usage);
                }
                let whole = Completion::new(&state.settings.model, asking.notes).whole(&answer);
                return Ok(json_response(StatusCode::OK, &whole));
            }
        }
    }
}

/// Completes a role's prompt.
async fn prompts(State(state): State<Arc<ChatState>>, headers: HeaderMap, body: Body) -> Response {
    let mut under_way = UnderWay::new(&state.shared, PROMPTS);
    let answered = async {
        if !authorized(&headers, state.settings.key.as_deref()) {
            return Err(Failure::unauthorized());
        }
        let limits = &state.settings.requests;
        let begun = Instant::now();
        let body = read(&headers, body, limits.body_bytes, limits.body).await?;
        let prompted = prompt::read(&body, &state.settings)?;
        let role = prompted.role;
        let asks = Asks::Prompt(prompted);
        let mut waiting = Waiting::new(&state.shared, asks, begun + limits.answer)?;
        loop {
            match waiting.next().await? {
                Event::Thought(_) | Event::Done(Ok(_)) => {}
                Event::Done(Err(reason)) => return Err(failure(reason)),
                Event::Completed(Err(too_long)) => return Err(Failure::too_long(too_long)),
                Event::Completed(Ok(answer)) => {
                    state.shared.metrics.used(Usage::from(&answer));
                    return Ok(json_response(StatusCode::OK, &prompt::whole(role, &answer)));
                }
            }
        }
    };
    let response = answered.await.unwrap_or_else(|failure| failure.response());
    under_way.answered(response.status().as_u16());
    response
}

async fn models(State(state): State<Arc<ChatState>>, headers: HeaderMap, uri: Uri) -> Response {
    let settings = &state.settings;
    if !authorized(&headers, settings.key.as_deref()) {
        return Failure::unauthorized().response();
    }
    let model = json!({
        "id": settings.model,
        "object": "model",
        "created": state.started,
        "owned_by": "glpft",
    });
    let asked = uri.path().strip_prefix("/v1/models").unwrap_or_default();
    match asked.trim_matches('/') {
        "" => json_response(StatusCode::OK, &json!({"object": "list", "data": [model]})),
        name if name == settings.model => json_response(StatusCode::OK, &model),
        name => Failure::no_model(name, &settings.model).response(),
    }
}

async fn health(State(state): State<Arc<ChatState>>) -> Response {
    let (status, word) = match state.shared.healthy.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "the model failed"),
    };
    json_response(
        status,
        &json!({"status": word, "model": state.settings.model, "waiting": state.shared.queue.len()}),
    )
}

async fn metrics(State(state): State<Arc<ChatState>>) -> Response {
    let metrics = &state.shared.metrics;
    metrics
        .waiting
        .set(i64::try_from(state.shared.queue.len()).unwrap_or(i64::MAX));
    let mut response = Response::new(Body::from(metrics.text()));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    );
    response
}

async fn nothing_here(method: Method, uri: Uri) -> Response {
    not_a_route(StatusCode::NOT_FOUND, &method, &uri)
}

async fn another_method(method: Method, uri: Uri) -> Response {
    not_a_route(StatusCode::METHOD_NOT_ALLOWED, &method, &uri)
}

fn not_a_route(status: StatusCode, method: &Method, uri: &Uri) -> Response {
    Failure::body(
        status,
        format!(
            "there is no {method} {}; POST {COMPLETIONS}, {PROMPTS}, GET /v1/models, /health and /metrics",
            uri.path()
        ),
    )
    .response()
}
