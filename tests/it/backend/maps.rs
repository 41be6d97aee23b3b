//! Maps: the part of the contract that is about keys with values.

use std::{collections::BTreeMap, time::Duration};

use watchroom::{
    backend::{
        BackendError, Delivery, HistoryFilter, KeyMode, MAP_BYTES_MAX, MAP_KEYS_MAX, MapChange, MapFilter,
        MapLimit, MapMode, MapNews, MapOptions, MapOutcome, MapPage, MapPut, StreamPosition, Suppressed,
    },
    wire::centrifugo::Publication,
};

use super::{Node, info, offsets, until};
use crate::redis_server::RedisServer;

/// Values that stay for the time of a test, and a stream of five changes.
pub(super) const RECOVERABLE: MapOptions = MapOptions {
    mode: MapMode::Recoverable,
    key_ttl: Some(Duration::from_secs(60)),
    stream_size: 5,
    stream_ttl: Duration::from_secs(60),
    meta_ttl: Some(Duration::from_secs(600)),
};
const EPHEMERAL: MapOptions =
    MapOptions { mode: MapMode::Ephemeral, stream_size: 0, meta_ttl: None, ..RECOVERABLE };
const PERSISTENT: MapOptions =
    MapOptions { mode: MapMode::Persistent, key_ttl: None, meta_ttl: None, ..RECOVERABLE };
const SHORT: MapOptions = MapOptions { key_ttl: Some(Duration::from_secs(1)), ..RECOVERABLE };

/// What was done and why not.
type Done = (u64, Option<Suppressed>);

fn put(key: &str, data: &str) -> MapPut {
    MapPut { key: key.to_owned(), data: data.to_owned().into(), ..MapPut::default() }
}

fn done(outcome: &MapOutcome) -> Done {
    (outcome.position.offset, outcome.suppressed)
}

impl Node {
    async fn put(&self, put: MapPut, options: MapOptions) -> Done {
        done(&self.backend.map_put("m", put, options).await.unwrap())
    }

    async fn remove(&self, key: &str, options: MapOptions) -> Done {
        done(&self.backend.map_remove("m", (key, ""), options).await.unwrap())
    }

    async fn page(&self, cursor: &str, limit: usize, options: MapOptions) -> MapPage {
        let filter = MapFilter { cursor: cursor.to_owned(), limit: Some(limit), ..MapFilter::default() };
        self.backend.map_state("m", &filter, options).await.unwrap()
    }

    async fn keys(&self, options: MapOptions) -> Vec<String> {
        let page = self.backend.map_state("m", &MapFilter::default(), options).await.unwrap();
        page.entries.into_iter().map(|entry| entry.key).collect()
    }

    async fn position(&self, options: MapOptions) -> StreamPosition {
        self.page("", 0, options).await.position
    }

    async fn changes(&self, since: Option<u64>, limit: Option<usize>, reverse: bool) -> Vec<u64> {
        let filter = HistoryFilter { since, limit, reverse };
        offsets(&self.backend.map_stream("m", &filter, RECOVERABLE).await.unwrap())
    }

    async fn next_change(&mut self) -> MapChange {
        match self.next().await {
            Delivery::Map(change) => change,
            other => panic!("no change of a map: {other:?}"),
        }
    }

    async fn next_value(&mut self) -> (Publication, Option<u64>) {
        match self.next_change().await.news {
            MapNews::Changed { publication, before, .. } => (*publication, before),
            MapNews::Cleared => panic!("cleared"),
        }
    }
}

pub(super) async fn a_map_is_put_and_read_in_the_order_of_keys(node: &mut Node) {
    for (at, key) in ["b", "й", "a", "b"].into_iter().enumerate() {
        let offset = u64::try_from(at).unwrap() + 1;
        assert_eq!(node.put(put(key, &at.to_string()), RECOVERABLE).await, (offset, None));
        let (publication, _) = node.next_value().await;
        assert_eq!((publication.key.as_str(), publication.offset), (key, offset));
        assert!(!publication.removed && 0 < publication.time);
    }
    let page = node.page("", 10, RECOVERABLE).await;
    let read: Vec<_> = page.entries.iter().map(|one| (&*one.key, one.offset, &*one.data)).collect();
    assert_eq!(read, [("a", 3, &b"2"[..]), ("b", 4, b"3"), ("й", 2, b"1")]);
    assert_eq!((page.position.offset, page.cursor.as_str()), (4, ""));
    assert_eq!(node.backend.map_count("m").await.unwrap(), 3);
    assert_eq!(node.backend.map_count("other").await.unwrap(), 0);
}

