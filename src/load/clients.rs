//! The load: many clients on one thread, of which the first publishes and all count.
//!
//! It must cost little, or it takes from the server what it measures: one `epoll_wait` for up to
//! 1,024 clients, one read for each, and no copy unless a frame is cut in two.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use anyhow::Context as _;
use memchr::memmem::Finder;
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use tokio::time::Instant;

use super::{
    frames::{self, Frame, take_frame},
    speech::{Heard, Speech},
};

/// Bytes of a message, its time stamp among them.
pub const MESSAGE_BYTES: usize = 116;
/// Digits of a time stamp: nanoseconds since the load began, for three years.
const STAMP_DIGITS: usize = 17;
/// What stands before a time stamp.
const MARK: &[u8] = b"@@";
/// Clients that join at the same time: what a listener's backlog holds.
const JOINING_MAX: usize = 100;
/// How long as many may take.
const JOIN_MAX: Duration = Duration::from_secs(20);
/// How long the last messages may take; on a machine that is too busy they queue for seconds.
const DRAIN_MAX: Duration = Duration::from_secs(20);
/// The longest wait for events; more rarely would not see that time is over.
const WAIT_MAX: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Upgrading,
    Joining,
    Joined,
    /// It stopped reading, and its connection stands.
    Stopped,
    Gone,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    stage: Stage,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// What the socket did not take yet.
    outbox: Vec<u8>,
    /// Messages since counting began.
    got: u64,
}

/// What came since counting began.
#[derive(Debug, Default)]
pub struct Seen {
    /// Messages sent.
    sent: u64,
    /// Messages that came.
    pub delivered: u64,
    /// Messages that did not come, over all clients.
    pub lost: u64,
    /// Messages that came once too often.
    pub doubled: u64,
    /// Clients that the server closed; what they missed is lost.
    pub closed: u64,
    /// From publishing to reading, µs, sorted.
    latencies: Vec<u32>,
}

impl Seen {
    /// The latency that this share of the messages did not exceed, ms.
    pub fn latency_ms(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below last")]
        let at = (last as f64 * share) as usize;
        self.latencies.get(at).map_or(0.0, |us| f64::from(*us) / 1e3)
    }
}

/// The clients, and what they have seen.
#[derive(Debug)]
pub struct Load {
    speech: Speech,
    /// Bytes of a message.
    length: usize,
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    buffer: Box<[u8]>,
    mark: Finder<'static>,
    began: Instant,
    /// When counting began, in nanoseconds since the load did: what was sent before counts no more.
    since: u64,
    seen: Seen,
    /// The first words with which a client was refused or ended.
    refusal: Option<String>,
}

impl Load {
    /// Connects the clients, and waits until all are in the channel.
    ///
    /// # Errors
    ///
    /// When one cannot.
    pub fn connect(address: SocketAddr, speech: Speech, clients: usize) -> anyhow::Result<Self> {
        let mut load = Self {
            speech,
            length: MESSAGE_BYTES,
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            clients: Vec::with_capacity(clients),
            buffer: vec![0; 1 << 16].into(),
            mark: Finder::new(MARK),
            began: Instant::now(),
            since: 0,
            seen: Seen::default(),
            refusal: None,
        };
        let request = frames::request(load.speech.path(), &address.to_string());
        while load.clients.len() < clients {
            for _ in 0..JOINING_MAX.min(clients - load.clients.len()) {
                load.open(address, &request)?;
            }
            let late = Instant::now() + JOIN_MAX;
            while load.clients.iter().rev().take(JOINING_MAX).any(|client| client.stage != Stage::Joined) {
                load.turn(WAIT_MAX)?;
                anyhow::ensure!(load.seen.closed == 0, "the server refused a client {}", load.refused());
                anyhow::ensure!(Instant::now() < late, "clients do not get in within {JOIN_MAX:?}");
            }
        }
        Ok(load)
    }

    /// Has messages be longer than [`MESSAGE_BYTES`].
    pub const fn lengthen(&mut self, bytes: usize) {
        self.length = bytes;
    }

    /// Has the last clients stop reading for ever; what they are told then is not waited for.
    ///
    /// # Errors
    ///
    /// When the system does not let go of one.
    pub fn stop(&mut self, clients: usize) -> anyhow::Result<()> {
        // The first one publishes.
        let readers = self.clients.len().saturating_sub(clients).max(1);
        for client in &mut self.clients[readers..] {
            self.poll.registry().deregister(&mut client.stream)?;
            client.stage = Stage::Stopped;
        }
        Ok(())
    }

    fn refused(&self) -> &str {
        self.refusal.as_deref().unwrap_or("without a word")
    }

