//! The contract of [`watchroom::backend`], against each kind; then what only Redis promises.

mod cluster;
mod commits;
mod maps;
mod shared;
mod versions;

use std::{sync::Arc, time::Duration};

use futures_util::future::{LocalBoxFuture, join_all};
use tempfile::TempDir;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use watchroom::{
    backend::{
        Backend, BackendError, Delivery, HISTORY_BYTES_MAX, HistoryFilter, HistoryPage, Publishing,
        RedisSettings, StreamOptions, StreamPosition,
    },
    clock::Clock,
    journal::{Journal, JournalConfig, JournalError, Retention},
    supervisor::Supervisor,
    telemetry::Registry,
    wire::centrifugo::{ClientInfo, Publication},
};

use crate::{redis_cluster::RedisCluster, redis_server::RedisServer};
use commits::*;
use maps::*;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(25);
const KEPT_FOR: Duration = Duration::from_secs(60);
const KEPT: StreamOptions = StreamOptions::Memory { size: 100, ttl: KEPT_FOR };
const NOT_KEPT: StreamOptions = StreamOptions::None;

/// One node: its backend, and what that delivered.
#[derive(Debug)]
struct Node {
    backend: Backend,
    deliveries: mpsc::Receiver<Delivery>,
    supervisor: Supervisor,
    registry: Registry,
    /// The journal's, of a node without Redis.
    folder: Option<TempDir>,
}

impl Node {
    fn embedded() -> Self {
        Self::embedded_in(tempfile::tempdir().unwrap(), Retention::default())
    }

    fn embedded_in(folder: TempDir, retention: Retention) -> Self {
        let registry = Registry::default();
        let config = JournalConfig { retention, registry: registry.clone() };
        let journal = Journal::open_with(folder.path(), &Clock::System, &config).unwrap();
        Self::with(folder, journal, registry)
    }

    /// As after a restart. A server that another test starts holds all locks of this process from its fork to its exec.
    async fn restarted(folder: TempDir) -> Self {
        let deadline = Instant::now() + PATIENCE;
        let registry = Registry::default();
        let config = JournalConfig { retention: Retention::default(), registry: registry.clone() };
        loop {
            match Journal::open_with(folder.path(), &Clock::System, &config) {
                Err(JournalError::InUse(_)) if Instant::now() < deadline => {
                    sleep(Duration::from_millis(5)).await;
                }
                journal => return Self::with(folder, journal.unwrap(), registry),
            }
        }
    }

    fn with(folder: TempDir, journal: Journal, registry: Registry) -> Self {
        let (backend, deliveries) = Backend::embedded(journal).unwrap();
        let supervisor = Supervisor::new(CancellationToken::new());
        Self { backend, deliveries, supervisor, registry, folder: Some(folder) }
    }

    async fn redis(server: &RedisServer, name: &str) -> Self {
        Self::on(&RedisSettings::of(&server.url()), name).await
    }

    async fn on(settings: &RedisSettings, name: &str) -> Self {
        let supervisor = Supervisor::new(CancellationToken::new());
        let registry = Registry::default();
        let (backend, deliveries) =
            Backend::redis(settings, name, &supervisor, &registry, Retention::default()).await.unwrap();
        backend.expect_maps();
        Self { backend, deliveries, supervisor, registry, folder: None }
    }

    async fn next(&mut self) -> Delivery {
        timeout(PATIENCE, self.deliveries.recv()).await.expect("nothing delivered").unwrap()
    }

    async fn publish(
        &self,
        channel: &str,
        data: &str,
        options: StreamOptions,
    ) -> Result<StreamPosition, BackendError> {
        let publishing = Publishing { data: data.to_owned().into(), ..Publishing::default() };
        self.backend.publish(channel, publishing, options).await
    }

    async fn history(&self, channel: &str, filter: HistoryFilter) -> HistoryPage {
        self.backend.history(channel, &filter, KEPT).await.unwrap()
    }

