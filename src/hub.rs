//! The hub: connections, subscriptions, and fan-out.
//!
//! Frames are encoded once. Shards write them straight to the sockets; only a socket that would block gets a
//! queue, and its class of delivery says what happens when that is full.

mod alertcalls;
pub mod announce;
mod bases;
pub mod channel;
pub mod connection;
pub mod counters;
mod emulated;
pub mod notice;
pub mod options;
pub mod order;
pub mod outbox;
mod permit;
pub mod rate;
mod reader;
mod recover;
mod refusal;
mod rpc;
mod session;
pub mod shard;
mod speaker;
mod subscribe;
pub mod tagfilter;
mod users;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::alerts::{Alerts, Change, TRANSITIONS};
use crate::backend::{Backend, BackendError, Delivery as Delivered};
use crate::clock::Clock;
use crate::dashboards::Dashboards;
use crate::live::{Live, Step};
use crate::rooms::Rooms;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, PresenceStats, Protocol, Publication, PushBody, raw};
use crate::wire::{Cast, Close, Dialect, Framing};
use announce::Lately;
use bases::Bases;
use channel::{Class, NOTICES, Namespaces, ROOM, Rules, TYPING, is_like};
use connection::Connection;
use counters::Counters;
use emulated::Sessions;
use notice::Standing as StandingNotices;
use options::Options;
use order::Order;
use outbox::Delivery;
use permit::Standing;
use shard::{Command, Publish, Seconds, Shard, To};
use users::Users;

/// Connections of one node. Each takes a descriptor; 20,000 is a common hard limit of a process.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Workers of the fan-out; a worker is one task, so more than the cores that are there gain nothing.
const SHARDS_MAX: usize = 8;

/// Changes of alerts that go out at once, in bytes: half of what may wait for a reader.
const CHANGES_BYTES_MAX: usize = 32 << 10;
/// The pause before more of them, so that a storm of alerts does not close readers that keep up.
const CHANGES_PAUSE: Duration = Duration::from_millis(10);
/// The wait before what nodes share is asked for again.
const RESYNC_WAIT: Duration = Duration::from_secs(1);

/// Writes the panels of pushed metrics as JSON. They are the page's to describe, and the page stands above the hub.
#[derive(Clone)]
pub struct PushedPanels(pub Arc<dyn Fn() -> String + Send + Sync>);

impl std::fmt::Debug for PushedPanels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PushedPanels")
    }
}

/// What the hub is made from.
#[derive(Debug)]
pub struct Parts {
    /// This node's name.
    pub node: String,
    /// Which channels there are.
    pub namespaces: Namespaces,
    /// What holds for all connections.
    pub options: Arc<Options>,
    /// Which rooms there are: one for each dashboard.
    pub dashboards: Dashboards,
    /// What nodes share.
    pub backend: Backend,
    /// The live queries.
    pub live: Live,
    /// The alerts.
    pub alerts: Alerts,
    /// What people do together.
    pub rooms: Rooms,
    /// The time of day.
    pub clock: Clock,
    /// Answers the call `pushed`: the panels of pushed metrics.
    pub pushed: PushedPanels,
}

/// The hub. A clone is the same hub.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    shards: Vec<mpsc::Sender<Command>>,
    counters: Counters,
    next_number: AtomicU64,
    open: AtomicU64,
    kept: Mutex<Kept>,
    users: Mutex<Users>,
    bases: Mutex<Bases>,
    lately: Mutex<Lately>,
    began: Instant,
    sessions: Sessions,
    supervisor: Supervisor,
}

/// What signal channels keep for those who come later.
#[derive(Debug, Default)]
struct Kept {
    /// The newest publication of each channel but [`NOTICES`].
    newest: FxHashMap<Arc<str>, Bytes>,
    notices: StandingNotices,
}

impl Kept {
    fn note(&mut self, channel: &Arc<str>, data: &Bytes) {
        if &**channel == NOTICES {
            if let Ok(notice) = raw::value(data) {
                self.notices.note(&notice);
            }
        } else if !channel.starts_with(TYPING) {
            // Who typed a while ago is no news to who comes later.
            self.newest.insert(Arc::clone(channel), data.clone());
        }
    }

