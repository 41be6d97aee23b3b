//! Viewers: each subscribes to the queries of a dashboard, answers pings, and throws the rest away. One thread reads for all.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use tokio::time::Instant;
use watchroom::load::frames::{self, CLOSE, put_frame, take_frame};

/// How long all may take to be there.
const JOIN_MAX: Duration = Duration::from_secs(60);
/// Viewers that come at once.
const JOINING_MAX: usize = 50;
const BINARY: u8 = 2;
const TEXT: u8 = 1;

/// How a viewer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reads {
    /// In protobuf, or else in JSON.
    pub(crate) protobuf: bool,
    /// Compressed.
    pub(crate) deflate: bool,
}

impl Reads {
    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match (self.protobuf, self.deflate) {
            (false, false) => "JSON",
            (true, false) => "protobuf",
            (false, true) => "JSON, deflate",
            (true, true) => "protobuf, deflate",
        }
    }

    fn request(self, host: &str) -> String {
        let plain = frames::request("/connection/websocket", host);
        let mut more = String::new();
        if self.protobuf {
            more.push_str("Sec-WebSocket-Protocol: centrifuge-protobuf\r\n");
        }
        if self.deflate {
            more.push_str("Sec-WebSocket-Extensions: permessage-deflate\r\n");
        }
        plain.replacen("\r\n\r\n", &format!("\r\n{more}\r\n"), 1)
    }
}

#[derive(Debug)]
struct Viewer {
    stream: TcpStream,
    upgraded: bool,
    rest: Vec<u8>,
}

/// All viewers, and what came.
#[derive(Debug)]
pub(crate) struct Viewers {
    poll: Poll,
    events: Events,
    viewers: Vec<Viewer>,
    hello: Vec<u8>,
    buffer: Box<[u8]>,
    /// Bytes that came, as they are on the wire.
    pub(crate) bytes: u64,
    /// Frames that came.
    pub(crate) frames: u64,
    reads: Reads,
}

impl Viewers {
    /// Connects viewers that say `commands`; `is_there` tells when all are.
    ///
    /// # Errors
    ///
    /// When one cannot, or is ended.
    pub(crate) fn connect(
        address: SocketAddr,
        count: usize,
        reads: Reads,
        commands: &[Vec<u8>],
        mut is_there: impl FnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<Self> {
        let mut hello = Vec::new();
        for command in commands {
            put_frame(if reads.protobuf { BINARY } else { TEXT }, command, &mut hello);
        }
        let (poll, events) = (Poll::new()?, Events::with_capacity(1_024));
        let buffer = vec![0; 1 << 18].into();
        let mut all = Self { poll, events, viewers: Vec::new(), hello, buffer, bytes: 0, frames: 0, reads };
        let request = reads.request(&address.to_string());
        while all.viewers.len() < count {
            for _ in 0..JOINING_MAX.min(count - all.viewers.len()) {
                let mut stream = std::net::TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.write_all(request.as_bytes())?;
                stream.set_nonblocking(true)?;
                let mut stream = TcpStream::from_std(stream);
                all.poll.registry().register(&mut stream, Token(all.viewers.len()), Interest::READABLE)?;
                all.viewers.push(Viewer { stream, upgraded: false, rest: Vec::new() });
            }
            let late = Instant::now() + JOIN_MAX;
            while all.viewers.iter().any(|viewer| !viewer.upgraded) {
                all.read(Duration::from_millis(20))?;
                anyhow::ensure!(Instant::now() < late, "viewers do not get in");
            }
        }
        let late = Instant::now() + JOIN_MAX;
        while !is_there()? {
            all.read(Duration::from_millis(200))?;
            anyhow::ensure!(Instant::now() < late, "viewers do not get their queries");
        }
        Ok(all)
    }

    /// Reads for a time.
    ///
    /// # Errors
    ///
    /// When one is ended.
    pub(crate) fn read(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            match self.poll.poll(&mut self.events, Some(left)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            for event in &self.events {
                let viewer = &mut self.viewers[event.token().0];
                while let Some(count) = viewer.fill(&mut self.buffer)? {
                    self.bytes += count as u64;
                    viewer.rest.extend_from_slice(&self.buffer[..count]);
                    self.frames += viewer.take(&self.hello, self.reads)?;
                }
            }
        }
        Ok(())
    }
}

impl Viewer {
    fn fill(&mut self, buffer: &mut [u8]) -> anyhow::Result<Option<usize>> {
        match self.stream.read(buffer) {
            Ok(0) => anyhow::bail!("the server ended a viewer"),
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what is whole off what came; tells how many frames that were.
    fn take(&mut self, hello: &[u8], reads: Reads) -> anyhow::Result<u64> {
        let mut count = 0;
        let rest = std::mem::take(&mut self.rest);
        let mut bytes = &*rest;
        if !self.upgraded {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
                self.rest = rest;
                return Ok(0);
            };
            let head = String::from_utf8_lossy(&bytes[..end]);
            anyhow::ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
            let agreed = head.to_ascii_lowercase().contains("permessage-deflate");
            anyhow::ensure!(agreed == reads.deflate, "compression is not agreed on: {head}");
            bytes = &bytes[end + 4..];
            self.upgraded = true;
            self.stream.write_all(hello)?;
        }
        let (opcode, ping) = if reads.protobuf { (BINARY, &[0][..]) } else { (TEXT, &b"{}"[..]) };
        while let Some(frame) = take_frame(&mut bytes) {
            anyhow::ensure!(frame.opcode != CLOSE, "a viewer is ended: {:?}", frame.payload);
            if frame.payload == ping {
                let mut pong = Vec::new();
                put_frame(opcode, ping, &mut pong);
                self.stream.write_all(&pong)?;
            }
            count += 1;
        }
        self.rest = bytes.to_vec();
        Ok(count)
    }
}
