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

use redis::{AsyncCommands, RedisResult};
use rustc_hash::FxHashMap;

use super::{
    BackendError, Shared, Up, keys,
    message::{self, Entry, Move},
    unreachable,
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
    shared.entered.put(channel, info, announce);
    let mut up = shared.up().await?;
    let _: () = up.connection.sadd(keys::channels(&up.member), channel).await.map_err(unreachable)?;
    let entry = Entry { info: info.clone(), member: up.member.to_string(), announce };
    let mut invocation = shared.scripts.enter.prepare_invoke();
    invocation.key(keys::presence(channel)).arg(&shared.topic).arg(&info.client);
    invocation.arg(message::entry(&entry)).arg(ms(HASH_TTL));
    invocation.arg(if announce { message::someone(Move::Join, channel, info) } else { Vec::new() });
    invocation.invoke_async(&mut up.connection).await.map_err(unreachable)
}

/// Takes a connection off, and tells it to all nodes if it was listed.
pub(super) async fn leave(
    shared: &Shared,
    channel: &str,
    info: &ClientInfo,
    announce: bool,
) -> Result<(), BackendError> {
    let last = shared.entered.take(channel, &info.client);
    let mut up = shared.up().await?;
    take_off(shared, &mut up, channel, (info, &[]), announce).await.map_err(unreachable)?;
    if last {
        let _: () = up.connection.srem(keys::channels(&up.member), channel).await.map_err(unreachable)?;
    }
    Ok(())
}

async fn take_off(
    shared: &Shared,
    up: &mut Up,
    channel: &str,
    (info, expected): (&ClientInfo, &[u8]),
    announce: bool,
) -> RedisResult<()> {
    let mut invocation = shared.scripts.leave.prepare_invoke();
    invocation.key(keys::presence(channel)).arg(&shared.topic).arg(&info.client).arg(expected);
    invocation.arg(if announce { message::someone(Move::Leave, channel, info) } else { Vec::new() });
    invocation.invoke_async(&mut up.connection).await
}

/// Who is in a channel and connected to a node that is alive, by connection id.
pub(super) async fn list(shared: &Shared, channel: &str) -> Result<Vec<ClientInfo>, BackendError> {
    let mut up = shared.up().await?;
    let entries = entries(shared, &mut up, channel).await.map_err(unreachable)?;
    let members: BTreeSet<String> = entries.iter().map(|(entry, _)| entry.member.clone()).collect();
    let mut dead = BTreeSet::new();
    for member in members {
        if *member != *up.member && !is_alive(&mut up, &member).await.map_err(unreachable)? {
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

async fn is_alive(up: &mut Up, member: &str) -> RedisResult<bool> {
    up.connection.exists(keys::alive(member)).await
}

/// The entries of a channel, each with its bytes; what cannot be read is counted.
async fn entries(shared: &Shared, up: &mut Up, channel: &str) -> RedisResult<Vec<(Entry, Vec<u8>)>> {
    let values: Vec<Vec<u8>> = up.connection.hvals(keys::presence(channel)).await?;
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
pub(super) async fn keep_alive(shared: &Shared, up: &mut Up) -> RedisResult<bool> {
    let mut invocation = shared.scripts.alive.prepare_invoke();
    invocation.key(keys::alive(&up.member)).key(keys::NODES).arg(ms(ALIVE_TTL)).arg(&*up.member);
    invocation.invoke_async(&mut up.connection).await
}

/// Makes this node's entries anew, without telling anyone.
pub(super) async fn renew(shared: &Shared, up: &mut Up) -> RedisResult<()> {
    for some in shared.entered.all().chunks(ENTRIES_PER_TRIP) {
        let mut pipeline = redis::pipe();
        for (channel, Present { info, announce }) in some {
            let entry = Entry { info: info.clone(), member: up.member.to_string(), announce: *announce };
            let hash = keys::presence(channel);
            pipeline.sadd(keys::channels(&up.member), channel).ignore();
            pipeline.hset(&hash, &info.client, message::entry(&entry)).ignore();
            pipeline.pexpire(&hash, ms(HASH_TTL)).ignore();
        }
        pipeline.exec_async(&mut up.connection).await?;
    }
    Ok(())
}

/// Takes off the entries of nodes that are gone. Two nodes may do so at once: each entry's leave is told once.
pub(super) async fn reap(shared: &Shared, up: &mut Up) -> RedisResult<()> {
    let members: Vec<String> = up.connection.smembers(keys::NODES).await?;
    for member in members {
        if is_alive(up, &member).await? {
            continue;
        }
        let channels: Vec<String> = up.connection.smembers(keys::channels(&member)).await?;
        for channel in channels {
            for (entry, bytes) in entries(shared, up, &channel).await? {
                if entry.member == member {
                    take_off(shared, up, &channel, (&entry.info, &bytes), entry.announce).await?;
                }
            }
        }
        let _: () = up.connection.del(keys::channels(&member)).await?;
        let _: () = up.connection.srem(keys::NODES, &member).await?;
    }
    Ok(())
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
