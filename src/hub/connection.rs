//! One client's socket: written directly, and through a queue only when it would block.

mod about;
mod control;
mod pulse;
mod waiting;

use std::{
    io::{self, IoSlice},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{net::TcpStream, sync::Notify, time::timeout};

use super::{
    ledger::Ledger,
    outbox::{Delivery, Outbox, REPLY_BYTES_LOW, Verdict},
};
use crate::wire::centrifugo::{Push, PushBody, Reply};
use crate::wire::{Cast, Close, Dialect, Frame, View};
pub use about::{About, Sent};
pub use control::Control;
use pulse::Times;
use waiting::Waiting;

/// How long a client may take to read the replies that it asked for.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Bytes that are taken at once where there is no socket.
const TAKEN_MAX: usize = 64 * 1024;
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

/// What a connection is from its beginning.
#[derive(Debug)]
pub struct Opened {
    /// Small and unique on this node.
    pub number: u64,
    /// Its id, unique on all nodes.
    pub client: String,
    /// When it began, ms since the epoch.
    pub since: i64,
}

/// Where what a client is told goes.
#[derive(Debug)]
enum Way {
    /// To its socket.
    Socket(TcpStream),
    /// To its task, which takes it to be written elsewhere, and tells so.
    Taken(Box<Notify>),
}

/// A client's connection with what waits for it.
#[derive(Debug)]
pub struct Connection {
    /// Small and unique on this node.
    pub number: u64,
    /// Its id, unique on all nodes.
    pub client: Box<str>,
    /// How it reads.
    pub dialect: Dialect,
    /// Since when it is there, ms since the epoch.
    pub since: i64,
    way: Way,
    outbox: Mutex<Outbox>,
    about: Mutex<About>,
    /// Bytes of events that may wait.
    event_bytes_max: usize,
    controls: Mutex<Vec<Control>>,
    /// Wakes the reader's task: something waits for the socket or the session, or the connection must end.
    wake: Notify,
    closing: AtomicBool,
    /// Whether a ping is on its way; see `pulse`.
    ping: AtomicU8,
    /// Whether pings are frames of the WebSocket.
    has_frame_pings: AtomicBool,
    times: Mutex<Times>,
    /// Bytes of what is held back in its channels; changed by its shard alone.
    pub held_bytes: AtomicUsize,
    ledger: Arc<Ledger>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.note_end();
    }
}

