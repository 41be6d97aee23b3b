//! The ways in: what a connection is when it begins.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use tokio::{net::TcpStream, sync::mpsc};

use super::{
    Hub,
    connection::{Connection, Opened},
    emulated,
    options::Options,
    reader,
    seat::Seat,
    session::Session,
    shard::Command,
};
use crate::wire::{Close, Dialect};

/// A socket that speaks WebSocket from here on.
#[derive(Debug)]
pub struct Upgraded {
    /// The socket.
    pub socket: TcpStream,
    /// Who is at its other end.
    pub peer: SocketAddr,
    /// What came right behind the handshake.
    pub leftover: Bytes,
    /// How it reads.
    pub dialect: Dialect,
    /// Whether a page of our own asks.
    pub is_page: bool,
    /// Whether it is pinged by frames of the WebSocket, and not by messages.
    pub has_frame_pings: bool,
    /// Its place among all.
    pub seat: Seat,
}

impl Hub {
    /// What holds for all connections.
    pub fn options(&self) -> &Options {
        &self.0.parts.options
    }

    /// Runs a task that shutdown waits for: an upgrade under way.
    pub fn track<F: Future<Output = ()> + Send + 'static>(&self, task: F) {
        self.0.supervisor.track(task);
    }

    /// Serves an upgraded socket until it ends.
    pub fn accept(&self, upgraded: Upgraded) {
        let Upgraded { socket, peer, leftover, dialect, is_page, has_frame_pings, seat } = upgraded;
        let connection = self.open(Some(socket), dialect);
        if has_frame_pings {
            connection.ping_by_frames();
        }
        tracing::debug!(connection.number = connection.number, connection.peer = %peer, "connection opened");
        let hub = self.clone();
        self.0.supervisor.track(async move {
            reader::run(&hub, connection, is_page, leftover).await;
            drop(seat);
            hub.closed();
        });
    }

    /// Serves a client whose commands come by another way than what it is told; returns what is to be written to it.
    pub fn emulate(
        &self,
        dialect: Dialect,
        is_page: bool,
        first: Bytes,
        seat: Seat,
    ) -> mpsc::Receiver<Bytes> {
        let connection = self.open(None, dialect);
        tracing::debug!(connection.number = connection.number, "connection opened");
        let (body, chunks) = mpsc::channel(1);
        let hub = self.clone();
        self.0.supervisor.track(async move {
            emulated::run(&hub, connection, is_page, first, body).await;
            drop(seat);
            hub.closed();
        });
        chunks
    }

    /// Hands commands to a session; tells whether it is of this node.
    pub async fn emulated(&self, node: &str, session: &str, commands: Bytes) -> bool {
        if node != self.0.parts.node {
            return false;
        }
        // One that ended meanwhile has told its client so in its own response.
        self.0.sessions.hand(session, commands).await;
        true
    }

    fn open(&self, socket: Option<TcpStream>, dialect: Dialect) -> Arc<Connection> {
        let number = self.0.next_number.fetch_add(1, Ordering::Relaxed);
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.counters.connections.add(1.0);
        let event_bytes_max = self.0.parts.options.queue_max_size;
        let ledger = Arc::clone(self.ledger(number));
        let opened = Opened { number, client: client_id(), since: self.0.parts.clock.now_ms() };
        Arc::new(Connection::new(opened, (socket, dialect), event_bytes_max, ledger))
    }

    /// Puts a new connection on its shard.
    pub(super) async fn begin(&self, connection: &Arc<Connection>) {
        let open = Command::Open(Arc::clone(connection));
        if self.shard(connection.number).send(open).await.is_err() {
            connection.close(&Close::Shutdown);
        }
    }

    /// Takes a connection off the hub, with all that its session is in.
    pub(super) async fn finish(&self, connection: &Connection, session: Session) {
        connection.end();
        Box::pin(session.end()).await;
        // A shard that has stopped has forgotten the connection.
        drop(self.shard(connection.number).send(Command::Gone(connection.number)).await);
        tracing::debug!(connection.number = connection.number, "connection ended");
    }

    fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.counters.connections.add(-1.0);
    }
}

/// An id that no other connection of any node has, and that nobody can guess: a random UUID. Who knows that of a session may
/// speak for it.
pub(super) fn client_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    let id = u128::from_le_bytes(bytes);
    let (version, variant) = (0x4 << 76, 0x2 << 62);
    let id = id & !(0xf << 76) & !(0x3 << 62) | version | variant;
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
