//! The backend of a single node: presence and short histories in memory, events and records in the journal.

mod claims;
mod keep;
mod map;
mod maps;
mod unwritten;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustc_hash::FxHashMap;
use serde_json::value::RawValue;
use tokio::{
    sync::{
        Semaphore,
        mpsc::{self, Permit},
    },
    time::Instant,
};

use super::{
    Append, Appended, BackendError, Claim, Claimed, Commit, DELIVERIES_MAX, Delivery, HISTORY_BYTES_MAX,
    HistoryFilter, HistoryPage, Publishing, RecordKind, StreamOptions, StreamPosition,
};
use crate::journal::{Journal, KeyValues, Written};
use crate::wire::centrifugo::{ClientInfo, Publication, raw};
use claims::Claims;
use maps::Maps;
pub use maps::{MAPS_BYTES_MAX, MAPS_MAX};
pub use unwritten::{UNWRITTEN_BYTES_MAX, UNWRITTEN_MAX};

/// Everything in this process. A clone is the same backend.
#[derive(Debug, Clone)]
pub struct Embedded {
    state: Arc<Mutex<State>>,
    claims: Arc<Mutex<Claims>>,
    maps: Arc<Mutex<Maps>>,
    /// Who writes maps to disk: one at a time, for all that wait.
    map_writer: Arc<Semaphore>,
    journal: Journal,
    deliveries: mpsc::Sender<Delivery>,
}

/// Channels that keep a history at the same time: some 300 bytes each, beside what they keep.
pub const STREAMS_MAX: usize = 65_536;

/// Bytes of all histories.
pub const STREAMS_BYTES_MAX: usize = 256 << 20;

/// How long an epoch lasts at least after a publication or a read: longer than a publication can be on its way to a
/// reader, who would take it for one of the next epoch.
const EPOCH_MIN: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
struct State {
    streams: FxHashMap<Arc<str>, Stream>,
    /// Bytes of all that they keep.
    bytes: usize,
    /// Part of every new stream's epoch; another one after streams expired, or one made anew could be taken for the
    /// one before.
    round: u64,
    presence: FxHashMap<Arc<str>, BTreeMap<String, ClientInfo>>,
}

#[derive(Debug)]
struct Stream {
    epoch: String,
    offset: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    expires: Instant,
}

/// How many publications are kept, and how long.
type Bounds = (usize, Duration);

#[derive(Debug)]
struct Kept {
    publication: Publication,
    bytes: usize,
    at: Instant,
}