    fn open(&mut self, address: SocketAddr, request: &str) -> anyhow::Result<()> {
        let mut stream = std::net::TcpStream::connect(address).context("a client cannot connect")?;
        stream.set_nodelay(true)?;
        stream.write_all(request.as_bytes())?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(self.clients.len()), Interest::READABLE)?;
        let stage = Stage::Upgrading;
        self.clients.push(Client { stream, stage, rest: Vec::new(), outbox: Vec::new(), got: 0 });
        Ok(())
    }

    /// Reads, and answers what must be answered, for a time.
    ///
    /// # Errors
    ///
    /// When a client was closed.
    pub fn idle(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(WAIT_MAX)?;
        }
        anyhow::ensure!(self.seen.closed == 0, "{} clients were closed {}", self.seen.closed, self.refused());
        Ok(())
    }

    /// Has the first client publish at a rate, and waits until all came or it takes too long.
    ///
    /// # Errors
    ///
    /// When the first client was closed.
    pub fn publish(&mut self, rate: f64, seconds: f64) -> anyhow::Result<Seen> {
        let is_there = self.clients.first().is_some_and(|client| client.stage == Stage::Joined);
        anyhow::ensure!(is_there, "the server refused who publishes {}", self.refused());
        self.seen = Seen::default();
        self.since = self.now_ns();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
        let messages = (rate * seconds).round().max(1.0) as u64;
        for client in &mut self.clients {
            // Who was closed, or stopped, before misses nothing.
            client.got = if client.is_away() { messages } else { 0 };
        }
        let coming = |clients: &[Client]| -> u64 {
            // Who is closed gets no more than it has got.
            let more = |client: &Client| if client.is_away() { 0 } else { messages };
            clients.iter().map(|client| more(client).max(client.got)).sum()
        };
        let started = Instant::now();
        let due = |sent: u64| started + Duration::from_secs_f64(sent as f64 / rate);
        let late = due(messages) + DRAIN_MAX;
        let before = messages * self.clients.iter().filter(|client| client.is_away()).count() as u64;
        let (mut closed, mut wanted) = (0, coming(&self.clients) - before);
        while self.seen.sent < messages || self.seen.delivered < wanted {
            let now = Instant::now();
            if late < now {
                break;
            }
            if self.seen.sent < messages && due(self.seen.sent) <= now {
                self.say()?;
            }
            let next = if self.seen.sent < messages { due(self.seen.sent) } else { late };
            self.turn(next.saturating_duration_since(Instant::now()).min(WAIT_MAX))?;
            // What its socket did not take before.
            self.clients[0].flush();
            let is_there = self.clients[0].stage == Stage::Joined;
            anyhow::ensure!(is_there, "the server ended who publishes {}", self.refused());
            if closed != self.seen.closed {
                closed = self.seen.closed;
                wanted = coming(&self.clients) - before;
            }
        }
        let mut seen = std::mem::take(&mut self.seen);
        seen.lost = self.clients.iter().map(|client| messages.saturating_sub(client.got)).sum();
        seen.doubled = self.clients.iter().map(|client| client.got.saturating_sub(messages)).sum();
        seen.latencies.sort_unstable();
        Ok(seen)
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn say(&mut self) -> anyhow::Result<()> {
        let mark = std::str::from_utf8(MARK)?;
        let stamp = self.now_ns();
        let text = format!("{mark}{stamp:0STAMP_DIGITS$}");
        let client = &mut self.clients[0];
        let length = self.length;
        self.speech.publish(&format!("{text:.<length$}"), &mut client.outbox);
        self.seen.sent += 1;
        client.flush();
        Ok(())
    }

    fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            if client.is_away() {
                continue;
            }
            client.read(&self.speech, &mut self.buffer, |client, frame| {
                match self.speech.hear(frame, &mut client.outbox) {
                    Heard::Text => {}
                    Heard::Joined => client.stage = Stage::Joined,
                    Heard::Gone => client.stage = Stage::Gone,
                    Heard::Refused(words) => {
                        client.stage = Stage::Gone;
                        self.refusal.get_or_insert(words);
                    }
                }
                for at in self.mark.find_iter(frame.payload) {
                    let digits = frame.payload.get(at + MARK.len()..at + MARK.len() + STAMP_DIGITS);
                    let stamp = digits.and_then(number).filter(|stamp| self.since <= *stamp);
                    let Some(stamp) = stamp else { continue };
                    let ns = self.began.elapsed().as_nanos().saturating_sub(u128::from(stamp));
                    self.seen.latencies.push(u32::try_from(ns / 1_000).unwrap_or(u32::MAX));
                    self.seen.delivered += 1;
                    client.got += 1;
                }
            });
            client.flush();
            self.seen.closed += u64::from(client.stage == Stage::Gone);
        }
        Ok(())
    }
}

impl Client {
    const fn is_away(&self) -> bool {
        matches!(self.stage, Stage::Stopped | Stage::Gone)
    }

    /// Reads what there is and gives each whole frame.
    fn read(&mut self, speech: &Speech, buffer: &mut [u8], mut hear: impl FnMut(&mut Self, Frame<'_>)) {
        while self.stage != Stage::Gone {
            let count = match self.stream.read(buffer) {
                Ok(count) if 0 < count => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(_) | Err(_) => {
                    self.stage = Stage::Gone;
                    return;
                }
            };
            let mut kept = std::mem::take(&mut self.rest);
            let mut bytes = &buffer[..count];
            if !kept.is_empty() {
                kept.extend_from_slice(bytes);
                bytes = &kept;
            }
            if self.stage == Stage::Upgrading {
                self.upgrade(speech, &mut bytes);
            }
            if self.stage != Stage::Upgrading {
                while let Some(frame) = take_frame(&mut bytes) {
                    hear(self, frame);
                }
            }
            self.rest = bytes.to_vec();
            // What comes after a short read wakes the poll again.
            if count < buffer.len() {
                return;
            }
        }
    }

    /// Takes the answer to the upgrade off the bytes, if it is whole, and says what is said first.
    fn upgrade(&mut self, speech: &Speech, bytes: &mut &[u8]) {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return };
        if !bytes.starts_with(b"HTTP/1.1 101 ") {
            self.stage = Stage::Gone;
            return;
        }
        *bytes = &bytes[end + 4..];
        self.stage = if speech.begin(&mut self.outbox) { Stage::Joined } else { Stage::Joining };
    }

    fn flush(&mut self) {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(count) => drop(self.outbox.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.stage = Stage::Gone;
                    self.outbox.clear();
                }
            }
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