pub(super) async fn a_state_is_read_by_pages(node: &mut Node) {
    for key in ["a", "b", "c", "d", "e"] {
        node.put(put(key, "1"), RECOVERABLE).await;
    }
    let keys = |page: &MapPage| page.entries.iter().map(|one| one.key.clone()).collect::<String>();
    for (cursor, limit, expected, next) in [
        ("", 2, "ab", "b"),
        ("b", 2, "cd", "d"),
        ("d", 2, "e", ""),
        ("", 5, "abcde", ""),
        ("", 0, "", ""),
        // What a client invents.
        ("bb", 1, "c", "c"),
        ("z", 2, "", ""),
        ("\u{0}", 1, "a", "a"),
        ("(a", 1, "a", "a"),
        ("+", 1, "a", "a"),
    ] {
        let page = node.page(cursor, limit, RECOVERABLE).await;
        assert_eq!((keys(&page).as_str(), page.cursor.as_str()), (expected, next), "{cursor:?}, {limit}");
        assert_eq!(page.position.offset, 5);
    }
    let one = MapFilter { key: Some("c".to_owned()), ..MapFilter::default() };
    assert_eq!(keys(&node.backend.map_state("m", &one, RECOVERABLE).await.unwrap()), "c");
    let few = MapFilter { limit: Some(5), bytes: Some(1), ..MapFilter::default() };
    let page = node.backend.map_state("m", &few, RECOVERABLE).await.unwrap();
    assert_eq!((keys(&page).as_str(), page.cursor.as_str()), ("a", "a"), "one at least");
}

pub(super) async fn removals_are_told_with_their_tags(node: &mut Node) {
    let tags: BTreeMap<String, String> = [("room".to_owned(), "1\n\"".to_owned())].into();
    let first = MapPut { tags: tags.clone(), info: Some(info("c1")), ..put("a\n/ä", "[1,\n2]") };
    node.put(first, RECOVERABLE).await;
    let (publication, _) = node.next_value().await;
    assert_eq!((&publication.tags, publication.info), (&tags, Some(info("c1"))));
    assert_eq!(node.remove("b", RECOVERABLE).await, (1, Some(Suppressed::KeyNotFound)));
    assert_eq!(node.remove("a\n/ä", RECOVERABLE).await, (2, None));
    assert_eq!(node.remove("a\n/ä", RECOVERABLE).await, (2, Some(Suppressed::KeyNotFound)));
    let (gone, _) = node.next_value().await;
    assert!(gone.removed && gone.data.is_empty() && gone.info.is_none());
    assert_eq!((gone.key.as_str(), gone.offset, &gone.tags), ("a\n/ä", 2, &tags));
    assert!(node.keys(RECOVERABLE).await.is_empty());
    assert_eq!(node.changes(Some(0), None, false).await, [1, 2]);
}

pub(super) async fn values_come_back_as_they_were(node: &mut Node) {
    for (at, data) in [&b"null"[..], b"", b"\xff\x00\n", b"{\"a\": 1e400}", b"[[[]]]"].into_iter().enumerate()
    {
        let value = MapPut { data: data.to_vec().into(), ..put(&at.to_string(), "") };
        node.put(value, PERSISTENT).await;
        assert_eq!(node.next_value().await.0.data, data);
    }
    let page = node.page("", 10, PERSISTENT).await;
    assert_eq!(page.entries[0].data, "null");
    assert_eq!(page.entries[1].data, "");
    assert_eq!(&*page.entries[2].data, b"\xff\x00\n");
}

