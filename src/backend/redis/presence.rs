//! Who is present, over all nodes.
//!
//! A channel has a hash of entries; each names the node that made it, and counts while that node's key is alive. So
//! a node renews one key a second, however many connections it has, and the entries of a node that is gone cease to
//! count when its key expires. Any other node takes them off then, and tells their leaves.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{Cmd, RedisResult};
use rustc_hash::FxHashMap;

use super::{
    BackendError, Shared,
    connection::Connection,
    message::{self, Entry, Move},
    place::Place,
    route::{Moving, Table},
    scripts,
};
use crate::wire::centrifugo::ClientInfo;

/// How long a node counts as alive after it said so. Entries of a dead node leave within this and [`REAP_EVERY`].
pub(super) const ALIVE_TTL: Duration = Duration::from_secs(10);
/// How often a node looks for dead ones.
pub(super) const REAP_EVERY: Duration = Duration::from_secs(3);
/// How long a channel's hash lives after its newest entry; nodes make theirs anew after a third of it.
const HASH_TTL: Duration = Duration::from_secs(3 * 3_600);
/// How often a node makes its entries anew.
pub(super) const RENEW_EVERY: Duration = Duration::from_secs(3_600);
/// Entries made in one round trip.
const ENTRIES_PER_TRIP: usize = 1_000;

/// The entries of this node: by channel, then by connection, whether they are announced.
#[derive(Debug, Default)]
pub(super) struct Entered(Mutex<FxHashMap<String, FxHashMap<String, Present>>>);

#[derive(Debug, Clone)]
struct Present {
    info: ClientInfo,
    announce: bool,
}

impl Entered {
    fn lock(&self) -> MutexGuard<'_, FxHashMap<String, FxHashMap<String, Present>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, channel: &str, info: &ClientInfo, announce: bool) {
        let present = Present { info: info.clone(), announce };
        self.lock().entry(channel.to_owned()).or_default().insert(info.client.clone(), present);
    }

    /// Takes an entry out; tells whether it was the channel's last.
    pub(super) fn take(&self, channel: &str, client: &str) -> bool {
        let mut entered = self.lock();
        let Some(present) = entered.get_mut(channel) else { return false };
        present.remove(client);
        let last = present.is_empty();
        if last {
            entered.remove(channel);
        }
        last
    }

    fn has(&self, channel: &str, client: &str) -> bool {
        self.lock().get(channel).is_some_and(|present| present.contains_key(client))
    }

    fn all(&self) -> Vec<(String, Present)> {
        let entered = self.lock();
        let each = |(channel, present): (&String, &FxHashMap<String, Present>)| {
            present.values().map(|present| (channel.clone(), present.clone())).collect::<Vec<_>>()
        };
        entered.iter().flat_map(each).collect()
    }
}

/// Lists a connection, and tells it to all nodes if it was not listed. The caller takes it out of [`Entered`] when
/// this fails, or was dropped.
pub(super) async fn enter(
    shared: &Shared,
    channel: &str,
    info: &ClientInfo,
    announce: bool,
) -> Result<(), BackendError> {
    let message = if announce { message::someone(Move::Join, channel, info) } else { Vec::new() };
    put(shared, channel, info, announce, message).await
}

/// Lists a connection of this node; `message` is told where it was not, or as another one.
pub(super) async fn put(
    shared: &Shared,
    channel: &str,
    info: &ClientInfo,
    announce: bool,
    mut message: Vec<u8>,
) -> Result<(), BackendError> {
    shared.entered.put(channel, info, announce);
    let keys = shared.keys.channel(channel);
    loop {
        let member = shared.up.borrow().member.clone();
        let entry = Entry { info: info.clone(), member: member.to_string(), announce };
        let mut invocation = scripts::call(&shared.scripts.enter, 2);
        invocation.arg(keys.presence()).arg(shared.keys.channels(keys.place, &member));
        invocation.arg(shared.keys.topic(keys.place)).arg(channel).arg(&info.client);
        invocation.arg(message::entry(&entry)).arg(ms(HASH_TTL)).arg(&message);
        shared.run::<()>(keys.place, &invocation, Moving::Waits).await?;
        // Entries under a name that is not ours any more would be taken off.
        if shared.up.borrow().member == member {
            return Ok(());
        }
        message.clear();
    }
}

/// Takes a connection off, and tells it to all nodes if it was listed.
pub(super) async fn leave(
    shared: &Shared,
    channel: &str,
    info: &ClientInfo,
    announce: bool,
) -> Result<(), BackendError> {
    let is_last = shared.entered.take(channel, &info.client);
    let member = shared.up.borrow().member.clone();
    let off = Off { member: &member, channel, info, expected: &[], announce, is_last };
    let keys = shared.keys.channel(channel);
    shared.run(keys.place, &off.call(shared), Moving::Waits).await
}

/// An entry that is to be taken off.
#[derive(Debug, Clone, Copy)]
struct Off<'a> {
    member: &'a str,
    channel: &'a str,
    info: &'a ClientInfo,
    /// The entry as it must be; any if empty.
    expected: &'a [u8],
    announce: bool,
    /// Whether the node has no other connection in the channel.
    is_last: bool,
}

impl Off<'_> {
    fn call(&self, shared: &Shared) -> Cmd {
        let Self { member, channel, info, expected, announce, is_last } = *self;
        let keys = shared.keys.channel(channel);
        let mut invocation = scripts::call(&shared.scripts.leave, 2);
        invocation.arg(keys.presence()).arg(shared.keys.channels(keys.place, member));
        invocation.arg(shared.keys.topic(keys.place)).arg(channel).arg(&info.client).arg(expected);
        invocation.arg(if announce { message::someone(Move::Leave, channel, info) } else { Vec::new() });
        invocation.arg(if is_last { "1" } else { "" });
        invocation
    }
}

