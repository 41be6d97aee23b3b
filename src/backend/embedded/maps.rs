//! All maps of a single node, and what of them is to be written to disk. Pure but for the clock of their ends.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::{
    map::{Entry, Map},
    unwritten::Unwritten,
};
use crate::backend::{
    BackendError, HistoryFilter, HistoryPage, KeyMode, MAP_IDEMPOTENT_TTL, MapChange, MapFilter, MapLimit,
    MapMode, MapNews, MapOptions, MapOutcome, MapPage, MapPut, StreamPosition, Suppressed,
};
use crate::wire::centrifugo::Publication;

/// Maps that there are at the same time: some 300 bytes each, beside what they hold.
pub const MAPS_MAX: usize = 65_536;
/// Maps from which on those that are empty do not keep their epochs for long: who makes many is not in the way of others.
const CROWDED: usize = MAPS_MAX / 2;
/// Bytes of all maps: their values and their streams.
pub const MAPS_BYTES_MAX: usize = 256 << 20;
/// Names of changes that are known at the same time; the oldest go first.
const KNOWN_MAX: usize = 65_536;

/// A map's channel, and a key in it.
pub(super) type Place = (Arc<str>, Arc<str>);

/// The maps.
#[derive(Debug)]
pub(super) struct Maps {
    maps: FxHashMap<Arc<str>, Map>,
    /// Bytes of all of them.
    bytes: usize,
    /// When keys end.
    ends: BTreeSet<(Instant, Arc<str>, Arc<str>)>,
    known: FxHashMap<Place, StreamPosition>,
    known_order: VecDeque<(Instant, Place)>,
    /// Part of every new map's epoch; another one after a map that had offsets is gone.
    round: u64,
    /// Keys of persistent maps that are not on disk as they are here.
    unwritten: Unwritten,
}

/// What came of a change, and what is to be told of it.
pub(super) type Made = (MapOutcome, Option<MapChange>);

impl Maps {
    pub(super) fn new() -> Self {
        Self {
            maps: FxHashMap::default(),
            bytes: 0,
            ends: BTreeSet::new(),
            known: FxHashMap::default(),
            known_order: VecDeque::new(),
            round: fastrand::u64(..),
            unwritten: Unwritten::default(),
        }
    }

    /// Whether the keys of a map are to be on disk.
    pub(super) fn is_persistent(&self, channel: &str) -> bool {
        self.maps.get(channel).is_some_and(|map| map.options.mode == MapMode::Persistent)
    }

    /// The epoch of a map that would begin now.
    fn epoch(&self, channel: &str) -> Arc<str> {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(channel.as_bytes(), self.round);
        format!("{:08x}", hash & 0xffff_ffff).into()
    }

    /// Takes a value that was on disk.
    pub(super) fn restore(&mut self, (channel, key): Place, entry: Entry) {
        let epoch = self.epoch(&channel);
        let options = MapOptions {
            mode: MapMode::Persistent,
            key_ttl: None,
            stream_size: 0,
            stream_ttl: Duration::ZERO,
            meta_ttl: None,
        };
        let map = self.maps.entry(channel).or_insert_with(|| Map::new(epoch, options));
        let before = map.bytes();
        map.put(key, entry);
        self.bytes = self.bytes + map.bytes() - before;
    }

    /// Ends what a map was before its configuration changed: values that were to stay are none that expire.
    fn adopt(&mut self, channel: &str, options: MapOptions) {
        let is_other = |map: &Map| {
            (map.options.mode == MapMode::Persistent) != (options.mode == MapMode::Persistent)
                && 0 < map.len()
        };
        if self.maps.get(channel).is_some_and(is_other) {
            self.take(channel);
        }
    }

    fn known(&mut self, channel: &Arc<str>, key: &str) -> Option<StreamPosition> {
        let now = Instant::now();
        while let Some((at, place)) = self.known_order.front() {
            if now < *at + MAP_IDEMPOTENT_TTL && self.known_order.len() <= KNOWN_MAX {
                break;
            }
            self.known.remove(place);
            self.known_order.pop_front();
        }
        if key.is_empty() {
            return None;
        }
        let known = self.known.get(&(Arc::clone(channel), Arc::from(key)))?;
        // What another life of the map knew is not there any more.
        let epoch = self.maps.get(channel).map_or_else(|| self.epoch(channel), |map| Arc::clone(&map.epoch));
        (*known.epoch == *epoch).then(|| known.clone())
    }

