//! One client's socket: written directly, and through a queue only when it would block.

use std::{
    io::{self, IoSlice},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::{net::TcpStream, sync::Notify, time::timeout};

use super::{
    counters::Counters,
    outbox::{Delivery, Outbox, REPLY_BYTES_LOW, Verdict},
};
use crate::wire::centrifugo::{Push, PushBody};
use crate::wire::{Close, Frame};

/// How long a client may take to read the replies that it asked for.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Frames that one vectored write takes.
const SLICES_MAX: usize = 32;

/// Which of at most [`SLICES_MAX`] frames are meant.
#[derive(Debug, Clone, Copy)]
struct Kept(u32);

impl FromIterator<bool> for Kept {
    fn from_iter<I: IntoIterator<Item = bool>>(each: I) -> Self {
        Self(each.into_iter().enumerate().fold(0, |set, (i, has)| set | u32::from(has) << i))
    }
}

impl Kept {
    const fn has(self, i: usize) -> bool {
        self.0 >> i & 1 == 1
    }
}

/// A client's socket with what waits for it.
#[derive(Debug)]
pub struct Connection {
    /// Small and unique on this node.
    pub number: u64,
    socket: TcpStream,
    outbox: Mutex<Outbox>,
    /// Wakes the reader's task: something waits for the socket, or the connection must end.
    wake: Notify,
    closing: AtomicBool,
    /// Pings sent since the last pong.
    unanswered: AtomicU32,
    counters: Counters,
}

impl Connection {
    /// Takes over an upgraded socket.
    pub fn new(number: u64, socket: TcpStream, counters: Counters) -> Self {
        Self {
            number,
            socket,
            outbox: Mutex::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            unanswered: AtomicU32::new(0),
            counters,
        }
    }

    /// The socket, for reading.
    pub const fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// What wakes the reader's task.
    pub const fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Whether the connection is to end as soon as its queue is written.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything waits for the socket.
    pub fn has_waiting(&self) -> bool {
        !self.outbox().is_empty()
    }

    /// Bytes that wait for the socket.
    pub fn waiting_bytes(&self) -> usize {
        self.outbox().bytes()
    }

    /// Writes a frame, or queues what the socket does not take.
    ///
    /// *Cost*: one uncontended lock and one `write(2)` where nothing waits.
    pub fn send(&self, frame: &Frame, delivery: Delivery) {
        self.send_all(&[(frame, delivery)]);
    }

    /// Writes frames in their order, or queues what the socket does not take.
    ///
    /// *Cost*: one uncontended lock and one `writev(2)` for each 32 frames where nothing waits.
    pub fn send_all(&self, frames: &[(&Frame, Delivery)]) {
        for some in frames.chunks(SLICES_MAX) {
            self.send_some(some);
        }
    }

    fn send_some(&self, frames: &[(&Frame, Delivery)]) {
        if self.is_closing() {
            return;
        }
        let mut outbox = self.outbox();
        // Judged once for all: the rate may change while they are counted.
        let kept: Kept = frames.iter().map(|(_, delivery)| !outbox.skips(*delivery)).collect();
        let written = if outbox.is_empty() { self.write(frames, kept) } else { Ok(0) };
        let Ok(mut written) = written else {
            drop(outbox);
            self.end();
            return;
        };
        let (mut whole_again, mut verdicts) = (false, Vec::new());
        for (i, (frame, delivery)) in frames.iter().enumerate() {
            let bytes = frame.bytes();
            if !kept.has(i) {
                self.counters.steps_dropped.increment();
            } else if bytes.len() <= written {
                written -= bytes.len();
                whole_again |= outbox.passed(*delivery);
            } else {
                verdicts.push(outbox.push(bytes, std::mem::take(&mut written), *delivery));
            }
        }
        drop(outbox);
        if whole_again {
            self.send(&slowed_message(None), Delivery::Event);
        }
        for verdict in verdicts {
            self.judge(verdict);
        }
    }

    /// Writes what is kept of some frames; tells how many bytes the socket took.
    ///
    /// # Errors
    ///
    /// When the peer is gone.
    fn write(&self, frames: &[(&Frame, Delivery)], kept: Kept) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let mut used = 0;
        for (i, (frame, _)) in frames.iter().enumerate() {
            if kept.has(i) {
                slices[used] = IoSlice::new(frame.bytes());
                used += 1;
            }
        }
        let written = match &slices[..used] {
            [] => return Ok(0),
            [one] => self.socket.try_write(one),
            some => self.socket.try_write_vectored(some),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }

    fn judge(&self, verdict: Verdict) {
        self.wake.notify_one();
        match verdict {
            Verdict::Queued => {}
            Verdict::Dropped => self.counters.signals_dropped.increment(),
            Verdict::Slowed { every, dropped } => {
                self.counters.steps_dropped.add(dropped as u64);
                self.counters.slowed.increment();
                let told = slowed_message(Some(every));
                let verdict = self.outbox().push(told.bytes(), 0, Delivery::Event);
                if verdict == Verdict::Overflow {
                    self.close(Close::Slow);
                }
            }
            Verdict::Overflow => self.close(Close::Slow),
        }
    }

    /// Queues a close frame behind what waits; the reader's task ends the connection once it is written, or
    /// after a while without it.
    pub fn close(&self, close: Close) {
        if self.close_with(&Frame::close(close)) {
            self.counters.closed(close);
        }
    }

    /// Like [`Connection::close`], with a frame of one's own; tells whether it was the first.
    pub fn close_with(&self, frame: &Frame) -> bool {
        if self.closing.swap(true, Ordering::AcqRel) {
            return false;
        }
        let mut outbox = self.outbox();
        let written = if outbox.is_empty() { self.socket.try_write(frame.bytes()).unwrap_or(0) } else { 0 };
        if written < frame.bytes().len() {
            // Its verdict does not matter: the connection ends in any case.
            outbox.push(frame.bytes(), written, Delivery::Event);
        }
        drop(outbox);
        self.wake.notify_one();
        true
    }

    /// Ends without a word: the peer is gone.
    pub fn end(&self) {
        self.closing.store(true, Ordering::Release);
        *self.outbox() = Outbox::default();
        self.wake.notify_one();
    }

    /// Writes what waits, until the socket would block.
    ///
    /// # Errors
    ///
    /// When the peer is gone.
    pub fn flush(&self) -> io::Result<()> {
        let mut outbox = self.outbox();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let used = outbox.fill(&mut slices);
            match self.socket.try_write_vectored(&slices[..used]) {
                Ok(written) => outbox.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let must_recover = outbox.must_recover();
        drop(outbox);
        if must_recover {
            self.close(Close::InsufficientState);
        }
        Ok(())
    }

    /// Waits until little waits for the socket, and at most ten seconds: a client that asks for much and reads
    /// nothing is closed as slow.
    pub async fn drained(&self) {
        let drain = async {
            while REPLY_BYTES_LOW < self.waiting_bytes() && !self.is_closing() {
                if self.socket.writable().await.is_err() || self.flush().is_err() {
                    self.end();
                }
            }
        };
        if timeout(DRAIN_MAX, drain).await.is_err() {
            self.close(Close::Slow);
        }
    }

    /// Counts a ping; tells whether the one before was answered.
    pub fn pinged(&self) -> bool {
        self.unanswered.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// A pong came.
    pub fn ponged(&self) {
        self.unanswered.store(0, Ordering::Relaxed);
    }
}

/// Tells a client that its steps come at another rate.
fn slowed_message(every: Option<u64>) -> Frame {
    let text = every.map_or_else(
        || r#"{"slowed":null}"#.to_owned(),
        |every| format!(r#"{{"slowed":{{"every":{every},"step":{}}}}}"#, every * 1_000),
    );
    // The text above is JSON.
    let data = RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned());
    Push { channel: "", body: PushBody::Message { data: &data } }.frame()
}
