//! One map in memory. Pure but for the clock of its ends.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::EPOCH_MIN;
use crate::backend::{
    HISTORY_BYTES_MAX, HistoryFilter, HistoryPage, MAP_BYTES_MAX, MAP_KEYS_MAX, MapFilter, MapLimit, MapMode,
    MapOptions, MapPage, StreamPosition,
};
use crate::wire::centrifugo::Publication;

/// How long an empty map keeps its epoch, unless something else is said.
const META_TTL: Duration = Duration::from_hours(24);
/// What an entry takes beside what came from outside; counted in what all maps may take.
pub(super) const ENTRY_BYTES: usize = 256;

/// A value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// With key, offset and time.
    pub(super) publication: Publication,
    pub(super) ends: Option<Instant>,
    pub(super) version: u64,
    pub(super) version_epoch: Box<str>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.publication.bytes() + self.version_epoch.len() + ENTRY_BYTES
    }
}

#[derive(Debug)]
struct Kept {
    publication: Publication,
    bytes: usize,
    at: Instant,
}

/// Keys with values, and what changed in them.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) epoch: Arc<str>,
    pub(super) offset: u64,
    pub(super) options: MapOptions,
    entries: BTreeMap<Arc<str>, Entry>,
    /// Bytes of the entries.
    state_bytes: usize,
    log: VecDeque<Kept>,
    log_bytes: usize,
    /// When the map was written or read last.
    touched: Instant,
}

impl Map {
    pub(super) fn new(epoch: Arc<str>, options: MapOptions) -> Self {
        Self {
            epoch,
            offset: 0,
            options,
            entries: BTreeMap::new(),
            state_bytes: 0,
            log: VecDeque::new(),
            log_bytes: 0,
            touched: Instant::now(),
        }
    }

    pub(super) fn position(&self) -> StreamPosition {
        StreamPosition { offset: self.offset, epoch: self.epoch.to_string() }
    }