    fn note(&mut self, channel: &Arc<str>, key: &str, position: &StreamPosition) {
        if !key.is_empty() {
            let place = (Arc::clone(channel), Arc::from(key));
            self.known_order.push_back((Instant::now(), place.clone()));
            self.known.insert(place, position.clone());
        }
    }

    fn position(&self, channel: &str) -> StreamPosition {
        let unborn = || StreamPosition { offset: 0, epoch: self.epoch(channel).to_string() };
        self.maps.get(channel).map_or_else(unborn, Map::position)
    }

    fn suppressed(&self, channel: &str, reason: Suppressed) -> Made {
        (MapOutcome { position: self.position(channel), suppressed: Some(reason) }, None)
    }

    /// Puts a value.
    ///
    /// # Errors
    ///
    /// [`BackendError::MapFull`].
    pub(super) fn put(
        &mut self,
        channel: &Arc<str>,
        put: MapPut,
        options: MapOptions,
        time: i64,
    ) -> Result<Made, BackendError> {
        self.adopt(channel, options);
        if let Some(position) = self.known(channel, &put.idempotency_key) {
            return Ok((MapOutcome { position, suppressed: Some(Suppressed::Idempotency) }, None));
        }
        let before = self.maps.get(channel).and_then(|map| map.entry(&put.key));
        if let Some(reason) = refused(before, &put, options) {
            if let (Suppressed::KeyExists, KeyMode::IfNew { renew: true }) = (reason, put.mode) {
                self.renew(channel, &put.key, options);
            }
            return Ok(self.suppressed(channel, reason));
        }
        let (mut version, mut version_epoch) = (put.version, put.version_epoch);
        if let (0, Some(before)) = (version, before) {
            (version, version_epoch) = (before.version, before.version_epoch.to_string());
        }
        let MapPut { key, data, info, tags, delta, idempotency_key, .. } = put;
        let publication = Publication { key, data, info, tags, time, ..Publication::default() };
        let ends = options.key_ttl.map(|ttl| Instant::now() + ttl);
        let entry = Entry { publication, ends, version, version_epoch: version_epoch.into() };
        let outcome = self.store(channel, entry, delta, options)?;
        self.note(channel, &idempotency_key, &outcome.0.position);
        Ok(outcome)
    }

    fn store(
        &mut self,
        channel: &Arc<str>,
        entry: Entry,
        delta: bool,
        options: MapOptions,
    ) -> Result<Made, BackendError> {
        let key: Arc<str> = Arc::from(&*entry.publication.key);
        let ends = entry.ends;
        let is_new = !self.maps.contains_key(channel);
        if is_new && MAPS_MAX <= self.maps.len() || MAPS_BYTES_MAX <= self.bytes {
            return Err(BackendError::MapFull(MapLimit::All));
        }
        let epoch = self.epoch(channel);
        let fresh = || Map::new(epoch, options);
        let map = self.maps.entry(Arc::clone(channel)).or_insert_with(fresh);
        map.fits(&key, &entry).map_err(BackendError::MapFull)?;
        let bytes = map.bytes();
        map.touch(options);
        let (publication, before) = map.put(Arc::clone(&key), entry);
        let (after, position, epoch) = (map.bytes(), map.position(), map.told_epoch());
        self.bytes = self.bytes + after - bytes;
        if let Some(ends) = before.as_ref().and_then(|before| before.ends) {
            self.ends.remove(&(ends, Arc::clone(channel), Arc::clone(&key)));
        }
        if let Some(ends) = ends {
            self.ends.insert((ends, Arc::clone(channel), Arc::clone(&key)));
        }
        self.spoil(channel, &key, options);
        let before = before.map(|before| before.publication.offset).filter(|offset| *offset != 0);
        let publication = Box::new(publication);
        let news = MapNews::Changed { publication, epoch, before, delta };
        let change = MapChange { channel: Arc::clone(channel), news };
        Ok((MapOutcome { position, suppressed: None }, Some(change)))
    }