pub(super) async fn keys_are_put_only_if(node: &mut Node) {
    let only = |mode, key| MapPut { mode, ..put(key, "1") };
    let is_new = KeyMode::IfNew { renew: false };
    assert_eq!(node.put(only(KeyMode::IfExists, "a"), RECOVERABLE).await, (0, Some(Suppressed::KeyNotFound)));
    assert_eq!(node.put(only(is_new, "a"), RECOVERABLE).await, (1, None));
    assert_eq!(node.put(only(is_new, "a"), RECOVERABLE).await, (1, Some(Suppressed::KeyExists)));
    assert_eq!(node.put(only(KeyMode::IfExists, "a"), RECOVERABLE).await, (2, None));
    assert_eq!(node.remove("a", RECOVERABLE).await, (3, None));
    assert_eq!(node.put(only(is_new, "a"), RECOVERABLE).await, (4, None));
}

pub(super) async fn versions_only_rise(node: &mut Node) {
    let version = |version, epoch: &str| MapPut { version, version_epoch: epoch.to_owned(), ..put("a", "1") };
    let old = Some(Suppressed::Version);
    assert_eq!(node.put(version(9, "x"), RECOVERABLE).await, (1, None));
    assert_eq!(node.put(version(9, "x"), RECOVERABLE).await, (1, old));
    assert_eq!(node.put(version(8, ""), RECOVERABLE).await, (1, old));
    assert_eq!(node.put(version(0, ""), RECOVERABLE).await, (2, None));
    assert_eq!(node.put(version(9, "x"), RECOVERABLE).await, (2, old), "one without a version keeps it");
    assert_eq!(node.put(version(1, "y"), RECOVERABLE).await, (3, None));
    assert_eq!(node.put(version(10, "y"), RECOVERABLE).await, (4, None));
    assert_eq!(node.put(version((1 << 53) + 1, "y"), RECOVERABLE).await, (5, None));
    assert_eq!(node.put(version(1 << 53, "y"), RECOVERABLE).await, (5, old));
    let other = MapPut { version: 1, ..put("b", "1") };
    assert_eq!(node.put(other, RECOVERABLE).await, (6, None), "each key has its own");
}

pub(super) async fn what_has_a_name_is_done_once(node: &mut Node) {
    let named = |key| MapPut { idempotency_key: "k".to_owned(), ..put(key, "1") };
    let done_already = Some(Suppressed::Idempotency);
    assert_eq!(node.put(named("a"), RECOVERABLE).await, (1, None));
    node.put(put("b", "1"), RECOVERABLE).await;
    assert_eq!(node.put(named("c"), RECOVERABLE).await, (1, done_already));
    let remove = async |name| done(&node.backend.map_remove("m", ("b", name), RECOVERABLE).await.unwrap());
    assert_eq!(remove("r").await, (3, None));
    assert_eq!(remove("r").await, (3, done_already));
    node.backend.map_clear("m").await.unwrap();
    assert_eq!(node.put(named("a"), RECOVERABLE).await, (1, None), "another life of the map");
}

pub(super) async fn the_stream_of_a_map_is_bounded(node: &mut Node) {
    for at in 1..=8 {
        assert_eq!(node.put(put(&at.to_string(), "1"), RECOVERABLE).await, (at, None));
    }
    assert_eq!(node.changes(None, None, false).await, [4, 5, 6, 7, 8]);
    assert_eq!(node.changes(Some(6), None, false).await, [7, 8]);
    assert_eq!(node.changes(Some(1), Some(2), false).await, [4, 5]);
    assert_eq!(node.changes(None, Some(2), true).await, [8, 7]);
    assert_eq!(node.changes(Some(8), None, false).await, Vec::<u64>::new());
    assert_eq!(node.changes(Some(u64::MAX), Some(3), false).await, Vec::<u64>::new());
    assert_eq!(node.changes(None, Some(0), false).await, Vec::<u64>::new());
}

