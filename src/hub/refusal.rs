//! What a client reads when a command failed.

use crate::backend::BackendError;
use crate::journal::JournalError;
use crate::wire::Close;
use crate::wire::centrifugo::ErrorCode;

/// A command that failed: the code, and words that say what to do.
pub(super) type Refusal = (ErrorCode, String);

/// Why a command is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is answered with an error.
    Refuse(Refusal),
    /// The connection ends.
    Close(Close),
}

impl Stop {
    /// An error in Centrifugo's own words.
    pub(super) fn refuse(code: ErrorCode) -> Self {
        Self::Refuse((code, code.text().to_owned()))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl From<Close> for Stop {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// The public side of a failure of ours; the inner one is logged once, here.
#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
pub(super) fn internal(error: BackendError) -> Refusal {
    // Limits are counted where they are; a client could fill the log with them.
    if let BackendError::HistoryFull | BackendError::MapFull(_) = error {
        return (ErrorCode::LimitExceeded, error.to_string());
    }
    tracing::warn!(error = %error, "backend failed");
    let text = match error {
        BackendError::Journal(JournalError::Refused(_)) => {
            "nothing was stored: this server's disk takes nothing now; try again in a moment"
        }
        BackendError::Journal(JournalError::Slow) => {
            "this server's disk does not keep up; try again in a moment"
        }
        BackendError::Unreachable(_) => "the server cannot reach its Redis; try again in a moment",
        _ => ErrorCode::Internal.text(),
    };
    (ErrorCode::Internal, text.to_owned())
}