impl Connection {
    /// Takes over an upgraded socket, or begins a connection whose task takes what waits.
    pub fn new(
        Opened { number, client, since }: Opened,
        (socket, dialect): (Option<TcpStream>, Dialect),
        event_bytes_max: usize,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            number,
            client: client.into(),
            dialect,
            since,
            way: socket.map_or_else(|| Way::Taken(Box::default()), Way::Socket),
            outbox: Mutex::default(),
            about: Mutex::default(),
            event_bytes_max,
            controls: Mutex::default(),
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            ping: AtomicU8::new(pulse::UNPINGED),
            has_frame_pings: AtomicBool::new(false),
            times: Mutex::default(),
            held_bytes: AtomicUsize::new(0),
            ledger,
        }
    }

    /// The socket, for reading.
    pub const fn socket(&self) -> Option<&TcpStream> {
        match &self.way {
            Way::Socket(socket) => Some(socket),
            Way::Taken(_) => None,
        }
    }

    /// Wakes who waits until little waits to be written elsewhere.
    fn note_taken(&self) {
        if let Way::Taken(taken) = &self.way {
            taken.notify_one();
        }
    }

    /// What wakes the reader's task.
    pub const fn wake(&self) -> &Notify {
        &self.wake
    }

    /// Asks the session to do something.
    pub fn ask(&self, control: Control) {
        self.controls.lock().unwrap_or_else(PoisonError::into_inner).push(control);
        self.wake.notify_one();
    }

    /// What the session was asked to do.
    pub fn asked(&self) -> Vec<Control> {
        std::mem::take(&mut *self.controls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the connection is to end as soon as its queue is written.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    fn outbox(&self) -> Waiting<'_> {
        Waiting::lock(&self.outbox, &self.ledger)
    }

    /// Writes a frame, or queues what the socket does not take.
    ///
    /// *Cost*: one uncontended lock and one `write(2)` where nothing waits.
    pub fn send(&self, frame: &Frame, delivery: Delivery) {
        self.send_all(&[(frame, delivery)]);
    }

    /// Writes a push, in this connection's way of reading.
    pub fn cast(&self, cast: &Cast, view: View, delivery: Delivery) {
        match cast.frame(self.dialect, view) {
            Some(frame) => self.send(frame, delivery),
            None => self.close(&Close::InappropriateProtocol),
        }
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
        let mut outbox = self.outbox();
        // Under the lock, so that nothing is written behind a close frame.
        if self.is_closing() {
            return;
        }
        // Judged once for all: the rate may change while they are counted.
        let kept: Kept = frames.iter().map(|(_, delivery)| !outbox.skips(*delivery)).collect();
        let written = if outbox.is_empty() { self.write(frames, kept) } else { Ok(0) };
        let Ok(mut written) = written else {
            drop(outbox);
            self.end();
            return;
        };
        // Without a socket everything waits, and what nothing waits before is no burden.
        let is_handed = self.socket().is_none() && outbox.is_empty();
        let (mut whole_again, mut verdicts) = (false, Vec::new());
        for (i, (frame, delivery)) in frames.iter().enumerate() {
            let delivery =
                if is_handed && *delivery == Delivery::Signal { &Delivery::Event } else { delivery };
            let bytes = frame.bytes();
            if !kept.has(i) {
                self.ledger.counters.steps_dropped.add(u64::from(frame.messages()));
            } else if bytes.len() <= written {
                written -= bytes.len();
                outbox.count_sent(frame);
                whole_again |= outbox.passed(*delivery);
            } else if is_handed {
                let (verdict, is_whole) = outbox.hand(frame, *delivery, self.event_bytes_max);
                verdicts.push(verdict);
                whole_again |= is_whole;
            } else {
                verdicts.push(outbox.push(
                    frame,
                    std::mem::take(&mut written),
                    *delivery,
                    self.event_bytes_max,
                ));
            }
        }
        drop(outbox);
        if whole_again {
            self.send(&slowed_message(self.dialect, None), Delivery::Event);
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
        let Some(socket) = self.socket() else { return Ok(0) };
        let written = match &slices[..used] {
            [] => return Ok(0),
            [one] => socket.try_write(one),
            some => socket.try_write_vectored(some),
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
            Verdict::Dropped => self.ledger.counters.signals_dropped.increment(),
            Verdict::Slowed { every, dropped } => {
                self.ledger.counters.steps_dropped.add(dropped as u64);
                self.ledger.counters.slowed.increment();
                let told = slowed_message(self.dialect, Some(every));
                let verdict = self.outbox().push(&told, 0, Delivery::Event, self.event_bytes_max);
                if verdict == Verdict::Overflow {
                    self.close(&Close::Slow);
                }
            }
            Verdict::Overflow => self.close(&Close::Slow),
        }
    }

    /// Queues a close frame behind what waits; the reader's task ends the connection once it is written, or
    /// after a while without it.
    pub fn close(&self, close: &Close) {
        if self.close_with(&self.dialect.close(close)) {
            self.ledger.counters.closed(close);
        }
    }

    /// Like [`Connection::close`], with a frame of one's own; tells whether it was the first.
    pub fn close_with(&self, frame: &Frame) -> bool {
        let mut outbox = self.outbox();
        if self.closing.swap(true, Ordering::AcqRel) {
            return false;
        }
        let socket = self.socket().filter(|_| outbox.is_empty());
        let written = socket.and_then(|socket| socket.try_write(frame.bytes()).ok()).unwrap_or(0);
        if written < frame.bytes().len() {
            // Its verdict does not matter: the connection ends in any case.
            outbox.push(frame, written, Delivery::Event, self.event_bytes_max);
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
        self.note_taken();
    }

    /// Takes what waits, some 64 KiB of it, to be written elsewhere.
    pub fn take(&self) -> Vec<Bytes> {
        let mut outbox = self.outbox();
        let taken = outbox.take(TAKEN_MAX);
        let must_recover = outbox.must_recover();
        drop(outbox);
        if must_recover {
            self.close(&Close::InsufficientState);
        }
        self.note_taken();
        taken
    }

    /// Writes what waits, until the socket would block.
    ///
    /// # Errors
    ///
    /// When the peer is gone.
    pub fn flush(&self) -> io::Result<()> {
        let Some(socket) = self.socket() else { return Ok(()) };
        let mut outbox = self.outbox();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let used = outbox.fill(&mut slices);
            match socket.try_write_vectored(&slices[..used]) {
                Ok(written) => outbox.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let must_recover = outbox.must_recover();
        drop(outbox);
        if must_recover {
            self.close(&Close::InsufficientState);
        }
        Ok(())
    }

    /// Waits until little waits to be written, and at most ten seconds: a client that asks for much and reads
    /// nothing is closed as slow.
    pub async fn drained(&self) {
        let drain = async {
            while REPLY_BYTES_LOW < self.waiting_bytes() && !self.is_closing() {
                match &self.way {
                    Way::Socket(socket) => {
                        if socket.writable().await.is_err() || self.flush().is_err() {
                            self.end();
                        }
                    }
                    Way::Taken(taken) => taken.notified().await,
                }
            }
        };
        if timeout(DRAIN_MAX, drain).await.is_err() {
            self.close(&Close::Slow);
        }
    }
}

/// Tells a client that its steps come at another rate.
fn slowed_message(dialect: Dialect, every: Option<u64>) -> Frame {
    let text = every.map_or_else(
        || r#"{"slowed":null}"#.to_owned(),
        |every| format!(r#"{{"slowed":{{"every":{every},"step":{}}}}}"#, every * 1_000),
    );
    let push = Push::new("", PushBody::Message(text.into()));
    dialect.frame(&[Reply::push(push).encode(dialect.protocol).unwrap_or_default()])
}
