//! Calls by name; `docs/protocol.md` lists them.

use serde_json::value::RawValue;

use super::{Hub, session::Refusal, subscribe::refusal};
use crate::live::{Live, Range};
use crate::wire::centrifugo::{ErrorCode, Rpc};

/// The result of a call.
#[derive(Debug, serde::Serialize)]
pub(super) struct RpcResult {
    /// The answer.
    pub(super) data: Box<RawValue>,
}

#[derive(Debug, serde::Deserialize)]
struct Name {
    expr: String,
    step: i64,
}

/// Answers a call.
pub(super) async fn answer(hub: &Hub, request: &Rpc) -> Result<Box<RawValue>, Refusal> {
    let argument = request.data.as_deref().unwrap_or(RawValue::NULL).get();
    let parts = &hub.0.parts;
    let text = match request.method.as_str() {
        "time" => format!(r#"{{"now":{}}}"#, parts.clock.now_ms()),
        "live_channel" => {
            let name: Name = read(argument)?;
            let channel = Live::checked_channel(&name.expr, name.step).map_err(|error| refusal(&error))?;
            serde_json::json!({ "channel": channel }).to_string()
        }
        "range" => {
            let range: Range = read(argument)?;
            parts.live.range(range).await.map_err(|error| refusal(&error))?
        }
        "pushed" => parts.pushed.0(),
        _ => return Err((ErrorCode::MethodNotFound, ErrorCode::MethodNotFound.text().to_owned())),
    };
    RawValue::from_string(text).map_err(|error| (ErrorCode::Internal, error.to_string()))
}

fn read<'a, T: serde::Deserialize<'a>>(argument: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(argument).map_err(|error| (ErrorCode::BadRequest, error.to_string()))
}
