//! Calls by name; `docs/protocol.md` lists them.

use bytes::Bytes;

use super::{
    Hub, alertcalls,
    refusal::{Refusal, internal},
    servercalls,
    speaker::{Speaker, Speech},
    subscribe::refusal,
};
use crate::live::{Live, Range};
use crate::rooms::{RoomError, Say};
use crate::wire::centrifugo::{ErrorCode, Rpc};

#[derive(Debug, serde::Deserialize)]
struct Name {
    expr: String,
    step: i64,
}

#[derive(Debug, serde::Deserialize)]
struct TypingIn {
    room: String,
}

/// Answers a call.
pub(super) async fn answer(hub: &Hub, speaker: &mut Speaker, request: &Rpc) -> Result<Bytes, Refusal> {
    let argument = said(request)?;
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
        "say" => {
            speaker.may(Speech::Say)?;
            let by = speaker.person()?.clone();
            let say: Say = read(argument)?;
            return result(&parts.rooms.say(&by, say).await.map_err(room_refusal)?);
        }
        "typing" => {
            speaker.may(Speech::Type)?;
            let by = speaker.person()?.clone();
            let TypingIn { room } = read(argument)?;
            parts.rooms.typing(&by, &speaker.info.client, &room).await.map_err(room_refusal)?;
            "{}".to_owned()
        }
        method @ ("server" | "connections" | "channels" | "channel" | "disconnect" | "publish_test") => {
            speaker.may(Speech::Look)?;
            servercalls::answer(hub, method, argument).await?
        }
        "episodes" => alertcalls::episodes(hub, argument).await?,
        method @ ("ack" | "unack" | "silence" | "end_silence") => {
            speaker.may(Speech::Say)?;
            alertcalls::act(hub, method, argument, speaker.person()?.clone()).await?
        }
        _ => return Err((ErrorCode::MethodNotFound, ErrorCode::MethodNotFound.text().to_owned())),
    };
    Ok(text.into())
}

/// The argument of a call.
///
/// # Errors
///
/// When it is of another shape.
pub(super) fn argument<'a, T: serde::Deserialize<'a>>(request: &'a Rpc) -> Result<T, Refusal> {
    read(said(request)?)
}

/// The argument as text; `null` if there is none.
fn said(request: &Rpc) -> Result<&str, Refusal> {
    if request.data.is_empty() {
        return Ok("null");
    }
    std::str::from_utf8(&request.data).map_err(|error| (ErrorCode::BadRequest, error.to_string()))
}

/// A value as the answer of a call.
///
/// # Errors
///
/// When it cannot be written, which is a defect.
pub(super) fn result(value: &impl serde::Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| (ErrorCode::Internal, error.to_string()))
}

/// What a client reads when something was not said.
fn room_refusal(error: RoomError) -> Refusal {
    match error {
        RoomError::NoRoom(_) => (ErrorCode::UnknownChannel, error.to_string()),
        RoomError::Text(_) | RoomError::Pin(_) => (ErrorCode::BadRequest, error.to_string()),
        RoomError::Backend(error) => internal(error),
    }
}

/// Reads an argument.
///
/// # Errors
///
/// When it is of another shape.
pub(super) fn read<'a, T: serde::Deserialize<'a>>(argument: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(argument).map_err(|error| (ErrorCode::BadRequest, error.to_string()))
}