impl Embedded {
    /// Creates the backend and the end at which the hub takes deliveries.
    ///
    /// *Blocks*.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn new(journal: Journal) -> Result<(Self, mpsc::Receiver<Delivery>), BackendError> {
        let (deliveries, receiver) = mpsc::channel(DELIVERIES_MAX);
        let state = State { round: fastrand::u64(..), ..State::default() };
        let claims = Claims::new(journal.records_now(RecordKind::Notified)?);
        let (state, claims) = (Arc::new(Mutex::new(state)), Arc::new(Mutex::new(claims)));
        let maps = Arc::new(Mutex::new(keep::restored(&journal)?));
        let map_writer = Arc::new(Semaphore::new(1));
        Ok((Self { state, claims, maps, map_writer, journal, deliveries }, receiver))
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the queue, taken before the lock: what is sent under the lock keeps its order.
    async fn permit(&self) -> Result<Permit<'_, Delivery>, BackendError> {
        self.deliveries.reserve().await.map_err(|_| BackendError::Stopped)
    }

    /// See [`super::Backend::publish`].
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn publish(
        &self,
        channel: &str,
        publishing: Publishing,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        let Publishing { data, info, tags, delta } = publishing;
        let (size, ttl) = match options {
            StreamOptions::Journal => {
                let data = raw::value(&data).map_err(|_| BackendError::NotJson)?;
                let append = Append { channel: channel.to_owned(), data, info, key: None };
                let commit = Commit { appends: vec![append], records: Vec::new() };
                let appended = self.commit(commit).await?.pop();
                return appended.map(|appended| appended.position).ok_or(BackendError::Stopped);
            }
            StreamOptions::Memory { size, ttl } => (size, ttl),
            StreamOptions::None => (0, Duration::ZERO),
        };
        let permit = self.permit().await?;
        let mut publication = Publication { data, info, tags, ..Publication::default() };
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let position = if options.is_kept() {
            let is_new = !state.streams.contains_key(&channel);
            if is_new && STREAMS_MAX <= state.streams.len() || STREAMS_BYTES_MAX <= state.bytes {
                return Err(BackendError::HistoryFull);
            }
            let epoch = state.epoch(&channel);
            let state = &mut *state;
            let stream = state.streams.entry(Arc::clone(&channel)).or_insert_with(|| Stream::new(epoch));
            let before = stream.bytes;
            let position = stream.append(&mut publication, (size, ttl));
            state.bytes = state.bytes + stream.bytes - before;
            position
        } else {
            StreamPosition::default()
        };
        permit.send(Delivery::Publication { channel, publication, delta });
        Ok(position)
    }

    /// See [`super::Backend::history`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Journal`].
    pub async fn history(
        &self,
        channel: &str,
        filter: &HistoryFilter,
        options: StreamOptions,
    ) -> Result<HistoryPage, BackendError> {
        match options {
            StreamOptions::Journal => Ok(self.journal.history(channel, filter).await?),
            StreamOptions::Memory { size, ttl } if options.is_kept() => {
                Ok(self.remembered(channel, filter, (size, ttl)))
            }
            StreamOptions::Memory { .. } | StreamOptions::None => Ok(HistoryPage::default()),
        }
    }

    fn remembered(&self, channel: &str, filter: &HistoryFilter, options: Bounds) -> HistoryPage {
        let mut state = self.state();
        let epoch = state.epoch(channel);
        let Some(stream) = state.streams.get_mut(channel) else {
            // What was never published to costs nothing, and has the epoch of its first publication already: a client
            // recovers from offset 0.
            return HistoryPage { position: StreamPosition { offset: 0, epoch }, publications: Vec::new() };
        };
        stream.expires = stream.expires.max(Instant::now() + options.1.max(EPOCH_MIN));
        let before = stream.bytes;
        stream.trim(options);
        let (page, freed) = (stream.page(filter), before - stream.bytes);
        state.bytes -= freed;
        page
    }

    /// See [`super::Backend::order`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn order(&self, order: Box<RawValue>) -> Result<(), BackendError> {
        self.permit().await?.send(Delivery::Order(order));
        Ok(())
    }

    /// See [`super::Backend::forget`].
    pub fn forget(&self, channel: &str) {
        let mut state = self.state();
        if let Some(stream) = state.streams.get_mut(channel) {
            stream.kept.clear();
            let freed = std::mem::take(&mut stream.bytes);
            state.bytes -= freed;
        }
    }

    /// See [`super::Backend::commit`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Journal`].
    pub async fn commit(&self, commit: Commit) -> Result<Vec<Appended>, BackendError> {
        // Not the backend itself: the journal's thread must not hold the last handle of its own journal.
        let (claims, deliveries) = (Arc::clone(&self.claims), self.deliveries.clone());
        let after = move |written: &mut Written| hand_on(&claims, &deliveries, written);
        Ok(self.journal.commit(commit, after).await?)
    }

    /// See [`super::Backend::records`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Journal`].
    pub async fn records(&self, kind: RecordKind) -> Result<KeyValues, BackendError> {
        Ok(self.journal.records(kind).await?)
    }

    /// See [`super::Backend::claim`].
    pub fn claim(&self, claim: &Claim) -> Claimed {
        self.claims().claim(claim)
    }

    /// See [`super::Backend::release`].
    pub fn release(&self, claim: &Claim) {
        self.claims().release(claim);
    }

    /// See [`super::Backend::enter`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn enter(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        let permit = self.permit().await?;
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let present = state.presence.entry(Arc::clone(&channel)).or_default();
        let before = present.insert(info.client.clone(), info.clone());
        if before.as_ref() != Some(info) && announce {
            permit.send(Delivery::Join { channel, info: info.clone() });
        }
        Ok(())
    }

    /// See [`super::Backend::renew`].
    pub fn renew(&self, channel: &str, info: &ClientInfo) {
        let mut state = self.state();
        let present = state.presence.entry(Arc::from(channel)).or_default();
        present.insert(info.client.clone(), info.clone());
    }

    /// See [`super::Backend::leave`].
    ///
    /// # Errors
    ///
    /// [`BackendError::Stopped`].
    pub async fn leave(&self, channel: &str, info: &ClientInfo, announce: bool) -> Result<(), BackendError> {
        let permit = self.permit().await?;
        let mut state = self.state();
        let channel: Arc<str> = Arc::from(channel);
        let Some(present) = state.presence.get_mut(&channel) else { return Ok(()) };
        let was_there = present.remove(&info.client).is_some();
        if present.is_empty() {
            state.presence.remove(&channel);
        }
        if was_there && announce {
            permit.send(Delivery::Leave { channel, info: info.clone() });
        }
        Ok(())
    }

    /// See [`super::Backend::presence`].
    pub fn presence(&self, channel: &str) -> Vec<ClientInfo> {
        self.state()
            .presence
            .get(channel)
            .map_or_else(Vec::new, |present| present.values().cloned().collect())
    }

    /// See [`super::Backend::sweep`].
    pub fn sweep(&self) {
        self.journal.tick();
        self.claims().sweep(self.journal.clock().now_ms());
        let now = Instant::now();
        let mut state = self.state();
        let before = state.streams.len();
        state.streams.retain(|_, stream| now < stream.expires);
        state.bytes = state.streams.values().map(|stream| stream.bytes).sum();
        if state.streams.len() < before {
            state.round = fastrand::u64(..);
        }
        drop(state);
        self.sweep_maps();
    }
}