    async fn clients(&self, channel: &str) -> Vec<String> {
        let present = self.backend.presence(channel).await.unwrap();
        present.into_iter().map(|info| info.client).collect()
    }

    async fn next_publication(&mut self) -> (String, Publication) {
        match self.next().await {
            Delivery::Publication { channel, publication, .. } => (channel.to_string(), publication),
            other => panic!("not a publication: {other:?}"),
        }
    }

    fn counted(&self, name: &str) -> f64 {
        self.registry.read().iter().filter(|reading| reading.name == name).map(|reading| reading.value).sum()
    }
}

fn info(client: &str) -> ClientInfo {
    ClientInfo { user: "u".to_owned(), client: client.to_owned(), ..ClientInfo::default() }
}

fn offsets(page: &HistoryPage) -> Vec<u64> {
    page.publications.iter().map(|publication| publication.offset).collect()
}

/// Waits until `condition` holds.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Runs each check against each kind.
macro_rules! contract {
    ($($check:ident)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $check() {
                super::$check(&mut super::Node::embedded()).await;
            })*
        }
        mod redis {
            $(#[tokio::test]
            async fn $check() {
                if let Some(server) = super::RedisServer::start().await {
                    super::$check(&mut super::Node::redis(&server, "one").await).await;
                }
            })*
        }
        /// All of them on one cluster, each with a prefix of its own.
        #[tokio::test]
        async fn a_cluster_keeps_the_contract() {
            let Some(cluster) = RedisCluster::start(false).await else { return };
            let checks: Vec<LocalBoxFuture<'_, ()>> = vec![$(Box::pin(async {
                let settings = RedisSettings { urls: cluster.urls(), prefix: stringify!($check).to_owned() };
                $check(&mut Node::on(&settings, "one").await).await;
            })),*];
            join_all(checks).await;
        }
    };
}

contract! {
    offsets_rise_by_one
    history_is_read_in_parts
    history_is_bounded_by_count
    history_is_bounded_by_bytes
    history_is_bounded_by_time
    without_history_there_is_no_offset
    an_epoch_stands_before_the_first_publication
    presence_lists_who_entered
    moves_are_announced_once
    offsets_keep_their_order_among_many_publishers
    publications_come_back_as_they_were
    facts_that_change_are_announced
    a_commit_is_delivered_in_order
    an_authors_id_is_stored_once
    a_room_is_read_back_page_by_page
    records_are_there_until_they_are_over
    one_node_at_a_time_tells
    a_lease_that_ends_frees_the_claim
    the_opposite_waits_until_clocks_agree
    an_older_turn_changes_nothing
    many_authors_share_commits
    a_map_is_put_and_read_in_the_order_of_keys
    a_state_is_read_by_pages
    removals_are_told_with_their_tags
    values_come_back_as_they_were
    keys_are_put_only_if
    versions_only_rise
    what_has_a_name_is_done_once
    the_stream_of_a_map_is_bounded
    an_ephemeral_map_has_no_offsets
    an_epoch_of_a_map_stands_before_its_first_change
    a_key_that_ends_is_told_once
    who_is_still_there_lives_on
    what_was_cleared_begins_anew
    a_map_has_its_limits
    what_a_key_had_before_is_named
}

async fn offsets_rise_by_one(node: &mut Node) {
    let mut epochs = Vec::new();
    for offset in 1..=3 {
        let position = node.publish("a", "1", KEPT).await.unwrap();
        assert_eq!(position.offset, offset);
        epochs.push(position.epoch);
        let (channel, publication) = node.next_publication().await;
        assert_eq!((channel.as_str(), publication.offset), ("a", offset));
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 1, "an epoch is one life of a stream");
    assert_eq!(node.publish("b", "1", KEPT).await.unwrap().offset, 1);
}

