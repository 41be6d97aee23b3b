//! Failures of our own API: a status, a public text, and an inner one that is logged and never sent.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

/// Why a request was refused or failed, as `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    detail: String,
    retry_after: Option<u32>,
    refused: Vec<serde_json::Value>,
}

impl Failure {
    /// A refusal; `detail` says what to do.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None, refused: Vec::new() }
    }

    /// Its status.
    #[cfg(test)]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// A failure of ours: the inner text is logged, the public one says nothing of it.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something failed on this side; the log has more")
    }

    /// With a time after which the same request may succeed, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With the items that were refused.
    #[must_use]
    pub fn refused(mut self, refused: Vec<serde_json::Value>) -> Self {
        self.refused = refused;
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.refused.is_empty() {
            body["refused"] = self.refused.into();
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
