//! A stream whose peer must go on reading.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use crate::telemetry::Counter;

/// How long an answer may wait for its reader to take a byte more of it.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(30);

/// Fails when nothing could be written for [`WRITE_STALL_MAX`]. Whatever is written starts the time anew, and while
/// nothing waits to be written there is none.
#[derive(Debug)]
pub(super) struct Progress<S> {
    stream: S,
    /// When what waits now has waited too long.
    deadline: Option<Pin<Box<Sleep>>>,
    stalled: Counter,
}

impl<S> Progress<S> {
    /// Watches a stream; `stalled` counts when it fails.
    pub(super) const fn new(stream: S, stalled: Counter) -> Self {
        Self { stream, deadline: None, stalled }
    }

    /// The stream, no longer watched.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    fn watched<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.deadline = None;
            return result;
        }
        ready!(self.deadline.get_or_insert_with(|| Box::pin(sleep(WRITE_STALL_MAX))).as_mut().poll(cx));
        self.deadline = None;
        self.stalled.increment();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Progress<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Progress<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watched(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watched(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    // These write nothing on TCP, so they say nothing of the reader.

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_is_given_up() {
        let (stream, _reader) = duplex(4);
        let stalled = Counter::default();
        let mut stream = Progress::new(stream, stalled.clone());
        let start = Instant::now();
        let error = stream.write_all(b"more than four").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), WRITE_STALL_MAX);
        assert_eq!(stalled.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_may_be_slow_and_a_writer_silent() {
        let (stream, mut reader) = duplex(1);
        let stalled = Counter::default();
        let mut stream = Progress::new(stream, stalled.clone());
        let write = async {
            stream.write_all(b"slow").await.unwrap();
            sleep(2 * WRITE_STALL_MAX).await;
            stream.write_all(b"ly").await.unwrap();
            drop(stream);
        };
        let read = async {
            let mut text = String::new();
            loop {
                // Each byte comes late, but comes.
                sleep(WRITE_STALL_MAX - Duration::from_secs(1)).await;
                match reader.read_u8().await {
                    Ok(byte) => text.push(char::from(byte)),
                    Err(_) => return text,
                }
            }
        };
        let ((), text) = tokio::join!(write, read);
        assert_eq!(text, "slowly");
        assert_eq!(stalled.get(), 0);
    }
}
