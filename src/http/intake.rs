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
/// Bytes, unpacked, of a body that is unpacked and parsed where it arrives: under a millisecond. A larger one goes to
/// a thread of its own, as it would keep others on its runtime thread waiting.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// Larger bodies that are unpacked or parsed at the same time, 16 MiB unpacked; others wait for their turn.
const LARGE_BODIES_MAX: usize = 2;
/// What the budget is counted in.
const PERMIT_BYTES: usize = 1_024;
/// Seconds after which a client may try again when the budget is spent.
const RETRY_SECONDS: u32 = 1;

/// Takes bodies in.
#[derive(Debug)]
pub struct Intake {
    budget: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    too_big: Counter,
    no_room: Counter,
    waited: Counter,
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
            turns: Arc::new(Semaphore::new(LARGE_BODIES_MAX)),
            too_big: registry.counter("watchroom_push_too_big_total", "Push bodies over their limit."),
            no_room: registry.counter(
                "watchroom_push_no_room_total",
                "Push bodies refused because those of others filled the room for all.",
            ),
            waited: registry.counter(
                "watchroom_push_waited_total",
                "Large bodies that waited until others were worked on.",
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
            (bytes, room) = self.unpacked(bytes, room).await?;
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

    async fn unpacked(
        &self,
        packed: Vec<u8>,
        room: OwnedSemaphorePermit,
    ) -> Answer<(Vec<u8>, OwnedSemaphorePermit)> {
        // How large it is unpacked shows only then: it is begun here, and anew on another thread if it is large.
        let mut bytes = if packed.len() <= INLINE_BYTES_MAX {
            unpack(&packed, INLINE_BYTES_MAX)?
        } else {
            Unpacked::Larger
        };
        if matches!(bytes, Unpacked::Larger) {
            let work = move || {
                let _room = room;
                unpack(&packed, PUSH_BODY_BYTES_MAX)
            };
            bytes = self.aside(work).await??;
        }
        let Unpacked::Whole(bytes) = bytes else { return Err(self.larger()) };
        let room = self.room(bytes.len().div_ceil(PERMIT_BYTES))?;
        Ok((bytes, room))
    }

    /// Parses a body, off the runtime's threads if it is large.
    pub(super) async fn parse<T: Send + 'static>(
        &self,
        body: Taken,
        parse: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Answer<T> {
        if body.len() <= INLINE_BYTES_MAX { Ok(parse(&body)) } else { self.aside(move || parse(&body)).await }
    }

    /// Works on a large body off the runtime's threads, when it is its turn.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let turn = if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            Ok(turn)
        } else {
            self.waited.increment();
            Arc::clone(&self.turns).acquire_owned().await
        };
        let worked = tokio::task::spawn_blocking(move || {
            // Held here, as work goes on when nobody waits for it any more. It is closed by nobody.
            let _turn = turn;
            work()
        });
        worked.await.map_err(|error| Failure::internal(&error))
    }
}

/// What came of unpacking.
enum Unpacked {
    Whole(Vec<u8>),
    /// It has more than was allowed.
    Larger,
}

fn unpack(packed: &[u8], bytes_max: usize) -> Answer<Unpacked> {
    let mut bytes = Vec::new();
    // One byte more than the limit tells that it is passed.
    let mut decoder = MultiGzDecoder::new(packed).take(bytes_max as u64 + 1);
    decoder
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, format!("the body is not gzip: {error}")))?;
    Ok(if bytes.len() <= bytes_max { Unpacked::Whole(bytes) } else { Unpacked::Larger })
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

    fn packed(bytes: usize) -> (HeaderMap, Body) {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b'x'; bytes]).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, "gzip".parse().unwrap())]);
        (headers, Body::from(encoder.finish().unwrap()))
    }

    #[tokio::test]
    async fn packed_bodies_small_and_large_are_unpacked() {
        let intake = Intake::new(&Registry::default());
        for bytes in [0, 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, PUSH_BODY_BYTES_MAX] {
            let (headers, body) = packed(bytes);
            let taken = intake.take(&headers, body).await.unwrap();
            assert_eq!(taken.len(), bytes);
            assert_eq!(taken._room.num_permits(), bytes.div_ceil(PERMIT_BYTES));
        }
        let (headers, body) = packed(PUSH_BODY_BYTES_MAX + 1);
        let over = intake.take(&headers, body).await.err().map(|failure| failure.status());
        assert_eq!(over, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn large_bodies_are_parsed_in_turn_and_elsewhere() {
        let intake = Intake::new(&Registry::default());
        let here = std::thread::current().id();
        let thread = |_: &[u8]| std::thread::current().id();
        let small = status(&intake, INLINE_BYTES_MAX).await.unwrap();
        let large = status(&intake, INLINE_BYTES_MAX + 1).await.unwrap();
        let turns = Arc::clone(&intake.turns).acquire_many_owned(2).await.unwrap();
        assert_eq!(turns.num_permits(), LARGE_BODIES_MAX);
        assert_eq!(intake.parse(small, thread).await.unwrap(), here, "a small one does not wait");
        let mut parsed = std::pin::pin!(intake.parse(large, thread));
        assert!(futures_util::poll!(parsed.as_mut()).is_pending());
        assert_eq!(intake.waited.get(), 1);
        drop(turns);
        assert_ne!(parsed.await.unwrap(), here);
        assert_eq!(intake.waited.get(), 1);
        assert_eq!(intake.budget.available_permits(), BODIES_BYTES_MAX / PERMIT_BYTES);
    }

    #[tokio::test]
    async fn a_body_has_a_limit_of_its_own() {
        let intake = Intake::new(&Registry::default());
        let over = status(&intake, PUSH_BODY_BYTES_MAX + 1).await.err();
        assert_eq!(over, Some(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(intake.too_big.get(), 1);
    }
}