    /// The `data` of a subscribe reply.
    fn data(&self, channel: &str) -> Option<Bytes> {
        if channel == NOTICES {
            Some(raw::one_line(self.notices.all()))
        } else {
            self.newest.get(channel).cloned()
        }
    }
}

impl Hub {
    /// Starts the shards.
    pub fn start(parts: Parts, supervisor: &Supervisor, registry: &Registry) -> Self {
        let counters = Counters::new(registry);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let seconds = Seconds {
            clock: parts.clock.clone(),
            ping_every: ping_seconds(&parts.options),
            pong_within: parts.options.pong_timeout.map(whole_seconds),
        };
        let shards = (0..cores.min(SHARDS_MAX))
            .map(|number| {
                let (shard, commands) = Shard::new(number, seconds.clone(), counters.clone());
                supervisor.spawn("shard", shard.run(supervisor.token().clone()));
                commands
            })
            .collect();
        Self(Arc::new(Inner {
            parts,
            shards,
            counters,
            next_number: AtomicU64::new(1),
            open: AtomicU64::new(0),
            kept: Mutex::default(),
            users: Mutex::default(),
            bases: Mutex::default(),
            lately: Mutex::default(),
            began: Instant::now(),
            sessions: Sessions::default(),
            supervisor: supervisor.clone(),
        }))
    }

    fn shard(&self, number: u64) -> &mpsc::Sender<Command> {
        let shards = &self.0.shards;
        // The remainder is below the number of shards.
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a small divisor")]
        &shards[(number % shards.len() as u64) as usize]
    }

