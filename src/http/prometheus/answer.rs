//! What every call answers with: `status`, `data`, and what is wrong.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::json;

use crate::live::{LiveError, Unread};
use crate::query::{Annotations, Level, QueryError, annotations::SHOWN_MAX};

/// Seconds after which a client may try again when others' evaluations take too long.
pub(in crate::http) const RETRY_SECONDS: u32 = 5;
/// Said when a `limit` cut an answer, in Prometheus's words.
const TRUNCATED: &str = "results truncated due to limit";

/// A refusal in Prometheus's shape.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl ApiError {
    /// What was asked is wrong.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_data", message: message.into() }
    }

    /// A parameter is wrong.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::bad(format!("invalid parameter \"{name}\": {why}"))
    }

    /// Something is wrong here.
    pub(super) fn internal(message: &str) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "internal", message: message.to_owned() }
    }

    /// What was asked cannot be evaluated, or takes too long.
    pub(super) fn refused(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, kind, message: message.into() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let message = error.to_string();
        match error {
            QueryError::Parse { .. } => Self::bad(message),
            QueryError::NotYet { .. } | QueryError::Eval(..) | QueryError::Limit { .. } => {
                Self::refused("execution", message)
            }
            QueryError::Time(_) => Self::refused("timeout", message),
            QueryError::Cancelled => Self::refused("canceled", message),
        }
    }
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Store(busy @ Unread::Busy) => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                kind: "unavailable",
                message: busy.to_string(),
            },
            _ => Self::internal("the evaluation ended without a result"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.message });
        let mut response = (self.status, JSON, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_SECONDS.into());
        }
        response
    }
}

/// What a call answers.
pub(super) type Answer = Result<Response, ApiError>;

const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// The data of a call with what is to be said of it.
#[derive(Debug, Serialize)]
pub(super) struct Success<T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    infos: Vec<String>,
}

impl<T: Serialize> Success<T> {
    /// The data alone.
    pub(super) const fn new(data: T) -> Self {
        Self { status: "success", data, warnings: Vec::new(), infos: Vec::new() }
    }

    /// Says also that a limit cut it.
    pub(super) fn truncated(mut self, is_truncated: bool) -> Self {
        if is_truncated {
            self.warnings.push(TRUNCATED.to_owned());
        }
        self
    }

    /// Says also what there is to say of the value of a query.
    pub(super) fn annotated(mut self, annotations: &Annotations, query: &str) -> Self {
        self.warnings.extend(annotations.texts(Level::Warning, query, SHOWN_MAX));
        self.infos.extend(annotations.texts(Level::Info, query, SHOWN_MAX));
        self
    }

    /// The response; `room` is about how many bytes it takes.
    ///
    /// # Errors
    ///
    /// When the data have no JSON form.
    pub(super) fn response(&self, room: usize) -> Answer {
        let mut body = Vec::with_capacity(room);
        serde_json::to_writer(&mut body, self)
            .map_err(|_| ApiError::internal("the answer could not be written"))?;
        Ok((JSON, body).into_response())
    }
}

/// Data and nothing else.
pub(super) fn success(data: impl Serialize) -> Answer {
    Success::new(data).response(0)
}

/// Cuts a list to its limit; tells whether that cut something. 0 is no limit.
pub(super) fn cut<T>(list: &mut Vec<T>, limit: usize) -> bool {
    let is_long = limit != 0 && limit < list.len();
    if is_long {
        list.truncate(limit);
    }
    is_long
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_evaluation_may_be_tried_again() {
        let response = ApiError::from(LiveError::Store(Unread::Busy)).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["status"], &body["errorType"]), (&json!("error"), &json!("unavailable")));
        assert!(body["error"].as_str().unwrap().contains("try again"), "{body}");
    }

    #[test]
    fn what_a_limit_cuts_is_said() {
        let mut list = vec![1, 2, 3];
        assert!(!cut(&mut list, 0) && !cut(&mut list, 3));
        assert!(cut(&mut list, 2));
        let said = serde_json::to_string(&Success::new(&list).truncated(true)).unwrap();
        assert_eq!(
            said,
            r#"{"status":"success","data":[1,2],"warnings":["results truncated due to limit"]}"#
        );
    }
}
