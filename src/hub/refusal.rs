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

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::backend::MapLimit;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(error: BackendError) -> usize {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(log, || internal(error));
        let written = lines.0.lock().unwrap();
        memchr::memchr_iter(b'\n', &written).count()
    }

    #[test]
    fn a_client_that_reaches_a_limit_is_no_failure_of_ours() {
        assert_eq!(lines(BackendError::Unreachable("away".to_owned())), 1);
        assert_eq!(lines(BackendError::MapFull(MapLimit::Keys)), 0);
        assert_eq!(lines(BackendError::HistoryFull), 0);
        assert_eq!(internal(BackendError::HistoryFull).0, ErrorCode::LimitExceeded);
    }
}
