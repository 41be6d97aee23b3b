//! The API's old form: one address for all methods, which are named in the body. Several calls are JSON values one after
//! another, and so are the answers, each in a line.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{ApiError, Shared, admitted, bad_request, methods};
use crate::wire::centrifugo::ErrorCode;

/// Methods by their numbers. Those of Centrifugo PRO have numbers too, and are answered as what there is not.
const NUMBERED: &[(i64, &str)] = &[
    (0, "publish"),
    (1, "broadcast"),
    (2, "unsubscribe"),
    (3, "disconnect"),
    (4, "presence"),
    (5, "presence_stats"),
    (6, "history"),
    (7, "history_remove"),
    (8, "channels"),
    (9, "info"),
    (10, "rpc"),
    (11, "subscribe"),
    (12, "refresh"),
    (33, "map_publish"),
    (34, "map_remove"),
    (35, "map_read_state"),
    (36, "map_read_stream"),
    (37, "map_stats"),
    (38, "map_clear"),
];

/// One call.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Call {
    id: u32,
    method: Named,
    params: Option<Box<RawValue>>,
}

/// A method; nothing for a number that stands for none here.
#[derive(Debug)]
struct Named(Option<&'static str>);

impl Default for Call {
    fn default() -> Self {
        Self { id: 0, method: Named(Some("publish")), params: None }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said {
    Number(i64),
    Name(String),
}

/// A method by name, in any case, or by number.
impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = Said::deserialize(deserializer)?;
        let is_said = |(number, name): &&(i64, &str)| match &said {
            Said::Number(said) => number == said,
            Said::Name(said) => name.eq_ignore_ascii_case(said),
        };
        match (NUMBERED.iter().find(is_said), &said) {
            (None, Said::Name(_)) => Err(de::Error::custom("there is no such method")),
            (found, _) => Ok(Self(found.map(|(_, name)| *name))),
        }
    }
}

/// Its answer.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "is_zero")]
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// All calls of a body, or none of them: nothing is done where one is no call.
fn calls(body: &[u8]) -> Option<Vec<Call>> {
    let calls: Result<Vec<Call>, _> = serde_json::Deserializer::from_slice(body).into_iter().collect();
    calls.ok().filter(|calls| !calls.is_empty())
}

/// Carries out the calls of a request, one after another.
pub(super) async fn call(State(site): State<Shared>, request: Request) -> Response {
    let (body, _) = match admitted(&site, request).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let Some(calls) = calls(&body) else { return bad_request() };
    let mut answers = Vec::new();
    for Call { id, method, params } in calls {
        let params = params.as_deref().map_or("", RawValue::get);
        let outcome = match method.0 {
            None => Err(ErrorCode::MethodNotFound.into()),
            Some(method) => match methods::call(&site, method, params.as_bytes()).await {
                Some(Ok(outcome)) => outcome,
                Some(Err(_)) => Err(ErrorCode::BadRequest.into()),
                None => Err(ErrorCode::MethodNotFound.into()),
            },
        };
        let (error, result) = match outcome {
            Ok(result) => (None, Some(result)),
            Err(error) => (Some(error), None),
        };
        match serde_json::to_string(&Answer { id, error, result }) {
            Ok(answer) => answers.push(answer),
            Err(error) => {
                tracing::error!(error = %error, "answer of the server API not written");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        }
    }
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], answers.join("\n")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&[Option<&str>]>) {
        let found = calls(body.as_bytes());
        let found: Option<Vec<_>> = found.map(|calls| calls.into_iter().map(|call| call.method.0).collect());
        assert_eq!(found.as_deref(), expected, "{body}");
    }

    #[test]
    fn methods_are_named_or_numbered() {
        check(r#"{"method":"publish","params":{}}"#, Some(&[Some("publish")]));
        check(r#"{"method":"Map_Publish"}{"method":12}"#, Some(&[Some("map_publish"), Some("refresh")]));
        check("{}\n{\"method\":0}\n", Some(&[Some("publish"), Some("publish")]));
        check(r#"{"method":14}"#, Some(&[None]));
        for wrong in ["", " ", "{", r#"{"method":"nothing"}"#, r#"{} {"method":"x"}"#, "[]x", r#"{"id":"1"}"#]
        {
            check(wrong, None);
        }
    }
}
