//! Other nodes' samples, out of the stream.

use std::{collections::hash_map, sync::Arc, time::Duration};

use redis::{
    AsyncCommands, RedisError, RedisResult, Value,
    aio::MultiplexedConnection,
    streams::{StreamRangeReply, StreamReadOptions, StreamReadReply},
};
use rustc_hash::FxHashMap;
use tokio::{sync::mpsc, time::sleep};

use super::{
    Shared,
    counters::Skipped,
    link::Trouble,
    route::{AGAIN, is_sent_away},
};
use crate::backend::{
    Delivery,
    encode::{Origin, Parcel, Unreadable},
};
use crate::model::Batch;

/// How long one read waits for samples.
pub(super) const BLOCK: Duration = Duration::from_secs(1);
/// Batches taken in one read.
const BATCHES_PER_READ: usize = 128;
/// Runs of other nodes that are remembered: 100 nodes that each restarted 40 times. Beyond it all are forgotten, and
/// one hole may go unseen.
const RUNS_MAX: usize = 4_096;
/// Bytes from which on decoding leaves the runtime's threads: 6,000 samples, 3 ms.
const BLOCKING_BYTES_MIN: usize = 64 << 10;

/// A place in the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    ms: u64,
    number: u64,
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let (ms, number) = text.split_once('-')?;
        Some(Self { ms: ms.parse().ok()?, number: number.parse().ok()? })
    }
}

/// Reads the stream of samples from where it stopped; at first from the oldest on, which fills a fresh node's window.
#[derive(Debug)]
pub(super) struct Samples {
    /// Samples of this node are not delivered.
    shared: Arc<Shared>,
    key: String,
    last: Id,
    /// The newest batch when this node came: an older one of its name may be of the run before.
    first: Option<Id>,
    /// The run of another node that has our name, once it was told.
    namesake: Option<u64>,
    runs: Runs,
    deliveries: mpsc::Sender<Delivery>,
}

impl Samples {
    pub(super) fn new(shared: Arc<Shared>, deliveries: mpsc::Sender<Delivery>) -> Self {
        let (key, runs) = (shared.keys.samples(), Runs::default());
        Self { shared, key, last: Id::default(), first: None, namesake: None, runs, deliveries }
    }

    /// Prepares for a new connection: a stream that was lost is read from its beginning.
    pub(super) async fn resume(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let newest: StreamRangeReply = connection.xrevrange_count(&self.key, "+", "-", 1).await?;
        let newest = newest.ids.first().and_then(|entry| Id::parse(&entry.id)).unwrap_or_default();
        self.first.get_or_insert(newest);
        // Numbers are times of the server's clock: those of a stream made anew may be below the old ones.
        if newest < self.last {
            self.last = Id::default();
        }
        self.runs.covered();
        Ok(())
    }

    /// Delivers until the connection fails. Dropped at any time, it goes on behind the newest batch delivered.
    pub(super) async fn pump(&mut self, connection: &mut MultiplexedConnection) -> Trouble {
        loop {
            let entries = match self.read(connection).await {
                Ok(entries) => entries,
                // The slot is on its way: whoever reads the slots finds out when it is there.
                Err(error) if is_sent_away(&error) => {
                    self.shared.moved.notify_one();
                    sleep(AGAIN).await;
                    continue;
                }
                Err(error) => return Trouble::Samples(error.to_string()),
            };
            for (id, payload) in entries {
                if let Some(ended) = self.deliver(id, &payload).await {
                    return ended;
                }
                self.last = id;
            }
        }
    }