pub(super) async fn an_ephemeral_map_has_no_offsets(node: &mut Node) {
    let before = node.position(EPHEMERAL).await;
    assert_eq!(node.put(put("a", "1"), EPHEMERAL).await, (0, None));
    assert_eq!(node.next_value().await.0.offset, 0);
    assert_eq!(node.remove("a", EPHEMERAL).await, (0, None));
    assert_eq!(node.position(EPHEMERAL).await, before);
    assert!(!before.epoch.is_empty());
    let stream = node.backend.map_stream("m", &HistoryFilter::default(), EPHEMERAL).await.unwrap();
    assert!(stream.publications.is_empty());
}

pub(super) async fn an_epoch_of_a_map_stands_before_its_first_change(node: &mut Node) {
    let before = node.position(RECOVERABLE).await;
    assert_eq!(before.offset, 0);
    node.put(put("a", "1"), RECOVERABLE).await;
    let MapNews::Changed { epoch, .. } = node.next_change().await.news else { panic!() };
    assert_eq!((&*epoch, node.position(RECOVERABLE).await.epoch), (&*before.epoch, before.epoch.clone()));
}

pub(super) async fn a_key_that_ends_is_told_once(node: &mut Node) {
    node.put(put("a", "1"), SHORT).await;
    node.put(put("b", "1"), RECOVERABLE).await;
    node.next_value().await;
    node.next_value().await;
    until("it ends", async || {
        node.backend.sweep();
        node.keys(RECOVERABLE).await == ["b"]
    })
    .await;
    let (gone, _) = node.next_value().await;
    assert_eq!((gone.key.as_str(), gone.removed, gone.offset), ("a", true, 3));
    assert_eq!(node.changes(None, None, false).await, [1, 2, 3]);
    node.backend.sweep();
    node.put(put("c", "1"), RECOVERABLE).await;
    assert_eq!(node.next_value().await.0.key, "c", "nothing between");
}

pub(super) async fn who_is_still_there_lives_on(node: &mut Node) {
    let here = MapPut { mode: KeyMode::IfNew { renew: true }, ..put("a", "") };
    node.put(here.clone(), SHORT).await;
    node.put(put("z", ""), SHORT).await;
    until("the one that is not renewed ends", async || {
        assert_eq!(node.put(here.clone(), SHORT).await.1, Some(Suppressed::KeyExists));
        node.backend.sweep();
        node.keys(SHORT).await == ["a"]
    })
    .await;
    until("the other one ends", async || {
        node.backend.sweep();
        node.keys(SHORT).await.is_empty()
    })
    .await;
}

pub(super) async fn what_was_cleared_begins_anew(node: &mut Node) {
    node.put(put("a", "1"), RECOVERABLE).await;
    let before = node.position(RECOVERABLE).await;
    node.next_change().await;
    node.backend.map_clear("m").await.unwrap();
    assert!(matches!(node.next_change().await.news, MapNews::Cleared));
    node.backend.map_clear("m").await.unwrap();
    let after = node.position(RECOVERABLE).await;
    assert_eq!(after.offset, 0);
    assert_ne!(after.epoch, before.epoch);
    assert!(node.keys(RECOVERABLE).await.is_empty());
    assert_eq!(node.changes(None, None, false).await, Vec::<u64>::new());
    assert_eq!(node.put(put("b", "1"), RECOVERABLE).await, (1, None));
    assert!(
        matches!(node.next_change().await.news, MapNews::Changed { .. }),
        "nothing to clear, nothing told"
    );
}

pub(super) async fn a_map_has_its_limits(node: &mut Node) {
    let large = "x".repeat(MAP_BYTES_MAX / 3);
    for key in ["a", "b"] {
        node.put(MapPut { data: large.clone().into(), ..put(key, "") }, RECOVERABLE).await;
        node.next().await;
    }
    let third = MapPut { data: large.clone().into(), ..put("c", "") };
    let full = node.backend.map_put("m", third.clone(), RECOVERABLE).await;
    assert!(matches!(full, Err(BackendError::MapFull(MapLimit::Bytes))), "{full:?}");
    node.put(put("b", "1"), RECOVERABLE).await;
    node.next().await;
    assert_eq!(node.put(third, RECOVERABLE).await.1, None, "there is room again");
    node.next().await;
    node.backend.map_clear("m").await.unwrap();
    node.next().await;
    let all: Vec<usize> = (0..MAP_KEYS_MAX).collect();
    for some in all.chunks(1_024) {
        let names: Vec<String> = some.iter().map(ToString::to_string).collect();
        futures_util::future::join_all(names.iter().map(|key| node.put(put(key, ""), EPHEMERAL))).await;
        for _ in some {
            node.next().await;
        }
    }
    let full = node.backend.map_put("m", put("one more", ""), EPHEMERAL).await;
    assert!(matches!(full, Err(BackendError::MapFull(MapLimit::Keys))), "{full:?}");
    assert_eq!(node.put(put("7", "1"), EPHEMERAL).await.1, None, "one that is there");
}

