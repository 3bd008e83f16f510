//! A request's body, and who sent it.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde_json::Value;

use super::failure::Failure;

/// Reads a JSON body of at most `limit` bytes within `time`.
///
/// # Errors
/// One that is longer, slower, not declared as JSON (what a page in a browser may send to another server unasked is
/// not), or not JSON.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    time: Duration,
) -> Result<Value, Failure> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/json") {
        return Err(Failure::body(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send JSON, with `Content-Type: application/json`",
        ));
    }
    let too_long = || {
        Failure::body(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {limit} bytes"),
        )
    };
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) {
        return Err(too_long());
    }
    let bytes = match tokio::time::timeout(time, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) if is_length(&error) => return Err(too_long()),
        Ok(Err(error)) => {
            return Err(Failure::body(
                StatusCode::BAD_REQUEST,
                format!("the body broke off: {error}"),
            ));
        }
        Err(_) => {
            return Err(Failure::body(
                StatusCode::REQUEST_TIMEOUT,
                format!("the body took longer than {} s", time.as_secs()),
            ));
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::body(
            StatusCode::BAD_REQUEST,
            format!("the body is not JSON: {error}"),
        )
    })
}

fn is_length(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

const SCHEME: &[u8] = b"Bearer ";

/// Whether a request shows the key as `Authorization: Bearer KEY`.
pub(super) fn authorized(headers: &HeaderMap, key: Option<&str>) -> bool {
    let Some(key) = key else { return true };
    headers
        .get(header::AUTHORIZATION)
        .and_then(|shown| shown.as_bytes().split_at_checked(SCHEME.len()))
        // A scheme's case means nothing.
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .is_some_and(|(_, shown)| same(shown.trim_ascii(), key.as_bytes()))
}

/// Takes as long for any text of one length: how far a guess was right cannot be measured.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .fold(0, |differs, (one, other)| differs | (one ^ other))
            == 0
}