    /// Notes that a key is on disk as it was.
    fn spoil(&mut self, channel: &Arc<str>, key: &Arc<str>, options: MapOptions) {
        if options.mode == MapMode::Persistent {
            let entry = self.maps.get(channel).and_then(|map| map.entry(key));
            let bytes = entry.map_or(0, |entry| entry.publication.bytes());
            self.unwritten.note((Arc::clone(channel), Arc::clone(key)), bytes);
        }
    }

    fn renew(&mut self, channel: &Arc<str>, key: &str, options: MapOptions) {
        let Some(map) = self.maps.get_mut(channel) else { return };
        map.touch(options);
        if let Some((before, ends)) = map.renew(key) {
            let place = |at| (at, Arc::clone(channel), Arc::from(key));
            self.ends.remove(&place(before));
            self.ends.insert(place(ends));
        }
    }

    /// Takes a key out.
    pub(super) fn remove(
        &mut self,
        channel: &Arc<str>,
        (key, idempotency_key): (&str, &str),
        options: MapOptions,
        time: i64,
    ) -> Made {
        self.adopt(channel, options);
        if let Some(position) = self.known(channel, idempotency_key) {
            return (MapOutcome { position, suppressed: Some(Suppressed::Idempotency) }, None);
        }
        let Some(map) = self.maps.get_mut(channel) else {
            return self.suppressed(channel, Suppressed::KeyNotFound);
        };
        map.touch(options);
        let Some(change) = self.take_key(channel, key, time) else {
            return self.suppressed(channel, Suppressed::KeyNotFound);
        };
        let position = self.position(channel);
        self.forget_unused(channel);
        self.note(channel, idempotency_key, &position);
        (MapOutcome { position, suppressed: None }, Some(change))
    }

    fn take_key(&mut self, channel: &Arc<str>, key: &str, time: i64) -> Option<MapChange> {
        let map = self.maps.get_mut(channel)?;
        let bytes = map.bytes();
        let (publication, before) = map.remove(key, time)?;
        let (after, options, epoch) = (map.bytes(), map.options, map.told_epoch());
        self.bytes = self.bytes + after - bytes;
        let key: Arc<str> = Arc::from(key);
        if let Some(ends) = before.ends {
            self.ends.remove(&(ends, Arc::clone(channel), Arc::clone(&key)));
        }
        self.spoil(channel, &key, options);
        let publication = Box::new(publication);
        let news = MapNews::Changed { publication, epoch, before: None, delta: false };
        Some(MapChange { channel: Arc::clone(channel), news })
    }

    /// Takes out the next key whose time is over.
    pub(super) fn expire(&mut self, time: i64) -> Option<MapChange> {
        let (ends, channel, key) = self.ends.first()?;
        if Instant::now() < *ends {
            return None;
        }
        let (channel, key) = (Arc::clone(channel), Arc::clone(key));
        let change = self.take_key(&channel, &key, time);
        self.forget_unused(&channel);
        change
    }

    /// Forgets a map with which nothing is lost.
    fn forget_unused(&mut self, channel: &str) {
        if self.maps.get(channel).is_some_and(Map::is_unused) {
            self.maps.remove(channel);
        }
    }

    /// A part of a map's state.
    pub(super) fn state(&mut self, channel: &str, filter: &MapFilter, options: MapOptions) -> MapPage {
        self.adopt(channel, options);
        let Some(map) = self.maps.get_mut(channel) else {
            // What was never written to costs nothing, and has the epoch of its first change already.
            return MapPage { position: self.position(channel), ..MapPage::default() };
        };
        map.touch(options);
        map.page(filter)
    }

    /// A part of what changed in a map.
    pub(super) fn stream(
        &mut self,
        channel: &str,
        filter: &HistoryFilter,
        options: MapOptions,
    ) -> HistoryPage {
        self.adopt(channel, options);
        let Some(map) = self.maps.get_mut(channel) else {
            return HistoryPage { position: self.position(channel), publications: Vec::new() };
        };
        let bytes = map.bytes();
        map.touch(options);
        map.trim();
        let (page, freed) = (map.changes(filter), bytes - map.bytes());
        self.bytes -= freed;
        page
    }

    /// How many keys a map has.
    pub(super) fn count(&self, channel: &str) -> usize {
        self.maps.get(channel).map_or(0, Map::len)
    }

