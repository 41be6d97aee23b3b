//! The hub: connections, subscriptions, and fan-out.
//!
//! Frames are encoded once. Shards write them straight to the sockets; only a socket that would block gets a
//! queue, and its class of delivery says what happens when that is full.

mod alertcalls;
pub mod channel;
pub mod connection;
pub mod counters;
pub mod notice;
pub mod options;
pub mod outbox;
pub mod rate;
mod reader;
mod refusal;
mod rpc;
mod session;
pub mod shard;
mod speaker;
mod subscribe;
pub mod tagfilter;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::{net::TcpStream, sync::mpsc};

use crate::alerts::{Alerts, Change, TRANSITIONS};
use crate::backend::{Backend, Delivery as Delivered};
use crate::clock::Clock;
use crate::dashboards::Dashboards;
use crate::live::{Live, Step};
use crate::rooms::Rooms;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, InfoBody, Publication, Push, PushBody};
use crate::wire::{Close, Frame};
use channel::{Class, NOTICES, Namespaces, ROOM, Rules, TYPING};
use connection::Connection;
use counters::Counters;
use notice::Standing;
use outbox::Delivery;
use shard::{Command, Publish, Shard};

/// Connections of one node. Each takes a descriptor; 20,000 is a common hard limit of a process.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Subscriptions of one connection.
pub const SUBSCRIPTIONS_MAX: usize = 256;
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
    supervisor: Supervisor,
}

/// What signal channels keep for those who come later.
#[derive(Debug, Default)]
struct Kept {
    /// The newest publication of each channel but [`NOTICES`].
    newest: FxHashMap<Arc<str>, Box<RawValue>>,
    notices: Standing,
}

impl Kept {
    fn note(&mut self, channel: &Arc<str>, data: &RawValue) {
        if &**channel == NOTICES {
            self.notices.note(data);
        } else if !channel.starts_with(TYPING) {
            // Who typed a while ago is no news to who comes later.
            self.newest.insert(Arc::clone(channel), data.to_owned());
        }
    }

    /// The `data` of a subscribe reply.
    fn data(&self, channel: &str) -> Option<Box<RawValue>> {
        if channel == NOTICES { Some(self.notices.all()) } else { self.newest.get(channel).cloned() }
    }
}

impl Hub {
    /// Starts the shards.
    pub fn start(parts: Parts, supervisor: &Supervisor, registry: &Registry) -> Self {
        let counters = Counters::new(registry);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shards = (0..cores.min(SHARDS_MAX))
            .map(|number| {
                let (shard, commands) = Shard::new(number, counters.clone());
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
                Some(Delivered::Publication { channel, publication }) if *channel == *TRANSITIONS => {
                    if let Some(event) = publication.data {
                        self.0.parts.alerts.event(event).await;
                    }
                }
                Some(Delivered::Publication { channel, publication }) => {
                    self.publication(channel, &publication).await;
                }
                Some(Delivered::Join { channel, info }) => {
                    let frame =
                        Push { channel: &channel, body: PushBody::Join(InfoBody { info: &info }) }.frame();
                    self.publish(channel, frame, None, Delivery::Event).await;
                }
                Some(Delivered::Leave { channel, info }) => {
                    let frame =
                        Push { channel: &channel, body: PushBody::Leave(InfoBody { info: &info }) }.frame();
                    self.publish(channel, frame, None, Delivery::Event).await;
                }
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

    async fn publication(&self, channel: Arc<str>, publication: &Publication) {
        let class = self.0.parts.namespaces.rules(&channel).map_or(Class::Event, |rules| rules.class);
        let delivery = match class {
            Class::Signal => {
                if let Some(data) = &publication.data {
                    self.kept().note(&channel, data);
                }
                Delivery::Signal
            }
            Class::Series | Class::Event | Class::State => Delivery::Event,
        };
        let frame = Push { channel: &channel, body: PushBody::Pub(publication) }.frame();
        let offset = (publication.offset != 0).then_some(publication.offset);
        self.publish(channel, frame, offset, delivery).await;
    }

    /// What holds in a channel that a client names; nothing if there is no such channel.
    fn rules(&self, channel: &str) -> Option<&Rules> {
        let parts = &self.0.parts;
        let room = channel.strip_prefix(ROOM).or_else(|| channel.strip_prefix(TYPING));
        let is_there = room.is_none_or(|id| parts.dashboards.has(id));
        is_there.then(|| parts.namespaces.rules(channel)).flatten()
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
            let delivery = step.offset.map_or(Delivery::Correction, Delivery::Step);
            self.publish(step.channel, step.frame, step.offset, delivery).await;
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
            written += change.frame.bytes().len();
            if changes.is_empty() {
                written = 0;
            } else if CHANGES_BYTES_MAX < written {
                tokio::time::sleep(CHANGES_PAUSE).await;
                written = 0;
            }
            let delivery = change.seq.map_or(Delivery::Signal, |_| Delivery::State);
            self.publish(Arc::from(change.channel), change.frame, change.seq, delivery).await;
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

    /// Hands a frame to all subscribers of a channel on this node.
    pub async fn publish(&self, channel: Arc<str>, frame: Frame, offset: Option<u64>, delivery: Delivery) {
        self.0.counters.publications.increment();
        for shard in &self.0.shards {
            let (channel, frame) = (Arc::clone(&channel), frame.clone());
            let command = Command::Publish(Publish { channel, frame, offset, delivery });
            // A shard that has stopped has no subscribers.
            drop(shard.send(command).await);
        }
    }

    /// Whether one more connection is within the limit; counted if not.
    pub fn has_room(&self) -> bool {
        let room = self.0.open.load(Ordering::Relaxed) < CONNECTIONS_MAX as u64;
        if !room {
            self.0.counters.refused.increment();
        }
        room
    }

    /// Runs a task that shutdown waits for: an upgrade under way.
    pub fn track<F: Future<Output = ()> + Send + 'static>(&self, task: F) {
        self.0.supervisor.track(task);
    }

    /// Serves an upgraded socket until it ends; `leftover` is what came right behind the handshake.
    pub fn accept(&self, socket: TcpStream, peer: SocketAddr, leftover: Bytes) {
        let number = self.0.next_number.fetch_add(1, Ordering::Relaxed);
        let info = ClientInfo { client: client_id(number), ..ClientInfo::default() };
        tracing::debug!(connection.number = number, connection.peer = %peer, "connection opened");
        let connection = Arc::new(Connection::new(number, socket, self.0.counters.clone()));
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.counters.connections.add(1.0);
        let hub = self.clone();
        self.0.supervisor.track(async move {
            reader::run(&hub, connection, info, leftover).await;
            hub.0.open.fetch_sub(1, Ordering::Relaxed);
            hub.0.counters.connections.add(-1.0);
        });
    }
}

/// An id that no other connection of any node has: 96 random bits and the number.
fn client_id(number: u64) -> String {
    format!("{:016x}{:08x}-{number:x}", fastrand::u64(..), fastrand::u32(..))
}