    /// Hands deliveries of the backend to the subscribers, and other nodes' samples to `samples`.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn deliver(self, mut deliveries: mpsc::Receiver<Delivered>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        loop {
            let delivery = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                delivery = deliveries.recv() => delivery,
            };
            match delivery {
                None => return Ok(()),
                Some(Delivered::Publication { channel, publication, .. }) if *channel == *TRANSITIONS => {
                    if let Ok(event) = raw::value(&publication.data) {
                        self.0.parts.alerts.event(event).await;
                    }
                }
                Some(Delivered::Publication { channel, publication, delta }) => {
                    self.publication(channel, publication, delta).await;
                }
                Some(Delivered::Join { channel, info }) => {
                    self.tell(Cast::other(channel, PushBody::Join(info)), To::Watchers).await;
                }
                Some(Delivered::Leave { channel, info }) => {
                    self.tell(Cast::other(channel, PushBody::Leave(info)), To::Watchers).await;
                }
                Some(Delivered::Order(order)) => match serde_json::from_str(order.get()) {
                    Ok(order) => self.carry_out(order),
                    Err(error) => tracing::debug!(error = %error, "an order of a newer node"),
                },
                Some(Delivered::Record(record)) => self.0.parts.alerts.record(record).await,
                Some(Delivered::Samples(batch)) => self.0.parts.live.carried(batch).await,
                Some(Delivered::Gap) => {
                    self.resync();
                    for shard in &self.0.shards {
                        // A shard that has stopped has no connections.
                        drop(shard.send(Command::CloseAll(Close::InsufficientState)).await);
                    }
                }
            }
        }
    }

    async fn publication(&self, channel: Arc<str>, publication: Publication, delta: bool) {
        let namespaces = &self.0.parts.namespaces;
        let own = namespaces.own(&channel).filter(|rules| rules.class != Class::Event);
        let delivery = match own {
            Some(rules) if rules.class == Class::Signal => {
                self.kept().note(&channel, &publication.data);
                Delivery::Signal
            }
            _ => Delivery::Event,
        };
        let offset = (publication.offset != 0).then_some(publication.offset);
        let takes_delta = || namespaces.configured(&channel).is_some_and(|rules| rules.allow_delta);
        let base = if offset.is_some() && takes_delta() {
            let mut bases = self.0.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.put(&channel, &publication).filter(|_| delta)
        } else {
            None
        };
        let cast = match base {
            Some(base) => Cast::difference(channel, publication, base),
            None => Cast::publication(channel, publication),
        };
        self.publish(Publish { cast, offset, delivery, to: To::All }).await;
    }

    async fn tell(&self, cast: Cast, to: To) {
        self.publish(Publish { cast, offset: None, delivery: Delivery::Event, to }).await;
    }

    /// What holds in a channel that a client names; nothing if there is no such channel for it.
    fn rules(&self, channel: &str, standing: Standing) -> Option<&Arc<Rules>> {
        let parts = &self.0.parts;
        let room = channel.strip_prefix(ROOM).or_else(|| channel.strip_prefix(TYPING));
        let is_there = room.is_none_or(|id| parts.dashboards.has(id));
        let own = parts.namespaces.own(channel).filter(|_| is_there && standing == Standing::Page);
        own.or_else(|| parts.namespaces.configured(channel))
    }

    /// The time, s since the epoch.
    fn now_s(&self) -> i64 {
        self.0.parts.clock.now_ms() / 1_000
    }

    /// Seconds until a time, at least 0.
    fn seconds_until(&self, at_s: i64) -> u32 {
        u32::try_from((at_s - self.now_s()).max(0)).unwrap_or(u32::MAX)
    }

    fn ping_seconds(&self) -> u64 {
        ping_seconds(&self.0.parts.options)
    }

    fn users(&self) -> std::sync::MutexGuard<'_, Users> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter_user(&self, connection: &Arc<Connection>, user: &str) {
        self.users().enter(connection, user);
    }

    fn leave_user(&self, connection: &Connection, user: &str) {
        self.users().leave(connection, user);
    }

    fn connections_of(&self, user: &str) -> usize {
        self.users().count(user)
    }

    fn lately(&self) -> std::sync::MutexGuard<'_, Lately> {
        self.0.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds in a channel of the configuration; nothing if there can be no such channel.
    pub fn configured(&self, channel: &str) -> Option<&Rules> {
        self.0.parts.namespaces.configured(channel).map(Arc::as_ref)
    }

    /// This node's name.
    pub fn node(&self) -> &str {
        &self.0.parts.node
    }

    /// Seconds since the hub began.
    pub fn uptime_s(&self) -> u64 {
        self.0.began.elapsed().as_secs()
    }

    /// Channels of this node that have subscribers, with their number; those of the configuration that are like a pattern,
    /// all if it is empty.
    pub async fn channels(&self, pattern: &str) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        for shard in &self.0.shards {
            let (answer, channels) = oneshot::channel();
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::Channels(answer)).await);
            for (channel, count) in channels.await.unwrap_or_default() {
                let is_own = self.0.parts.namespaces.own(&channel).is_some();
                if !is_own && (pattern.is_empty() || is_like(pattern.as_bytes(), channel.as_bytes())) {
                    *all.entry(channel.to_string()).or_default() += count;
                }
            }
        }
        all
    }

    /// Connections that have said `connect`, and their users.
    pub fn totals(&self) -> (usize, usize) {
        self.users().totals()
    }

    /// Tells the hubs of all nodes, this one too, to do something with their connections.
    ///
    /// # Errors
    ///
    /// When the bus does not carry it.
    pub async fn order(&self, order: &Order) -> Result<(), BackendError> {
        let order = serde_json::value::to_raw_value(order).map_err(|_| BackendError::NotJson)?;
        self.0.parts.backend.order(order).await
    }

    fn carry_out(&self, order: Order) {
        let session = self.0.sessions.number(&order.whom().session);
        self.users().carry_out(order, session);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the steps of live queries to their subscribers.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn steps(self, mut steps: mpsc::Receiver<Step>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        loop {
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                step = steps.recv() => step,
            };
            let Some(step) = step else { return Ok(()) };
            let Step { cast, offset } = step;
            let delivery = offset.map_or(Delivery::Correction, Delivery::Step);
            self.publish(Publish { cast, offset, delivery, to: To::All }).await;
        }
    }

    /// Hands changes of alerts to their subscribers.
    ///
    /// # Errors
    ///
    /// None; the type is the supervisor's.
    pub async fn changes(self, mut changes: mpsc::Receiver<Change>) -> anyhow::Result<()> {
        let shutdown = self.0.supervisor.token().clone();
        let mut written = 0;
        loop {
            let Some(Some(change)) = shutdown.run_until_cancelled(changes.recv()).await else {
                return Ok(());
            };
            let Change { cast, seq } = change;
            written += cast.as_publication().map_or(0, |publication| publication.data.len());
            if changes.is_empty() {
                written = 0;
            } else if CHANGES_BYTES_MAX < written {
                tokio::time::sleep(CHANGES_PAUSE).await;
                written = 0;
            }
            let delivery = seq.map_or(Delivery::Signal, |_| Delivery::State);
            self.publish(Publish { cast, offset: seq, delivery, to: To::All }).await;
        }
    }

    /// Reads again what nodes share of alerts: what changed while the bus was away was not delivered.
    fn resync(&self) {
        let (alerts, shutdown) = (self.0.parts.alerts.clone(), self.0.supervisor.token().clone());
        self.0.supervisor.track(async move {
            while let Some(Err(error)) = shutdown.run_until_cancelled(alerts.resync()).await {
                tracing::debug!(error = %error, "silences and acks not read again yet");
                if shutdown.run_until_cancelled(tokio::time::sleep(RESYNC_WAIT)).await.is_none() {
                    return;
                }
            }
        });
    }

    /// Hands a push to subscribers of a channel on this node.
    async fn publish(&self, publish: Publish) {
        self.0.counters.publications.increment();
        for shard in &self.0.shards {
            // A shard that has stopped has no subscribers.
            drop(shard.send(Command::Publish(publish.clone())).await);
        }
    }

    /// Whether one more connection is within the limit; counted if not.
    pub fn has_room(&self) -> bool {
        let most = self.0.parts.options.connection_limit.unwrap_or(CONNECTIONS_MAX).min(CONNECTIONS_MAX);
        let room = self.0.open.load(Ordering::Relaxed) < most as u64;
        if !room {
            self.0.counters.refused.increment();
        }
        room
    }

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
        let Upgraded { socket, peer, leftover, protocol, is_page } = upgraded;
        let dialect = Dialect { protocol, framing: Framing::WebSocket };
        let connection = self.open(Some(socket), dialect);
        tracing::debug!(connection.number = connection.number, connection.peer = %peer, "connection opened");
        let hub = self.clone();
        self.0.supervisor.track(async move {
            reader::run(&hub, connection, is_page, leftover).await;
            hub.closed();
        });
    }

    /// Serves a client whose commands come by another way than what it is told; returns what is to be written to it.
    pub fn emulate(&self, dialect: Dialect, is_page: bool, first: Bytes) -> mpsc::Receiver<Bytes> {
        let connection = self.open(None, dialect);
        tracing::debug!(connection.number = connection.number, "connection opened");
        let (body, chunks) = mpsc::channel(1);
        let hub = self.clone();
        self.0.supervisor.track(async move {
            emulated::run(&hub, connection, is_page, first, body).await;
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
        let counters = self.0.counters.clone();
        Arc::new(Connection::new(number, client_id(), (socket, dialect), event_bytes_max, counters))
    }

    fn closed(&self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.counters.connections.add(-1.0);
    }
}

/// A socket that speaks WebSocket from here on.
#[derive(Debug)]
pub struct Upgraded {
    /// The socket.
    pub socket: TcpStream,
    /// Who is at its other end.
    pub peer: SocketAddr,
    /// What came right behind the handshake.
    pub leftover: Bytes,
    /// How messages are encoded.
    pub protocol: Protocol,
    /// Whether a page of our own asks.
    pub is_page: bool,
}

/// How many connections and users a list of those present has.
pub fn stats(present: &[ClientInfo]) -> PresenceStats {
    let users: std::collections::BTreeSet<_> = present.iter().map(|info| &info.user).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    PresenceStats { num_clients: count(present.len()), num_users: count(users.len()) }
}

/// A second is the least that pings are counted in.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs().max(1)).unwrap_or(u32::MAX)
}

fn ping_seconds(options: &Options) -> u64 {
    u64::from(whole_seconds(options.ping_interval))
}

/// An id that no other connection of any node has: a random UUID.
fn client_id() -> String {
    let id = fastrand::u128(..);
    let (version, variant) = (0x4 << 76, 0x2 << 62);
    let id = id & !(0xf << 76) & !(0x3 << 62) | version | variant;
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
