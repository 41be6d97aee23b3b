//! Calls about alerts; `docs/protocol.md` lists them.

use serde_json::json;

use super::{
    Hub,
    refusal::{Refusal, internal},
    rpc::read,
};
use crate::alerts::{AckCall, AlertsError, EndCall, SilenceCall, Span};
use crate::model::Person;
use crate::wire::centrifugo::ErrorCode;

/// Answers `episodes`.
pub(super) async fn episodes(hub: &Hub, argument: &str) -> Result<String, Refusal> {
    let span: Span = read(argument)?;
    hub.0.parts.alerts.episodes(span).await.map_err(refusal)
}

/// Answers what a person does with alerts.
pub(super) async fn act(hub: &Hub, method: &str, argument: &str, person: Person) -> Result<String, Refusal> {
    let alerts = &hub.0.parts.alerts;
    let nothing = || "{}".to_owned();
    let done = match method {
        "ack" => alerts.ack(person, read::<AckCall>(argument)?).await.map(|()| nothing()),
        "unack" => alerts.unack(person, read::<AckCall>(argument)?).await.map(|()| nothing()),
        "silence" => {
            alerts.silence(person, read::<SilenceCall>(argument)?).await.map(|made| json!(made).to_string())
        }
        _ => {
            alerts.end_silence(person, read::<EndCall>(argument)?).await.map(|ended| json!(ended).to_string())
        }
    };
    done.map_err(refusal)
}

/// What a client reads of a failure.
fn refusal(error: AlertsError) -> Refusal {
    let code = match error {
        AlertsError::NoAlert(_)
        | AlertsError::Over
        | AlertsError::NoSilence(_)
        | AlertsError::Ended
        | AlertsError::NoRoom(_)
        | AlertsError::Silence(_)
        | AlertsError::Reason(_) => ErrorCode::BadRequest,
        AlertsError::TooMany | AlertsError::TooManyRegexes => ErrorCode::LimitExceeded,
        AlertsError::Backend(error) => return internal(error),
        AlertsError::Stopped => ErrorCode::Internal,
    };
    (code, error.to_string())
}