/// Who is in a channel and connected to a node that is alive, by connection id.
pub(super) async fn list(shared: &Shared, channel: &str) -> Result<Vec<ClientInfo>, BackendError> {
    let entries = entries(shared, channel).await?;
    let own = shared.up.borrow().member.clone();
    let members: BTreeSet<String> = entries.iter().map(|(entry, _)| entry.member.clone()).collect();
    let mut dead = BTreeSet::new();
    for member in members {
        if *member != *own && !is_alive(shared, &member).await? {
            dead.insert(member);
        }
    }
    let mut present: Vec<ClientInfo> = entries
        .into_iter()
        .filter(|(entry, _)| !dead.contains(&entry.member))
        .map(|(entry, _)| entry.info)
        .collect();
    present.sort_by(|a, b| a.client.cmp(&b.client));
    Ok(present)
}

async fn is_alive(shared: &Shared, member: &str) -> Result<bool, BackendError> {
    let exists = Cmd::exists(shared.keys.alive(member));
    shared.run(Place::NODES, &exists, Moving::Follows).await
}

/// The entries of a channel, each with its bytes; what cannot be read is counted.
async fn entries(shared: &Shared, channel: &str) -> Result<Vec<(Entry, Vec<u8>)>, BackendError> {
    let keys = shared.keys.channel(channel);
    let values: Vec<Vec<u8>> = shared.run(keys.place, &Cmd::hvals(keys.presence()), Moving::Follows).await?;
    let read = |bytes: Vec<u8>| match message::read_entry(&bytes) {
        Ok(entry) => Some((entry, bytes)),
        Err(reason) => {
            shared.counters.skipped(reason).increment();
            None
        }
    };
    Ok(values.into_iter().filter_map(read).collect())
}

/// Says that this node is alive; tells whether nobody knew, so that its entries must be made anew.
pub(super) async fn keep_alive(shared: &Shared, nodes: &mut Connection, member: &str) -> RedisResult<bool> {
    let mut invocation = scripts::call(&shared.scripts.alive, 2);
    invocation.arg(shared.keys.alive(member)).arg(shared.keys.nodes()).arg(ms(ALIVE_TTL)).arg(member);
    shared.ask(nodes, &invocation).await
}

/// Makes this node's entries anew, without telling anyone. Those that left meanwhile are taken off again.
pub(super) async fn renew(shared: &Shared, table: &Table, member: &str) -> RedisResult<()> {
    let mut by_place: FxHashMap<Place, Vec<(String, Present)>> = FxHashMap::default();
    for (channel, present) in shared.entered.all() {
        by_place.entry(Place::of(&channel)).or_default().push((channel, present));
    }
    for (place, all) in by_place {
        // Without a server the entries wait until there is one: then all are made anew.
        let Some(connection) = table.at(place) else { continue };
        for some in all.chunks(ENTRIES_PER_TRIP) {
            renew_at(shared, &mut connection.clone(), (place, some), member).await?;
        }
    }
    Ok(())
}

async fn renew_at(
    shared: &Shared,
    connection: &mut Connection,
    (place, some): (Place, &[(String, Present)]),
    member: &str,
) -> RedisResult<()> {
    let entry = |Present { info, announce }: &Present| {
        message::entry(&Entry { info: info.clone(), member: member.to_owned(), announce: *announce })
    };
    let mut pipeline = redis::pipe();
    for (channel, present) in some {
        let hash = shared.keys.channel(channel).presence();
        pipeline.sadd(shared.keys.channels(place, member), channel).ignore();
        pipeline.hset(&hash, &present.info.client, entry(present)).ignore();
        pipeline.pexpire(&hash, ms(HASH_TTL)).ignore();
    }
    pipeline.exec_async(connection).await?;
    for (channel, present) in some {
        if !shared.entered.has(channel, &present.info.client) {
            let (info, expected) = (&present.info, &*entry(present));
            let off = Off { member, channel, info, expected, announce: false, is_last: false };
            shared.ask::<()>(connection, &off.call(shared)).await?;
        }
    }
    Ok(())
}

/// Takes off the entries of nodes that are gone. Two nodes may do so at once: each entry's leave is told once.
pub(super) async fn reap(shared: &Shared) -> Result<(), BackendError> {
    let members = Cmd::smembers(shared.keys.nodes());
    let members: Vec<String> = shared.run(Place::NODES, &members, Moving::Follows).await?;
    for member in members {
        if !is_alive(shared, &member).await? {
            for place in Place::all() {
                reap_at(shared, place, &member).await?;
            }
            let forget = Cmd::srem(shared.keys.nodes(), &member);
            shared.run::<()>(Place::NODES, &forget, Moving::Follows).await?;
        }
    }
    Ok(())
}

async fn reap_at(shared: &Shared, place: Place, member: &str) -> Result<(), BackendError> {
    let key = shared.keys.channels(place, member);
    let channels: Vec<String> = shared.run(place, &Cmd::smembers(&key), Moving::Follows).await?;
    if channels.is_empty() {
        return Ok(());
    }
    for channel in channels {
        for (entry, bytes) in entries(shared, &channel).await? {
            if entry.member == member {
                let (info, announce) = (&entry.info, entry.announce);
                let off = Off { member, channel: &channel, info, expected: &bytes, announce, is_last: false };
                shared.run::<()>(place, &off.call(shared), Moving::Waits).await?;
            }
        }
    }
    shared.run(place, &Cmd::del(&key), Moving::Follows).await
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