    async fn read(&self, connection: &mut MultiplexedConnection) -> Result<Vec<(Id, Vec<u8>)>, RedisError> {
        let block = usize::try_from(BLOCK.as_millis()).unwrap_or(1_000);
        let options = StreamReadOptions::default().block(block).count(BATCHES_PER_READ);
        let after = format!("{}-{}", self.last.ms, self.last.number);
        let reply: Option<StreamReadReply> =
            connection.xread_options(&[&self.key], &[after], &options).await?;
        let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids);
        let read = |mut entry: redis::streams::StreamId| {
            let id = Id::parse(&entry.id)?;
            // Without a payload nobody of ours wrote it; an empty one is skipped as damaged.
            let payload = match entry.map.remove("d") {
                Some(Value::BulkString(bytes)) => bytes,
                _ => Vec::new(),
            };
            Some((id, payload))
        };
        Ok(entries.filter_map(read).collect())
    }

    async fn deliver(&mut self, id: Id, payload: &[u8]) -> Option<Trouble> {
        let parcel = match Parcel::open(payload) {
            Ok(parcel) => parcel,
            Err(Unreadable::Version(_)) => return self.skip(Skipped::Version),
            Err(Unreadable::Damaged(_)) => return self.skip(Skipped::Damaged),
        };
        if parcel.origin.node == self.shared.node {
            return if parcel.origin.run == self.shared.run || self.first >= Some(id) {
                None
            } else {
                self.namesake(parcel.origin.run)
            };
        }
        let hole = self.runs.note(&parcel.origin);
        self.shared.counters.samples_gap.add(hole.missing);
        if hole.is_news && self.deliveries.send(Delivery::Gap).await.is_err() {
            return Some(Trouble::Stopped);
        }
        let Some(batch) = batch(parcel, payload).await else { return self.skip(Skipped::Damaged) };
        let sent = self.deliveries.send(Delivery::Samples(Arc::new(batch))).await;
        sent.is_err().then_some(Trouble::Stopped)
    }

    /// Two nodes of one name draw their own samples only; neither would notice by itself.
    fn namesake(&mut self, run: u64) -> Option<Trouble> {
        if self.namesake.replace(run) != Some(run) {
            tracing::error!(
                instance = self.shared.node,
                "another node on this redis has the same instance, and its samples are not taken: give each node \
                 its own `instance` in its watchroom.toml"
            );
        }
        self.skip(Skipped::Namesake)
    }

    fn skip(&self, reason: Skipped) -> Option<Trouble> {
        self.shared.counters.skipped(reason).increment();
        None
    }
}

async fn batch(parcel: Parcel<'_>, payload: &[u8]) -> Option<Batch> {
    if payload.len() < BLOCKING_BYTES_MIN {
        return parcel.batch().ok();
    }
    let payload = payload.to_vec();
    let read = tokio::task::spawn_blocking(move || Parcel::open(&payload).ok()?.batch().ok());
    read.await.ok().flatten()
}

/// The newest number of each run of another node.
#[derive(Debug, Default)]
struct Runs(FxHashMap<(String, u64), Newest>);

#[derive(Debug)]
struct Newest {
    number: u64,
    /// A hole before the next number was told already, by the gap of the connection.
    covered: bool,
}

/// What is missing before a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hole {
    missing: u64,
    /// Whether it must be told.
    is_news: bool,
}

impl Runs {
    /// Notes a parcel.
    fn note(&mut self, origin: &Origin) -> Hole {
        if RUNS_MAX <= self.0.len() {
            self.0.clear();
        }
        match self.0.entry((origin.node.clone(), origin.run)) {
            // What came before this node did is not missing.
            hash_map::Entry::Vacant(place) => {
                place.insert(Newest { number: origin.number, covered: false });
                Hole { missing: 0, is_news: false }
            }
            hash_map::Entry::Occupied(mut newest) => {
                let newest = newest.get_mut();
                // A stream that is read again brings old numbers; they are no hole.
                let missing = origin.number.saturating_sub(newest.number).saturating_sub(1);
                let is_news = 0 < missing && !newest.covered;
                if newest.number < origin.number {
                    *newest = Newest { number: origin.number, covered: false };
                }
                Hole { missing, is_news }
            }
        }
    }

    /// Holes up to now are told by the gap of a new connection.
    fn covered(&mut self) {
        for newest in self.0.values_mut() {
            newest.covered = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(runs: &mut Runs, number: u64, missing: u64, is_news: bool) {
        let origin = Origin { node: "a".to_owned(), run: 1, number };
        assert_eq!(runs.note(&origin), Hole { missing, is_news }, "number {number}");
    }

    #[test]
    fn holes_are_counted_and_told_once() {
        let mut runs = Runs::default();
        check(&mut runs, 7, 0, false);
        check(&mut runs, 8, 0, false);
        check(&mut runs, 11, 2, true);
        runs.covered();
        check(&mut runs, 9, 0, false);
        check(&mut runs, 14, 2, false);
        check(&mut runs, 16, 1, true);
    }
}