    /// Bytes of all that it holds.
    pub(super) const fn bytes(&self) -> usize {
        self.state_bytes + self.log_bytes
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (&Arc<str>, Option<Instant>)> {
        self.entries.iter().map(|(key, entry)| (key, entry.ends))
    }

    /// Notes that the map is in use.
    pub(super) fn touch(&mut self, options: MapOptions) {
        self.options = options;
        self.touched = Instant::now();
    }

    /// Lets a key live as long as a new one; returns when it ended before, and when it ends now.
    pub(super) fn renew(&mut self, key: &str) -> Option<(Instant, Instant)> {
        let ends = Instant::now() + self.options.key_ttl?;
        let before = self.entries.get_mut(key)?.ends.replace(ends)?;
        Some((before, ends))
    }

    /// Whether there is room for a value.
    ///
    /// # Errors
    ///
    /// Which limit is in its way.
    pub(super) fn fits(&self, key: &str, entry: &Entry) -> Result<(), MapLimit> {
        let before = self.entries.get(key).map(Entry::bytes);
        if before.is_none() && MAP_KEYS_MAX <= self.entries.len() {
            return Err(MapLimit::Keys);
        }
        let keys = self.entries.len() + usize::from(before.is_none());
        let after = self.state_bytes - before.unwrap_or_default() + entry.bytes();
        if MAP_BYTES_MAX + keys * ENTRY_BYTES < after { Err(MapLimit::Bytes) } else { Ok(()) }
    }

    /// Gives a change its offset, and keeps it as long as the stream does.
    fn append(&mut self, publication: &mut Publication) {
        if self.options.mode == MapMode::Ephemeral {
            publication.offset = 0;
            return;
        }
        self.offset += 1;
        publication.offset = self.offset;
        let bytes = publication.bytes() + ENTRY_BYTES;
        self.log.push_back(Kept { publication: publication.clone(), bytes, at: Instant::now() });
        self.log_bytes += bytes;
        self.trim();
    }

    /// Puts a value; returns the change, and the value before it.
    pub(super) fn put(&mut self, key: Arc<str>, mut entry: Entry) -> (Publication, Option<Entry>) {
        self.append(&mut entry.publication);
        let publication = entry.publication.clone();
        self.state_bytes += entry.bytes();
        let before = self.entries.insert(key, entry);
        self.state_bytes -= before.as_ref().map_or(0, Entry::bytes);
        (publication, before)
    }

    /// Takes a key out; returns the change, and the value before it. Tags stay, so that who filters by them is told.
    pub(super) fn remove(&mut self, key: &str, time: i64) -> Option<(Publication, Entry)> {
        let before = self.entries.remove(key)?;
        self.state_bytes -= before.bytes();
        let mut publication = Publication {
            key: key.to_owned(),
            removed: true,
            tags: before.publication.tags.clone(),
            time,
            ..Publication::default()
        };
        self.append(&mut publication);
        Some((publication, before))
    }

    /// Takes the oldest changes off until count, bytes and age are within bounds.
    pub(super) fn trim(&mut self) {
        let now = Instant::now();
        while let Some(oldest) = self.log.front() {
            let expired = oldest.at + self.options.stream_ttl <= now;
            if !expired && self.log.len() <= self.options.stream_size && self.log_bytes <= HISTORY_BYTES_MAX {
                break;
            }
            self.log_bytes -= oldest.bytes;
            self.log.pop_front();
        }
    }

    /// What subscribers are told of its epoch: nothing of an ephemeral one's, which is forgotten whenever it is empty. That is
    /// no loss, and all else that ends it ends the process, or is told.
    pub(super) fn told_epoch(&self) -> Arc<str> {
        if self.options.mode == MapMode::Ephemeral { Arc::default() } else { Arc::clone(&self.epoch) }
    }

    /// Whether nothing is lost with it but its epoch, and that is over. Where there are many maps, that is so sooner.
    pub(super) fn is_over(&self, is_crowded: bool) -> bool {
        let kept = self.options.meta_ttl.unwrap_or(META_TTL);
        let kept = if is_crowded { kept.min(EPOCH_MIN) } else { kept };
        self.is_unused() || self.holds_nothing() && self.touched + kept <= Instant::now()
    }

    /// Whether nothing is lost with it: who comes back to it has no offset to come back to.
    pub(super) fn is_unused(&self) -> bool {
        self.holds_nothing() && self.offset == 0
    }

    fn holds_nothing(&self) -> bool {
        self.entries.is_empty() && self.log.is_empty()
    }

    pub(super) fn page(&self, filter: &MapFilter) -> MapPage {
        let mut page = MapPage { position: self.position(), ..MapPage::default() };
        if let Some(key) = &filter.key {
            page.entries.extend(self.entry(key).map(|entry| entry.publication.clone()));
            return page;
        }
        let most = filter.limit.unwrap_or(usize::MAX);
        if most == 0 {
            return page;
        }
        let after = match &*filter.cursor {
            "" => Bound::Unbounded,
            cursor => Bound::Excluded(cursor),
        };
        let mut bytes = 0;
        for entry in self.entries.range::<str, _>((after, Bound::Unbounded)).map(|(_, entry)| entry) {
            bytes += entry.bytes();
            let is_whole = filter.bytes.is_some_and(|most| most < bytes) && !page.entries.is_empty();
            if page.entries.len() == most || is_whole {
                page.cursor = page.entries.last().map(|last| last.key.clone()).unwrap_or_default();
                break;
            }
            page.entries.push(entry.publication.clone());
        }
        page
    }

    pub(super) fn changes(&self, filter: &HistoryFilter) -> HistoryPage {
        let wanted = |kept: &&Kept| match (filter.since, filter.reverse) {
            (None, _) => true,
            (Some(since), false) => since < kept.publication.offset,
            (Some(since), true) => kept.publication.offset < since,
        };
        let limit = filter.limit.unwrap_or(usize::MAX);
        let publication = |kept: &Kept| kept.publication.clone();
        let publications = if filter.reverse {
            self.log.iter().rev().filter(wanted).take(limit).map(publication).collect()
        } else {
            self.log.iter().filter(wanted).take(limit).map(publication).collect()
        };
        HistoryPage { publications, position: self.position() }
    }
}