    /// Takes everything out of a map; tells whether there was one.
    pub(super) fn take(&mut self, channel: &str) -> bool {
        let Some((channel, map)) = self.maps.remove_entry(channel) else { return false };
        self.bytes -= map.bytes();
        for (key, ends) in map.keys() {
            if let Some(ends) = ends {
                self.ends.remove(&(ends, Arc::clone(&channel), Arc::clone(key)));
            }
            self.spoil(&channel, key, map.options);
        }
        self.round = fastrand::u64(..);
        true
    }

    /// Forgets streams and maps whose time is over.
    pub(super) fn sweep(&mut self) {
        let mut is_gone = false;
        let is_crowded = CROWDED <= self.maps.len();
        self.maps.retain(|_, map| {
            map.trim();
            let is_over = map.is_over(is_crowded);
            is_gone |= is_over && map.offset != 0;
            !is_over
        });
        self.bytes = self.maps.values().map(Map::bytes).sum();
        if is_gone {
            self.round = fastrand::u64(..);
        }
    }

    /// The number of the newest change that is to be on disk.
    pub(super) const fn turn(&self) -> u64 {
        self.unwritten.turn()
    }

    /// Whether a change is on disk, and all before it.
    pub(super) const fn is_written(&self, turn: u64) -> bool {
        self.unwritten.is_written(turn)
    }

    /// Whether as much waits for the disk as may.
    pub(super) fn is_behind(&self) -> bool {
        self.unwritten.is_full()
    }

    /// What is to be written now, key by key; nothing for one that is gone.
    pub(super) fn to_write(&self) -> Vec<(Place, Option<Entry>)> {
        let entry = |(channel, key): &Place| self.maps.get(channel).and_then(|map| map.entry(key)).cloned();
        self.unwritten.places().map(|place| (place.clone(), entry(place))).collect()
    }

    /// Notes that all changes up to one are on disk.
    pub(super) fn wrote(&mut self, turn: u64) {
        self.unwritten.wrote(turn);
    }
}

