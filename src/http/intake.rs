//! Request bodies on their way in: each has a limit, all together have one, and none may take for ever.

use std::{io::Read, sync::Arc};

use axum::body::{Body, Bytes};
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Answer, error::Failure};
use crate::ingest::limits::PUSH_BODY_BYTES_MAX;
use crate::telemetry::{Counter, Registry};

/// Bytes of all bodies that are being read or parsed: eight of the largest. Without it a thousand slow clients could
/// make the process hold gigabytes.
pub const BODIES_BYTES_MAX: usize = 8 * PUSH_BODY_BYTES_MAX;
/// Bodies that are unpacked at the same time; others wait for their turn.
const UNPACKING_MAX: usize = 2;
/// What the budget is counted in.
const PERMIT_BYTES: usize = 1_024;
/// Seconds after which a client may try again when the budget is spent.
const RETRY_SECONDS: u32 = 1;

/// Takes bodies in.
#[derive(Debug)]
pub struct Intake {
    budget: Arc<Semaphore>,
    unpacking: Semaphore,
    too_big: Counter,
    no_room: Counter,
}

/// A body that was taken in; it counts against the budget while it lives.
#[derive(Debug)]
pub(super) struct Taken {
    bytes: Bytes,
    /// One permit for all, however many frames the body came in: frames cost nothing outside the budget.
    _room: OwnedSemaphorePermit,
}

impl std::ops::Deref for Taken {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Intake {
    /// Makes one with its counters.
    pub fn new(registry: &Registry) -> Self {
        Self::with_budget(registry, BODIES_BYTES_MAX)
    }

    fn with_budget(registry: &Registry, bytes: usize) -> Self {
        Self {
            budget: Arc::new(Semaphore::new(bytes / PERMIT_BYTES)),
            unpacking: Semaphore::new(UNPACKING_MAX),
            too_big: registry.counter("watchroom_push_too_big_total", "Push bodies over their limit."),
            no_room: registry.counter(
                "watchroom_push_no_room_total",
                "Push bodies refused because those of others filled the room for all.",
            ),
        }
    }

    /// The answer to a body that is too large, counted.
    pub(super) fn too_big(&self, detail: impl Into<String>) -> Failure {
        self.too_big.increment();
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// Reads a body, and unpacks it if it is gzip.
    pub(super) async fn take(&self, headers: &HeaderMap, mut body: Body) -> Answer<Taken> {
        let packed = match headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
            None | Some(b"identity") => false,
            Some(b"gzip") => true,
            Some(_) => {
                let detail = "Content-Encoding must be gzip or absent";
                return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
            }
        };
        let (mut bytes, mut room) = (Vec::new(), self.room(0)?);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "the body ended early"))?;
            let Ok(data) = frame.into_data() else { continue };
            if PUSH_BODY_BYTES_MAX < bytes.len() + data.len() {
                return Err(self.larger());
            }
            // Room is taken in whole permits, as the body grows past what it has.
            let permits =
                (bytes.len() + data.len()).div_ceil(PERMIT_BYTES) - bytes.len().div_ceil(PERMIT_BYTES);
            if 0 < permits {
                room.merge(self.room(permits)?);
            }
            bytes.extend_from_slice(&data);
        }
        if packed {
            (bytes, room) = self.unpacked(&bytes).await?;
        }
        Ok(Taken { bytes: bytes.into(), _room: room })
    }

    fn larger(&self) -> Failure {
        self.too_big(format!("the body is larger than {PUSH_BODY_BYTES_MAX} bytes; send it in parts"))
    }

    fn room(&self, permits: usize) -> Answer<OwnedSemaphorePermit> {
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        Arc::clone(&self.budget).try_acquire_many_owned(permits).map_err(|_| {
            self.no_room.increment();
            let detail = "other requests fill the room for bodies; try again in a second";
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(RETRY_SECONDS)
        })
    }

    async fn unpacked(&self, packed: &[u8]) -> Answer<(Vec<u8>, OwnedSemaphorePermit)> {
        // It is closed by nobody.
        let _turn = self.unpacking.acquire().await;
        let mut bytes = Vec::new();
        // One byte more than the limit tells that it is passed.
        let mut decoder = MultiGzDecoder::new(packed).take(PUSH_BODY_BYTES_MAX as u64 + 1);
        decoder.read_to_end(&mut bytes).map_err(|error| {
            Failure::new(StatusCode::BAD_REQUEST, format!("the body is not gzip: {error}"))
        })?;
        if PUSH_BODY_BYTES_MAX < bytes.len() {
            return Err(self.larger());
        }
        let room = self.room(bytes.len().div_ceil(PERMIT_BYTES))?;
        Ok((bytes, room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(intake: &Intake, bytes: usize) -> Result<Taken, StatusCode> {
        let taken = intake.take(&HeaderMap::new(), Body::from(vec![b'x'; bytes])).await;
        taken.map_err(|failure| failure.status())
    }

    #[tokio::test]
    async fn bodies_share_one_budget() {
        let intake = Intake::with_budget(&Registry::default(), 10 * PERMIT_BYTES);
        let first = status(&intake, 9 * PERMIT_BYTES).await.unwrap();
        assert_eq!(first.len(), 9 * PERMIT_BYTES);
        assert_eq!(status(&intake, PERMIT_BYTES + 1).await.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(intake.no_room.get(), 1);
        drop(first);
        assert!(status(&intake, PERMIT_BYTES + 1).await.is_ok());
    }

    #[tokio::test]
    async fn many_frames_hold_one_permit() {
        const FRAMES: usize = 3 * PERMIT_BYTES + 1;
        let intake = Intake::with_budget(&Registry::default(), 10 * PERMIT_BYTES);
        let frames = (0..FRAMES).map(|_| Ok::<_, std::io::Error>("x"));
        let body = Body::from_stream(futures_util::stream::iter(frames));
        let taken = intake.take(&HeaderMap::new(), body).await.unwrap();
        assert_eq!(taken.len(), FRAMES);
        assert_eq!(taken._room.num_permits(), 4);
        assert_eq!(intake.budget.available_permits(), 6);
        drop(taken);
        assert_eq!(intake.budget.available_permits(), 10);
    }

    #[tokio::test]
    async fn a_body_has_a_limit_of_its_own() {
        let intake = Intake::new(&Registry::default());
        let over = status(&intake, PUSH_BODY_BYTES_MAX + 1).await.err();
        assert_eq!(over, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(intake.too_big.get(), 1);
    }
}