/// Hands on what is on disk now; on the journal's thread, which waits while the hub does not keep up.
fn hand_on(claims: &Mutex<Claims>, deliveries: &mpsc::Sender<Delivery>, written: &mut Written) {
    for (channel, publication) in std::mem::take(&mut written.publications) {
        let channel = Arc::from(channel);
        // Without a hub nobody is connected.
        drop(deliveries.blocking_send(Delivery::Publication { channel, publication, delta: false }));
    }
    for record in std::mem::take(&mut written.records) {
        if record.kind == RecordKind::Notified {
            claims.lock().unwrap_or_else(PoisonError::into_inner).told(&record);
        }
        drop(deliveries.blocking_send(Delivery::Record(record)));
    }
}

impl State {
    /// The epoch of a stream that would begin now.
    fn epoch(&self, channel: &str) -> String {
        format!("{:08x}", xxhash_rust::xxh3::xxh3_64_with_seed(channel.as_bytes(), self.round) & 0xffff_ffff)
    }
}

impl Stream {
    fn new(epoch: String) -> Self {
        Self { epoch, offset: 0, kept: VecDeque::new(), bytes: 0, expires: Instant::now() }
    }

    fn position(&self) -> StreamPosition {
        StreamPosition { offset: self.offset, epoch: self.epoch.clone() }
    }

    fn append(&mut self, publication: &mut Publication, options: Bounds) -> StreamPosition {
        let now = Instant::now();
        self.offset += 1;
        publication.offset = self.offset;
        if self.offset == 1 {
            // Who subscribed before there was a stream learns its epoch.
            publication.epoch.clone_from(&self.epoch);
        }
        let bytes = publication.bytes();
        self.kept.push_back(Kept { publication: publication.clone(), bytes, at: now });
        self.bytes += bytes;
        self.expires = now + options.1.max(EPOCH_MIN);
        self.trim(options);
        self.position()
    }

    fn trim(&mut self, (size, ttl): Bounds) {
        let now = Instant::now();
        while let Some(oldest) = self.kept.front() {
            let expired = oldest.at + ttl <= now;
            if !expired && self.kept.len() <= size && self.bytes <= HISTORY_BYTES_MAX {
                break;
            }
            self.bytes -= oldest.bytes;
            self.kept.pop_front();
        }
    }

    fn page(&self, filter: &HistoryFilter) -> HistoryPage {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let wanted = |kept: &&Kept| match (filter.since, filter.reverse) {
            (None, _) => true,
            (Some(since), false) => since < kept.publication.offset,
            (Some(since), true) => kept.publication.offset < since,
        };
        let publication = |kept: &Kept| kept.publication.clone();
        let publications = if filter.reverse {
            self.kept.iter().rev().filter(wanted).take(limit).map(publication).collect()
        } else {
            self.kept.iter().filter(wanted).take(limit).map(publication).collect()
        };
        HistoryPage { publications, position: self.position() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn histories_share_one_room() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), &Clock::System).unwrap();
        let (backend, mut deliveries) = Embedded::new(journal).unwrap();
        let options = StreamOptions::Memory { size: 10, ttl: Duration::from_mins(1) };
        let publish = |channel: &'static str| {
            let publishing = Publishing { data: "\"of some bytes\"".into(), ..Publishing::default() };
            backend.publish(channel, publishing, options)
        };
        publish("a").await.unwrap();
        let kept = backend.state().bytes;
        assert!(0 < kept);
        backend.state().bytes = STREAMS_BYTES_MAX;
        assert!(matches!(publish("a").await, Err(BackendError::HistoryFull)));
        backend.sweep();
        assert_eq!(backend.state().bytes, kept, "counted anew");
        publish("a").await.unwrap();
        assert!(deliveries.recv().await.is_some());
    }
}