async fn history_is_read_in_parts(node: &mut Node) {
    for at in 1..=5 {
        node.publish("a", &at.to_string(), KEPT).await.unwrap();
    }
    let all = node.history("a", HistoryFilter::default()).await;
    assert_eq!(offsets(&all), [1, 2, 3, 4, 5]);
    assert_eq!(all.position.offset, 5);
    assert_eq!(all.publications[2].data, "3");
    for (since, limit, reverse, expected) in [
        (Some(3), None, false, vec![4, 5]),
        (Some(5), None, false, vec![]),
        (Some(9), None, false, vec![]),
        (Some(0), Some(2), false, vec![1, 2]),
        (None, Some(0), false, vec![]),
        (None, Some(2), true, vec![5, 4]),
        (Some(3), None, true, vec![2, 1]),
        (Some(3), Some(1), true, vec![2]),
        (Some(0), None, true, vec![]),
        (None, Some(0), true, vec![]),
        (Some(u64::MAX), None, false, vec![]),
    ] {
        let page = node.history("a", HistoryFilter { since, limit, reverse }).await;
        assert_eq!(offsets(&page), expected, "since {since:?}, limit {limit:?}, reverse {reverse}");
        assert_eq!(page.position, all.position);
    }
}

async fn history_is_bounded_by_count(node: &mut Node) {
    let three = StreamOptions::Memory { size: 3, ttl: KEPT_FOR };
    for _ in 0..5 {
        node.publish("a", "1", three).await.unwrap();
    }
    let page = node.backend.history("a", &HistoryFilter::default(), three).await.unwrap();
    assert_eq!(offsets(&page), [3, 4, 5]);
    // A smaller bound holds at once.
    let one = StreamOptions::Memory { size: 1, ttl: KEPT_FOR };
    let page = node.backend.history("a", &HistoryFilter::default(), one).await.unwrap();
    assert_eq!(offsets(&page), [5]);
}

async fn history_is_bounded_by_bytes(node: &mut Node) {
    let wide = format!("\"{}\"", "x".repeat(HISTORY_BYTES_MAX * 2 / 5));
    for _ in 0..4 {
        node.publish("a", &wide, KEPT).await.unwrap();
    }
    assert_eq!(offsets(&node.history("a", HistoryFilter::default()).await), [3, 4]);
    let huge = format!("\"{}\"", "x".repeat(HISTORY_BYTES_MAX));
    node.publish("a", &huge, KEPT).await.unwrap();
    let page = node.history("a", HistoryFilter::default()).await;
    assert_eq!((offsets(&page), page.position.offset), (vec![], 5));
    node.publish("a", "1", KEPT).await.unwrap();
    assert_eq!(offsets(&node.history("a", HistoryFilter::default()).await), [6]);
}

async fn history_is_bounded_by_time(node: &mut Node) {
    let short = StreamOptions::Memory { size: 100, ttl: Duration::from_millis(200) };
    let epoch = node.publish("a", "1", short).await.unwrap().epoch;
    until("history expires", async || {
        let page = node.backend.history("a", &HistoryFilter::default(), short).await.unwrap();
        assert_eq!((page.position.offset, &page.position.epoch), (1, &epoch));
        page.publications.is_empty()
    })
    .await;
}

async fn without_history_there_is_no_offset(node: &mut Node) {
    for at in 0..20 {
        let position = node.publish("a", &at.to_string(), NOT_KEPT).await.unwrap();
        assert_eq!(position, StreamPosition::default());
    }
    for at in 0..20 {
        let (_, publication) = node.next_publication().await;
        assert_eq!(publication.offset, 0);
        assert_eq!(publication.data, at.to_string(), "in the order of publishing");
    }
    let page = node.backend.history("a", &HistoryFilter::default(), NOT_KEPT).await.unwrap();
    assert_eq!((offsets(&page), page.position), (vec![], StreamPosition::default()));
}

