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
use crate::wire::centrifugo::{ClientInfo, Push, PushBody};
use crate::wire::{Close, Frame};

/// How long a client may take to read the replies that it asked for.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Frames that one vectored write takes.
const SLICES_MAX: usize = 32;

/// A client's socket with what waits for it.
#[derive(Debug)]
pub struct Connection {
    /// Who it is.
    pub info: ClientInfo,
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
    pub fn new(info: ClientInfo, number: u64, socket: TcpStream, counters: Counters) -> Self {
        Self {
            info,
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
        if self.is_closing() {
            return;
        }
        let mut outbox = self.outbox();
        if outbox.skips(delivery) {
            self.counters.steps_dropped.increment();
            return;
        }
        let bytes = frame.bytes();
        let written = if outbox.is_empty() { self.socket.try_write(bytes) } else { Ok(0) };
        let written = match written {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => {
                drop(outbox);
                self.end();
                return;
            }
        };
        if written == bytes.len() {
            let whole_again = outbox.passed(delivery);
            drop(outbox);
            if whole_again {
                self.send(&slowed_message(None), Delivery::Event);
            }
            return;
        }
        let verdict = outbox.push(bytes, written, delivery);
        drop(outbox);
        self.judge(verdict);
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
        self.counters.closed(close);
        self.close_with(&Frame::close(close));
    }

    /// Like [`Connection::close`], with a frame of one's own.
    pub fn close_with(&self, frame: &Frame) {
        if self.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut outbox = self.outbox();
        let written = if outbox.is_empty() { self.socket.try_write(frame.bytes()).unwrap_or(0) } else { 0 };
        if written < frame.bytes().len() {
            // Its verdict does not matter: the connection ends in any case.
            outbox.push(frame.bytes(), written, Delivery::Event);
        }
        drop(outbox);
        self.wake.notify_one();
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
