//! What a request that cannot be answered gets: OpenAI's error object.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use glpft_agent::TooLong;
use glpft_data::RecordError;
use serde_json::{Value, json};

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub status: StatusCode,
    /// OpenAI's kind of error.
    kind: &'static str,
    code: Option<&'static str>,
    /// The path of what is wrong in the body.
    param: Option<String>,
    pub message: String,
}

impl Failure {
    /// What stands at `param` cannot be used.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.to_owned()),
            ..Self::of(
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                message.into(),
            )
        }
    }

    /// The body as a whole cannot be used.
    pub(crate) fn body(status: StatusCode, message: impl Into<String>) -> Self {
        Self::of(status, "invalid_request_error", message.into())
    }

    /// There is no model of this name.
    pub(crate) fn no_model(name: &str, there: &str) -> Self {
        Self {
            code: Some("model_not_found"),
            param: Some("model".to_owned()),
            ..Self::of(
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                format!("there is no model {name:?}; this server has {there:?}"),
            )
        }
    }

    /// A prompt does not fit its model. Clients look for the code, and for the words that are OpenAI's.
    pub(crate) fn too_long(too_long: TooLong) -> Self {
        Self {
            code: Some("context_length_exceeded"),
            ..Self::invalid(
                "messages",
                format!(
                    "{too_long}; send fewer or shorter messages, offer fewer tools, or ask for fewer tokens (max_tokens)"
                ),
            )
        }
    }

    /// The key is not the server's.
    pub(crate) fn unauthorized() -> Self {
        Self {
            code: Some("invalid_api_key"),
            ..Self::of(
                StatusCode::UNAUTHORIZED,
                "authentication_error",
                "this server wants its key as `Authorization: Bearer KEY`".to_owned(),
            )
        }
    }

    /// Too many wait already.
    pub(crate) fn full() -> Self {
        Self {
            code: Some("queue_full"),
            ..Self::of(
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                "too many requests wait already; try again in a moment".to_owned(),
            )
        }
    }

    /// The server has no model that answers.
    pub(crate) fn closed() -> Self {
        Self::of(
            StatusCode::SERVICE_UNAVAILABLE,
            "server_error",
            "the server is ending, or its model failed".to_owned(),
        )
    }

    /// The model failed.
    pub(crate) fn model() -> Self {
        Self::of(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "the model failed at this request".to_owned(),
        )
    }

    /// The answer took too long.
    pub(crate) fn late() -> Self {
        Self::of(
            StatusCode::GATEWAY_TIMEOUT,
            "server_error",
            "there was no answer within the server's limit of time".to_owned(),
        )
    }

    fn of(status: StatusCode, kind: &'static str, message: String) -> Self {
        Self {
            status,
            kind,
            code: None,
            param: None,
            message,
        }
    }

    /// OpenAI's error object.
    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }

    /// The answer to the request.
    pub(crate) fn response(&self) -> Response<Body> {
        let mut response = json_response(self.status, &self.to_json());
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// What is wrong with messages or tools, at its path in the body.
impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::invalid(error.path().unwrap_or_default(), error.to_string())
    }
}

/// JSON as an answer.
pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
