//! Centrifugo's server API: what services tell the hub, each method by a request of its own.

mod legacy;
mod maps;
mod methods;
mod requests;

use std::sync::Arc;

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::{Shared, security::is_same};
use crate::hub::options::Api;
use crate::wire::centrifugo::ErrorCode;
use requests::Batch;

/// Bytes of a request: a batch of a thousand publications of 16 KiB.
const BODY_BYTES_MAX: usize = 16 << 20;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ApiError {
    code: u16,
    message: String,
}

impl ApiError {
    /// A failure in Centrifugo's words.
    fn new(code: ErrorCode) -> Self {
        // The server API has a word of its own for it.
        let message = if code == ErrorCode::MethodNotFound { "not found" } else { code.text() };
        Self { code: code.code(), message: message.to_owned() }
    }

    /// The status that stands for it where errors are told by the response.
    const fn status(&self) -> StatusCode {
        match self.code {
            102 | 104 => StatusCode::NOT_FOUND,
            107 | 108 => StatusCode::BAD_REQUEST,
            112 => StatusCode::RANGE_NOT_SATISFIABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

/// What a call gave, as JSON.
type Outcome = Result<Box<RawValue>, ApiError>;

/// The routes, if the API is on.
pub(super) fn routes(site: &Shared) -> Router<Shared> {
    let api = &site.hub.options().api;
    if api.disabled {
        return Router::new();
    }
    let prefix = api.handler_prefix.trim_end_matches('/');
    let router = Router::new().route(&format!("{prefix}/{{method}}"), any(call));
    // Without a prefix that address is the page's.
    if prefix.is_empty() { router } else { router.route(prefix, any(legacy::call)) }
}

/// A request that may be carried out: its body, and whether errors are told by the status.
///
/// # Errors
///
/// The response to one that may not.
async fn admitted(site: &Shared, request: Request) -> Result<(Bytes, bool), Box<Response>> {
    let api = &site.hub.options().api;
    let refused = |status: StatusCode| Box::new(status.into_response());
    if *request.method() != Method::POST {
        return Err(refused(StatusCode::METHOD_NOT_ALLOWED));
    }
    if !is_admitted(api, request.headers(), request.uri().query().unwrap_or_default()) {
        return Err(refused(StatusCode::UNAUTHORIZED));
    }
    let by_status = api.transport_errors
        || request.headers().get("x-centrifugo-error-mode").is_some_and(|mode| mode == "transport");
    let body = to_bytes(request.into_body(), BODY_BYTES_MAX).await;
    Ok((body.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE))?, by_status))
}

async fn call(State(site): State<Shared>, Path(method): Path<String>, request: Request) -> Response {
    let (body, by_status) = match admitted(&site, request).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    if method == "batch" {
        return match serde_json::from_slice(&body) {
            Ok(batch) => json(StatusCode::OK, &self::batch(&site, batch).await),
            Err(_) => bad_request(),
        };
    }
    match methods::call(&site, &method, &body).await {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Err(_)) => bad_request(),
        Some(Ok(outcome)) => match outcome {
            Ok(result) => json(StatusCode::OK, &serde_json::json!({ "result": result })),
            Err(error) if by_status => json(error.status(), &error),
            Err(error) => json(StatusCode::OK, &serde_json::json!({ "error": error })),
        },
    }
}

/// Several calls, one after another or all at once.
async fn batch(site: &Shared, batch: Batch) -> Value {
    let one = |command: Option<Map<String, Value>>| {
        let site = Arc::clone(site);
        async move { batched(&site, command).await }
    };
    let replies = if batch.parallel {
        futures_util::future::join_all(batch.commands.into_iter().map(one)).await
    } else {
        let mut replies = Vec::new();
        for command in batch.commands {
            replies.push(one(command).await);
        }
        replies
    };
    serde_json::json!({ "replies": replies })
}

async fn batched(site: &Shared, command: Option<Map<String, Value>>) -> Value {
    let error = |code| serde_json::json!({ "error": ApiError::new(code) });
    let Some(command) = command else { return error(ErrorCode::BadRequest) };
    let Some((method, request)) = command.into_iter().next() else {
        return error(ErrorCode::MethodNotFound);
    };
    match methods::call(site, &method, request.to_string().as_bytes()).await {
        None => error(ErrorCode::MethodNotFound),
        Some(Err(_)) => error(ErrorCode::BadRequest),
        Some(Ok(Ok(result))) => serde_json::json!({ method: result }),
        Some(Ok(Err(error))) => serde_json::json!({ "error": error }),
    }
}

/// Whether a request has the key.
fn is_admitted(api: &Api, headers: &HeaderMap, query: &str) -> bool {
    if api.insecure {
        return true;
    }
    let Some(key) = api.key.as_deref().filter(|key| !key.is_empty()) else { return false };
    let header = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    let by_scheme = || {
        let (scheme, key) = header(header::AUTHORIZATION.as_str())?.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"apikey ").then(|| key.trim_ascii())
    };
    let by_query = || query.split('&').find_map(|pair| pair.strip_prefix("api_key=")).map(str::as_bytes);
    let said = [header("x-api-key").or_else(by_scheme), by_query()];
    said.into_iter().flatten().any(|said| is_same(said, key.as_bytes()))
}

fn bad_request() -> Response {
    (StatusCode::BAD_REQUEST, "Bad Request\n").into_response()
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => {
            let kind = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, kind)], Bytes::from(body)).into_response()
        }
        Err(error) => {
            tracing::error!(error = %error, "answer of the server API not written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &'static str, value: &'static str, query: &str, expected: bool) {
        let api = Api { key: Some("secret".to_owned()), ..Api::default() };
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(is_admitted(&api, &headers, query), expected, "{name}: {value} {query}");
    }

    #[test]
    fn the_key_comes_in_one_of_three_ways() {
        check("x-api-key", "secret", "", true);
        check("x-api-key", "secre", "", false);
        check("authorization", "apikey secret", "", true);
        check("authorization", "ApiKey secret", "", true);
        check("authorization", "Bearer secret", "", false);
        check("x-other", "", "a=1&api_key=secret", true);
        check("x-other", "", "", false);
        let nothing = HeaderMap::new();
        assert!(!is_admitted(&Api::default(), &nothing, "api_key="), "no key, no way in");
        assert!(is_admitted(&Api { insecure: true, ..Api::default() }, &nothing, ""));
    }
}