/// Why a value is not put.
fn refused(before: Option<&Entry>, put: &MapPut, options: MapOptions) -> Option<Suppressed> {
    if options.mode != MapMode::Ephemeral
        && let Some(before) = before
        && 0 < put.version
        && put.version <= before.version
        && (put.version_epoch.is_empty() || *put.version_epoch == *before.version_epoch)
    {
        return Some(Suppressed::Version);
    }
    match (put.mode, before) {
        (KeyMode::IfNew { .. }, Some(_)) => Some(Suppressed::KeyExists),
        (KeyMode::IfExists, None) => Some(Suppressed::KeyNotFound),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: MapOptions = MapOptions {
        mode: MapMode::Recoverable,
        key_ttl: Some(Duration::from_secs(60)),
        stream_size: 5,
        stream_ttl: Duration::from_secs(60),
        meta_ttl: Some(Duration::from_secs(600)),
    };

    fn put(maps: &mut Maps, channel: &str, key: &str, name: &str) -> Result<MapOutcome, BackendError> {
        let idempotency_key = name.to_owned();
        let put = MapPut { key: key.to_owned(), data: "1".into(), idempotency_key, ..MapPut::default() };
        maps.put(&Arc::from(channel), put, OPTIONS, 7).map(|(outcome, _)| outcome)
    }

    #[test]
    fn maps_share_one_room() {
        let mut maps = Maps::new();
        put(&mut maps, "a", "k", "").unwrap();
        let held = maps.bytes;
        assert!(0 < held);
        maps.bytes = MAPS_BYTES_MAX;
        let full = put(&mut maps, "a", "l", "");
        assert!(matches!(full, Err(BackendError::MapFull(MapLimit::All))), "{full:?}");
        maps.sweep();
        assert_eq!(maps.bytes, held, "counted anew");
        put(&mut maps, "a", "l", "").unwrap();
        assert!(maps.take("a"));
        assert_eq!((maps.bytes, maps.ends.len()), (0, 0));
        for at in 0..MAPS_MAX {
            put(&mut maps, &at.to_string(), "k", "").unwrap();
        }
        let full = put(&mut maps, "one more", "k", "");
        assert!(matches!(full, Err(BackendError::MapFull(MapLimit::All))), "{full:?}");
        put(&mut maps, "7", "another", "").unwrap();
    }

    #[test]
    fn names_of_changes_are_bounded() {
        let mut maps = Maps::new();
        for at in 0..=KNOWN_MAX {
            put(&mut maps, "a", "k", &at.to_string()).unwrap();
        }
        assert_eq!(put(&mut maps, "a", "k", "9").unwrap().suppressed, Some(Suppressed::Idempotency));
        assert_eq!(put(&mut maps, "a", "k", "0").unwrap().suppressed, None, "the oldest is forgotten");
        assert!(maps.known.len() <= KNOWN_MAX + 1 && maps.known_order.len() <= KNOWN_MAX + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_map_is_forgotten_with_its_epoch() {
        let mut maps = Maps::new();
        let first = put(&mut maps, "a", "k", "").unwrap().position;
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(maps.expire(8).is_some() && maps.expire(8).is_none());
        tokio::time::advance(Duration::from_secs(61)).await;
        maps.sweep();
        assert_eq!((maps.maps.len(), maps.bytes), (1, 0));
        tokio::time::advance(Duration::from_secs(600)).await;
        maps.sweep();
        assert_eq!(maps.maps.len(), 0);
        let again = put(&mut maps, "a", "k", "").unwrap().position;
        assert_eq!(again.offset, 1);
        assert_ne!(again.epoch, first.epoch);
    }

    #[test]
    fn an_empty_map_without_offsets_is_forgotten_at_once() {
        let ephemeral = MapOptions { mode: MapMode::Ephemeral, stream_size: 0, ..OPTIONS };
        let mut maps = Maps::new();
        for at in 0..2 * MAPS_MAX {
            let channel: Arc<str> = Arc::from(at.to_string());
            let put = MapPut { key: "k".to_owned(), ..MapPut::default() };
            let (made, _) = maps.put(&channel, put, ephemeral, 7).unwrap();
            let (removed, told) = maps.remove(&channel, ("k", ""), ephemeral, 8);
            assert_eq!((removed.position, told.is_some()), (made.position, true));
        }
        assert_eq!((maps.maps.len(), maps.ends.len(), maps.bytes), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn an_ephemeral_map_whose_last_key_ends_is_forgotten() {
        let ephemeral = MapOptions { mode: MapMode::Ephemeral, stream_size: 0, ..OPTIONS };
        let mut maps = Maps::new();
        let put = MapPut { key: "k".to_owned(), ..MapPut::default() };
        maps.put(&Arc::from("a"), put, ephemeral, 7).unwrap();
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(maps.expire(8).is_some() && maps.maps.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn many_empty_maps_make_room_for_others() {
        let mut maps = Maps::new();
        for at in 0..MAPS_MAX {
            put(&mut maps, &at.to_string(), "k", "").unwrap();
        }
        tokio::time::advance(Duration::from_secs(61)).await;
        while maps.expire(8).is_some() {}
        maps.sweep();
        assert!(put(&mut maps, "one more", "k", "").is_err(), "their streams are kept");
        tokio::time::advance(Duration::from_secs(61)).await;
        maps.sweep();
        put(&mut maps, "one more", "k", "").unwrap();
        assert_eq!(maps.maps.len(), 1);
    }

    #[test]
    fn a_change_that_is_not_on_disk_is_written_with_the_next() {
        let persistent = MapOptions { mode: MapMode::Persistent, key_ttl: None, meta_ttl: None, ..OPTIONS };
        let mut maps = Maps::new();
        let mut put = |key: &str| {
            let put = MapPut { key: key.to_owned(), ..MapPut::default() };
            maps.put(&Arc::from("a"), put, persistent, 7).unwrap();
        };
        put("k");
        put("l");
        put("k");
        let turn = maps.turn();
        assert!(!maps.is_written(turn));
        assert_eq!(maps.to_write().len(), 2);
        maps.remove(&Arc::from("a"), ("l", ""), persistent, 8);
        maps.wrote(turn);
        assert!(maps.is_written(turn) && !maps.is_written(maps.turn()));
        let rest = maps.to_write();
        assert!(matches!(&rest[..], [((_, key), None)] if **key == *"l"), "{rest:?}");
    }
}