pub(super) async fn what_a_key_had_before_is_named(node: &mut Node) {
    let with = |key| MapPut { delta: true, ..put(key, "1") };
    for (key, expected) in [("a", None), ("b", None), ("a", Some(1)), ("a", Some(3)), ("b", Some(2))] {
        node.put(with(key), RECOVERABLE).await;
        assert_eq!(node.next_value().await.1, expected);
    }
    node.remove("a", RECOVERABLE).await;
    assert_eq!(node.next_value().await.1, None);
    node.put(with("a"), RECOVERABLE).await;
    assert_eq!(node.next_value().await.1, None, "a new key");
}

#[tokio::test]
async fn a_persistent_map_survives_a_restart() {
    let mut node = Node::embedded();
    let tags: BTreeMap<String, String> = [("a".to_owned(), "b".to_owned())].into();
    let first = MapPut { tags: tags.clone(), info: Some(info("c1")), version: 7, ..put("a", "null") };
    node.put(first, PERSISTENT).await;
    for key in ["b", "c"] {
        node.put(MapPut { data: vec![0xff, 0].into(), ..put(key, "") }, PERSISTENT).await;
    }
    node.remove("c", PERSISTENT).await;
    node.put(put("d", "1"), RECOVERABLE).await;
    let epoch = node.position(PERSISTENT).await.epoch;
    assert_eq!(node.keys(PERSISTENT).await, Vec::<String>::new(), "it was made one that does not stay");
    for key in ["a", "b", "c"] {
        node.put(MapPut { tags: tags.clone(), version: 7, ..put(key, "null") }, PERSISTENT).await;
    }
    node.remove("c", PERSISTENT).await;
    let folder = node.folder.take().unwrap();
    drop(node);
    let node = Node::restarted(folder).await;
    let page = node.page("", 10, PERSISTENT).await;
    assert_eq!(page.entries.iter().map(|one| &*one.key).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((&*page.entries[0].data, &page.entries[0].tags), (&b"null"[..], &tags));
    assert_ne!(page.position.epoch, epoch, "the stream is another one");
    assert_eq!(page.position.offset, 2);
    let old = MapPut { version: 7, ..put("a", "2") };
    assert_eq!(node.put(old, PERSISTENT).await.1, Some(Suppressed::Version));
    node.backend.map_clear("m").await.unwrap();
    let mut node = node;
    let folder = node.folder.take().unwrap();
    drop(node);
    assert!(Node::restarted(folder).await.keys(PERSISTENT).await.is_empty());
}

#[tokio::test]
async fn many_publishers_of_a_persistent_map_share_writes() {
    let mut node = Node::embedded();
    let one = |at: usize| {
        let backend = node.backend.clone();
        async move {
            backend.map_put("m", put(&(at % 50).to_string(), &at.to_string()), PERSISTENT).await.unwrap()
        }
    };
    futures_util::future::join_all((0..500).map(one)).await;
    let before: Vec<_> =
        node.page("", 100, PERSISTENT).await.entries.into_iter().map(|one| (one.key, one.data)).collect();
    assert_eq!(before.len(), 50);
    let folder = node.folder.take().unwrap();
    drop(node);
    let after: Vec<_> = Node::restarted(folder)
        .await
        .page("", 100, PERSISTENT)
        .await
        .entries
        .into_iter()
        .map(|one| (one.key, one.data))
        .collect();
    assert_eq!(after, before, "the newest of each key");
}

#[tokio::test]
async fn nodes_share_a_map_and_tell_an_end_once() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    for at in 0..20 {
        let node = if at % 2 == 0 { &one } else { &two };
        node.put(put(&format!("{at:02}"), "1"), SHORT).await;
    }
    assert_eq!(two.keys(SHORT).await.len(), 20);
    for node in [&mut one, &mut two] {
        for offset in 1..=20 {
            assert_eq!(node.next_value().await.0.offset, offset);
        }
    }
    for node in [&mut one, &mut two] {
        let mut gone = std::collections::BTreeSet::new();
        for offset in 21..=40 {
            let (publication, _) = node.next_value().await;
            assert_eq!((publication.offset, publication.removed), (offset, true));
            assert!(gone.insert(publication.key), "told once");
        }
    }
    assert!(one.keys(SHORT).await.is_empty());
    one.put(put("last", "1"), RECOVERABLE).await;
    assert_eq!(two.next_value().await.0.key, "last");
}

