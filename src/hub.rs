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
mod deliver;
mod emulated;
pub mod entry;
mod ledger;
pub mod map;
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
pub mod seat;
mod servercalls;
mod session;
pub mod shard;
mod speaker;
mod subscribe;
pub mod survey;
pub mod tagfilter;
pub mod tally;
mod users;

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use rustc_hash::FxHashMap;
use tokio::{sync::mpsc, time::Instant};

use crate::alerts::Alerts;
use crate::backend::{Backend, BackendError};
use crate::clock::Clock;
use crate::dashboards::Dashboards;
use crate::live::Live;
use crate::rooms::Rooms;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;
use crate::wire::centrifugo::{ClientInfo, PresenceStats, raw};
use announce::{Lately, Turns};
use bases::Bases;
use channel::{NOTICES, Namespaces, ROOM, Rules, TYPING};
use connection::Connection;
use counters::Counters;
use emulated::Sessions;
use ledger::Ledger;
use notice::Standing as StandingNotices;
use options::{Options, Trust};
use order::Order;
use permit::Standing;
use shard::{Command, Seconds, Shard};
use survey::Surveys;
use users::Users;

/// Connections of one node. Each takes a descriptor; 20,000 is a common hard limit of a process.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Workers of the fan-out; a worker is one task, so more than the cores that are there gain nothing.
const SHARDS_MAX: usize = 8;

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
    /// One for each shard.
    ledgers: Vec<Arc<Ledger>>,
    counters: Arc<Counters>,
    next_number: AtomicU64,
    open: AtomicU64,
    kept: Mutex<Kept>,
    users: Mutex<Users>,
    bases: Mutex<Bases>,
    map_bases: Mutex<Bases>,
    /// The second of the newest connections, and how many there were in it.
    connects: Mutex<(i64, u32)>,
    /// Connections of each address, where there is a limit.
    addresses: Mutex<FxHashMap<IpAddr, usize>>,
    lately: Mutex<Lately>,
    turns: Turns,
    began: Instant,
    /// Known to the pages that this process sends.
    page_key: String,
    sessions: Sessions,
    surveys: Surveys,
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
        let counters = Arc::new(Counters::new(registry));
        if parts.namespaces.has_maps() {
            parts.backend.expect_maps();
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let seconds = Seconds {
            clock: parts.clock.clone(),
            ping_every: ping_seconds(&parts.options),
            pong_within: parts.options.pong_timeout.map(whole_seconds),
        };
        let ledger = |_| Arc::new(Ledger::new(Arc::clone(&counters)));
        let ledgers: Vec<_> = (0..cores.min(SHARDS_MAX)).map(ledger).collect();
        let shards = ledgers
            .iter()
            .enumerate()
            .map(|(number, ledger)| {
                let (shard, commands) = Shard::new(number, seconds.clone(), Arc::clone(ledger));
                supervisor.spawn("shard", shard.run(supervisor.token().clone()));
                commands
            })
            .collect();
        Self(Arc::new(Inner {
            parts,
            shards,
            ledgers,
            counters,
            next_number: AtomicU64::new(1),
            open: AtomicU64::new(0),
            kept: Mutex::default(),
            users: Mutex::default(),
            bases: Mutex::default(),
            map_bases: Mutex::default(),
            connects: Mutex::default(),
            addresses: Mutex::default(),
            lately: Mutex::default(),
            turns: Turns::default(),
            began: Instant::now(),
            page_key: entry::client_id(),
            sessions: Sessions::default(),
            surveys: Surveys::default(),
            supervisor: supervisor.clone(),
        }))
    }

    fn shard(&self, number: u64) -> &mpsc::Sender<Command> {
        &self.0.shards[self.place(number)]
    }

    /// Where the shard of a connection has its account.
    fn ledger(&self, number: u64) -> &Arc<Ledger> {
        &self.0.ledgers[self.place(number)]
    }

    /// Which shard a connection is of.
    fn place(&self, number: u64) -> usize {
        // The remainder is below the number of shards.
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a small divisor")]
        let place = (number % self.0.shards.len() as u64) as usize;
        place
    }

    /// What holds in a channel that a client names; nothing if there is no such channel for it.
    fn rules(&self, channel: &str, standing: Standing) -> Option<&Arc<Rules>> {
        let is_page = standing == Standing::Page;
        match self.own(channel) {
            Some(own) => is_page.then_some(own),
            // Nothing proves who is at a page, so it is nobody where clients have to.
            None if is_page && self.0.parts.options.trust == Trust::Strict => None,
            None => self.0.parts.namespaces.configured(channel),
        }
    }

    /// What holds in one of our own channels; nothing if a name is not that of one.
    fn own(&self, channel: &str) -> Option<&Arc<Rules>> {
        let parts = &self.0.parts;
        let room = channel.strip_prefix(ROOM).or_else(|| channel.strip_prefix(TYPING));
        let is_there = room.is_none_or(|id| parts.dashboards.has(id));
        parts.namespaces.own(channel).filter(|_| is_there)
    }

    /// The time, s since the epoch.
    fn now_s(&self) -> i64 {
        self.0.parts.clock.now_ms() / 1_000
    }

    /// Seconds until a time, at least 0.
    fn seconds_until(&self, at_s: i64) -> u32 {
        u32::try_from(at_s.saturating_sub(self.now_s()).max(0)).unwrap_or(u32::MAX)
    }

    fn ping_seconds(&self) -> u32 {
        ping_seconds(&self.0.parts.options)
    }

    fn users(&self) -> std::sync::MutexGuard<'_, Users> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a connection of a user; tells as which one it entered.
    fn enter_user(&self, connection: &Arc<Connection>, user: &str) -> u64 {
        self.users().enter(connection, user)
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
        self.rules(channel, Standing::Client).map(Arc::as_ref)
    }

    /// This node's name.
    pub fn node(&self) -> &str {
        &self.0.parts.node
    }

    /// What a page of this process is known by.
    pub fn page_key(&self) -> &str {
        &self.0.page_key
    }

    /// Seconds since the hub began.
    pub fn uptime_s(&self) -> u64 {
        self.0.began.elapsed().as_secs()
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
        self.users().carry_out(order, session, self.node());
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many connections and users a list of those present has.
pub fn stats(present: &[ClientInfo]) -> PresenceStats {
    let users: std::collections::BTreeSet<_> = present.iter().map(|info| &info.user).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    PresenceStats { num_clients: count(present.len()), num_users: count(users.len()) }
}

/// A second is the least that pings are counted in, and a day the most: what is later is as good as never.
fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs().clamp(1, 86_400)).unwrap_or(u32::MAX)
}

fn ping_seconds(options: &Options) -> u32 {
    whole_seconds(options.ping_interval)
}