async fn an_epoch_stands_before_the_first_publication(node: &mut Node) {
    let before = node.history("a", HistoryFilter { limit: Some(0), ..HistoryFilter::default() }).await;
    assert_eq!(before.position.offset, 0);
    assert!(!before.position.epoch.is_empty());
    let after = node.publish("a", "1", KEPT).await.unwrap();
    assert_eq!((after.offset, after.epoch), (1, before.position.epoch));
}

async fn presence_lists_who_entered(node: &mut Node) {
    assert!(node.clients("a").await.is_empty());
    for client in ["c2", "c1", "c3"] {
        node.backend.enter("a", &info(client), false).await.unwrap();
    }
    node.backend.enter("b", &info("c9"), false).await.unwrap();
    assert_eq!(node.clients("a").await, ["c1", "c2", "c3"]);
    assert_eq!(node.backend.presence("a").await.unwrap()[0], info("c1"));
    node.backend.leave("a", &info("c2"), false).await.unwrap();
    node.backend.leave("a", &info("nobody"), false).await.unwrap();
    assert_eq!(node.clients("a").await, ["c1", "c3"]);
    assert_eq!(node.clients("b").await, ["c9"]);
}

async fn moves_are_announced_once(node: &mut Node) {
    node.backend.enter("a", &info("quiet"), false).await.unwrap();
    node.backend.leave("a", &info("quiet"), false).await.unwrap();
    node.backend.leave("a", &info("c1"), true).await.unwrap();
    for _ in 0..2 {
        node.backend.enter("a", &info("c1"), true).await.unwrap();
    }
    for _ in 0..2 {
        node.backend.leave("a", &info("c1"), true).await.unwrap();
    }
    node.publish("a", "1", NOT_KEPT).await.unwrap();
    let joined = node.next().await;
    assert!(
        matches!(&joined, Delivery::Join { channel, info: who } if &**channel == "a" && *who == info("c1"))
    );
    let left = node.next().await;
    assert!(
        matches!(&left, Delivery::Leave { channel, info: who } if &**channel == "a" && *who == info("c1"))
    );
    node.next_publication().await;
}

async fn offsets_keep_their_order_among_many_publishers(node: &mut Node) {
    let publish = |_| node.publish("a", "1", StreamOptions::Memory { size: 1_000, ttl: KEPT_FOR });
    let mut given: Vec<u64> =
        join_all((0..200).map(publish)).await.into_iter().map(|position| position.unwrap().offset).collect();
    given.sort_unstable();
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(given, expected);
    for offset in expected {
        assert_eq!(node.next_publication().await.1.offset, offset);
    }
}

async fn publications_come_back_as_they_were(node: &mut Node) {
    for data in [r#"{"b": 1,  "a": "\u00e4\n"}"#, "null", "1e400", r#"["}{:\\", -0.0]"#] {
        let publishing = Publishing { data: data.into(), info: Some(info("c1")), ..Publishing::default() };
        node.backend.publish("room:ä b", publishing, KEPT).await.unwrap();
        let (channel, publication) = node.next_publication().await;
        assert_eq!((channel.as_str(), publication.info), ("room:ä b", Some(info("c1"))));
        assert_eq!(publication.data, data);
    }
    let page = node.history("room:ä b", HistoryFilter::default()).await;
    assert_eq!(page.publications[1].data, "null");
    assert_eq!(page.publications[3].info, Some(info("c1")));
}

#[tokio::test]
async fn an_embedded_stream_that_expired_has_a_new_epoch() {
    let node = Node::embedded();
    let before = node.publish("a", "1", KEPT).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(KEPT_FOR).await;
    node.backend.sweep();
    let after = node.publish("a", "1", KEPT).await.unwrap();
    assert_eq!(after.offset, 1);
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(node.backend.generation(), None);
    let batch = Arc::new(shared::batch(1));
    node.backend.carry(&batch).await.unwrap();
}