#[tokio::test]
async fn a_value_that_stays_has_no_end_from_before() {
    let Some(server) = RedisServer::start().await else { return };
    let mut node = Node::redis(&server, "one").await;
    // The third ends after the end that the first one had.
    let puts = [("a", SHORT), ("a", PERSISTENT), ("z", SHORT)];
    for (key, options) in puts {
        node.put(put(key, "1"), options).await;
    }
    for (key, _) in puts {
        let (publication, _) = node.next_value().await;
        assert_eq!((publication.key.as_str(), publication.removed), (key, false));
    }
    let (gone, _) = node.next_value().await;
    assert_eq!((gone.key.as_str(), gone.removed), ("z", true));
    assert_eq!(node.keys(PERSISTENT).await, ["a"]);
}

#[tokio::test]
async fn the_keys_of_a_node_that_is_gone_end_all_the_same() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    one.put(put("a", "1"), SHORT).await;
    one.kill().await;
    assert_eq!(two.next_value().await.0.key, "a");
    assert!(two.next_value().await.0.removed);
}

/// The name of a part of the one map that there is.
async fn part(server: &RedisServer, name: &str) -> String {
    let mut redis = server.connection().await;
    let names: Vec<String> =
        redis::cmd("KEYS").arg(format!("*{name}*")).query_async(&mut redis).await.unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    names.into_iter().next().unwrap()
}

#[tokio::test]
async fn what_is_not_put_leaves_nothing_for_ever() {
    let Some(server) = RedisServer::start().await else { return };
    let node = Node::redis(&server, "one").await;
    let put = MapPut { mode: KeyMode::IfExists, ..put("a", "1") };
    assert_eq!(node.put(put, RECOVERABLE).await.1, Some(Suppressed::KeyNotFound));
    let mut redis = server.connection().await;
    let meta = part(&server, "map-meta").await;
    let ttl: i64 = redis::cmd("PTTL").arg(meta).query_async(&mut redis).await.unwrap();
    assert!(0 < ttl, "{ttl}");
}

#[tokio::test]
async fn values_that_ended_while_no_node_was_there_take_no_room() {
    let Some(server) = RedisServer::start().await else { return };
    let node = Node::redis(&server, "one").await;
    let large = "x".repeat(MAP_BYTES_MAX / 3 * 2);
    assert_eq!(node.put(put("a", &large), RECOVERABLE).await, (1, None));
    let full = node.backend.map_put("m", put("b", &large), RECOVERABLE).await;
    assert!(matches!(full, Err(BackendError::MapFull(MapLimit::Bytes))), "{full:?}");
    // As Redis does by itself, an hour after their end.
    let mut redis = server.connection().await;
    for name in ["map-values", "map-order", "map-ends-of"] {
        redis::cmd("DEL").arg(part(&server, name).await).exec_async(&mut redis).await.unwrap();
    }
    assert_eq!(node.put(put("b", &large), RECOVERABLE).await, (2, None));
    let full = node.backend.map_put("m", put("a", &large), RECOVERABLE).await;
    assert!(matches!(full, Err(BackendError::MapFull(MapLimit::Bytes))), "{full:?}");
}
