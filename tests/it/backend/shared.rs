//! What only Redis promises: several nodes, and Redis going away and coming back.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use redis::{AsyncCommands, Value, streams::StreamRangeReply};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchroom::{
    backend::{
        Backend, BackendError, Delivery, HistoryFilter, RedisSettings, StreamOptions,
        redis::{START_MAX, STREAM_BYTES_MAX},
    },
    journal::Retention,
    model::{Batch, BatchSample, Labels, STALE_NAN, Sample, Source},
    supervisor::Supervisor,
    telemetry::Registry,
};

use super::{KEPT, KEPT_FOR, NOT_KEPT, Node, info, offsets, until};
use crate::redis_server::RedisServer;

/// A batch that can be told by its step.
pub(super) fn batch(step: i64) -> Batch {
    let sample = |name: &str, v: f64| BatchSample {
        labels: Labels::from_pairs([("__name__", name), ("job", "ä\n")]),
        sample: Sample::new(step, v),
    };
    let source = Source::Scheduled { name: "host@one".to_owned(), interval_ms: 1_000 };
    let values = [1.5, STALE_NAN, f64::from_bits(0x7ff8_0000_dead_beef), -0.0, f64::NEG_INFINITY];
    let samples = values.iter().enumerate().map(|(at, v)| sample(&format!("m{at}"), *v)).collect();
    Batch::new(source, Some(step), samples)
}

pub(super) async fn carry(node: &Node, step: i64) -> Result<(), BackendError> {
    node.backend.carry(&Arc::new(batch(step))).await
}

impl Node {
    pub(super) async fn next_batch(&mut self) -> Arc<Batch> {
        match self.next().await {
            Delivery::Samples(batch) => batch,
            other => panic!("not samples: {other:?}"),
        }
    }

    /// Takes deliveries until one says that some were lost.
    pub(super) async fn gap(&mut self) {
        while !matches!(self.next().await, Delivery::Gap) {}
    }

    /// Ends as a process that is killed does: nothing is taken back.
    pub(super) async fn kill(self) {
        self.supervisor.drain(Duration::from_secs(5)).await.unwrap();
    }
}

#[tokio::test]
async fn two_nodes_see_one_order() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let publish = async |at: usize| {
        let node = if at.is_multiple_of(2) { &one } else { &two };
        let options = if at.is_multiple_of(5) { NOT_KEPT } else { KEPT };
        node.publish("a", &at.to_string(), options).await
    };
    let positions: Vec<_> = join_all((0..100).map(publish)).await.into_iter().map(Result::unwrap).collect();
    let mut last = 0;
    for _ in 0..100 {
        let (seen, same) = (one.next_publication().await.1, two.next_publication().await.1);
        assert_eq!((seen.offset, seen.data), (same.offset, same.data));
        if seen.offset != 0 {
            assert_eq!(seen.offset, last + 1);
            last = seen.offset;
        }
    }
    assert_eq!(last, 80);
    let epochs: Vec<_> = positions.iter().filter(|at| at.offset != 0).map(|at| &at.epoch).collect();
    assert!(epochs.iter().all(|epoch| *epoch == epochs[0]));
    assert_eq!(&two.history("a", HistoryFilter::default()).await.position.epoch, epochs[0]);
    assert_eq!(one.backend.generation(), two.backend.generation());
    assert!(one.backend.generation().is_some());
}

#[tokio::test]
async fn presence_is_shared() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    one.backend.enter("a", &info("c1"), true).await.unwrap();
    two.backend.enter("a", &info("c2"), false).await.unwrap();
    assert!(matches!(two.next().await, Delivery::Join { info: who, .. } if who == info("c1")));
    // A node is alive as soon as its first beat is through.
    until("both are listed", async || one.clients("a").await.len() == 2 && two.clients("a").await.len() == 2)
        .await;
    one.backend.leave("a", &info("c1"), true).await.unwrap();
    assert!(matches!(two.next().await, Delivery::Leave { info: who, .. } if who == info("c1")));
    assert_eq!(one.clients("a").await, ["c2"]);
}

#[tokio::test]
async fn samples_reach_the_other_node_to_the_bit_and_not_their_own() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    carry(&one, 1).await.unwrap();
    let (sent, arrived) = (batch(1), two.next_batch().await);
    assert_eq!((&arrived.source, arrived.step), (&sent.source, sent.step));
    let pairs = |batch: &Batch| -> Vec<_> {
        let pair = |sample: &BatchSample| (sample.labels.clone(), sample.sample.t, sample.sample.v.to_bits());
        batch.samples.iter().map(pair).collect()
    };
    assert_eq!(pairs(&arrived), pairs(&sent));
    // What comes back first is the other node's.
    carry(&two, 2).await.unwrap();
    assert_eq!(one.next_batch().await.step, Some(2));
}

#[tokio::test]
async fn a_fresh_node_is_filled_before_live_samples() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Node::redis(&server, "one").await;
    for step in 1..=300 {
        carry(&one, step).await.unwrap();
    }
    let mut two = Node::redis(&server, "two").await;
    carry(&one, 301).await.unwrap();
    for step in 1..=301 {
        assert_eq!(two.next_batch().await.step, Some(step));
    }
}

#[tokio::test]
async fn a_call_takes_few_entries_off_and_a_reader_sees_none_of_the_rest() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Node::redis(&server, "one").await;
    let options = |size, ttl| StreamOptions::Memory { size, ttl };
    let publish = async |count| {
        for at in 0..count {
            one.publish("a", &at.to_string(), options(5_000, KEPT_FOR)).await.unwrap();
        }
    };
    let mut connection = server.connection().await;
    let mut kept = async || -> usize { connection.xlen("watchroom:{p7}:log:a").await.unwrap() };
    publish(1_199).await;
    one.publish("a", "1", options(10, KEPT_FOR)).await.unwrap();
    assert_eq!(kept().await, 1_200 - 256);
    let read = async |since, reverse, options| {
        let filter = HistoryFilter { since, reverse, limit: Some(2) };
        offsets(&one.backend.history("a", &filter, options).await.unwrap())
    };
    // Each read takes 256 off.
    assert_eq!(read(None, false, options(10, KEPT_FOR)).await, [1_191, 1_192]);
    assert_eq!(read(Some(900), false, options(10, KEPT_FOR)).await, [1_191, 1_192]);
    assert_eq!(read(Some(1_192), true, options(10, KEPT_FOR)).await, [1_191]);
    assert_eq!(kept().await, 1_200 - 4 * 256);
    assert_eq!(read(Some(1_195), false, options(10, KEPT_FOR)).await, [1_196, 1_197]);
    assert_eq!(kept().await, 10);
    publish(600).await;
    let (before, gap) = (Instant::now(), Duration::from_secs(1));
    until("there is a gap", async || gap <= before.elapsed()).await;
    let after = Instant::now();
    publish(5).await;
    assert_eq!(read(None, false, options(5_000, after.elapsed() + gap / 2)).await, [1_801, 1_802]);
    assert_eq!(kept().await, 615 - 256);
}

#[tokio::test]
async fn the_stream_of_samples_is_bounded_by_bytes() {
    let Some(server) = RedisServer::start().await else { return };
    let one = Node::redis(&server, "one").await;
    let labels = Labels::from_pairs([("__name__", "noise")]);
    for step in 0..24 {
        // Random values do not deflate: about 800 KiB a batch.
        let random = |t| Sample::new(t, f64::from_bits(fastrand::u64(..)));
        let samples =
            (0..100_000).map(|t| BatchSample { labels: labels.clone(), sample: random(t) }).collect();
        let batch = Batch::new(Source::Pushed, Some(step), samples);
        one.backend.carry(&Arc::new(batch)).await.unwrap();
    }
    let mut connection = server.connection().await;
    let kept: StreamRangeReply = connection.xrange_all("watchroom:{stream}:samples").await.unwrap();
    let size = |value: Option<&Value>| match value {
        Some(Value::BulkString(bytes)) => bytes.len(),
        other => panic!("{other:?}"),
    };
    let bytes: usize = kept.ids.iter().map(|entry| size(entry.map.get("d"))).sum();
    assert!(STREAM_BYTES_MAX / 2 < bytes && bytes <= STREAM_BYTES_MAX, "{bytes} bytes");
}

#[tokio::test]
async fn a_killed_node_leaves_by_itself() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    one.backend.enter("a", &info("c1"), true).await.unwrap();
    two.backend.enter("a", &info("c2"), false).await.unwrap();
    assert!(matches!(two.next().await, Delivery::Join { .. }));
    until("both are listed", async || two.clients("a").await.len() == 2).await;
    let killed = Instant::now();
    one.kill().await;
    until("the dead leave", async || two.clients("a").await == ["c2"]).await;
    assert!(matches!(two.next().await, Delivery::Leave { info: who, .. } if who == info("c1")));
    assert!(killed.elapsed() < Duration::from_secs(17), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn a_restart_with_memory_goes_on() {
    restart(true).await;
}

#[tokio::test]
async fn a_restart_without_memory_begins_anew() {
    restart(false).await;
}

async fn restart(saved: bool) {
    let Some(mut server) = RedisServer::start().await else { return };
    let (mut one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let generation = one.backend.generation();
    let before = one.publish("a", "1", KEPT).await.unwrap();
    for client in ["c1", "c2"] {
        one.backend.enter("a", &info(client), false).await.unwrap();
    }
    carry(&one, 1).await.unwrap();
    two.next_publication().await;
    two.next_batch().await;

    server.stop(saved).await;
    let begun = Instant::now();
    assert!(matches!(one.publish("a", "2", KEPT).await, Err(BackendError::Unreachable(_))));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(matches!(carry(&one, 2).await, Err(BackendError::Unreachable(_))));
    one.backend.history("a", &HistoryFilter::default(), KEPT).await.unwrap_err();
    one.backend.enter("a", &info("refused"), false).await.unwrap_err();
    one.backend.leave("a", &info("c2"), false).await.unwrap_err();
    assert_eq!(one.counted("watchroom_redis_publish_errors_total"), 2.0);

    server.start_again().await;
    one.gap().await;
    two.gap().await;
    let after = two.publish("a", "3", KEPT).await.unwrap();
    assert_eq!(one.next_publication().await.1.offset, after.offset);
    assert_eq!(two.next_publication().await.1.offset, after.offset);
    assert_eq!(after.epoch == before.epoch, saved, "{before:?} {after:?}");
    let page = one.history("a", HistoryFilter::default()).await;
    assert_eq!(offsets(&page), if saved { vec![1, 2] } else { vec![1] });
    carry(&one, 3).await.unwrap();
    assert_eq!(two.next_batch().await.step, Some(3));
    // Batch 2 is missing; the gap of the connection told so.
    assert_eq!(two.counted("watchroom_redis_samples_gap_total"), 1.0);
    until("who is here, and nobody else, is listed again", async || two.clients("a").await == ["c1"]).await;
    assert_eq!(two.counted("watchroom_redis_reconnects_total"), 1.0);
    let three = Node::redis(&server, "three").await;
    assert_eq!(three.backend.generation(), generation);
}

#[tokio::test]
async fn a_flush_begins_anew() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    let generation = one.backend.generation();
    let before = one.publish("a", "1", KEPT).await.unwrap();
    one.backend.enter("a", &info("c1"), false).await.unwrap();
    redis::cmd("FLUSHALL").exec_async(&mut server.connection().await).await.unwrap();
    let after = one.publish("a", "2", KEPT).await.unwrap();
    assert_eq!(after.offset, 1);
    assert_ne!(after.epoch, before.epoch);
    until("who is here is listed again", async || one.clients("a").await == ["c1"]).await;
    let two = Node::redis(&server, "two").await;
    assert_eq!(two.backend.generation(), generation);
    for _ in 0..2 {
        assert_eq!(one.next_publication().await.1.offset, 1);
    }
}

#[tokio::test]
async fn a_redis_that_refuses_writes_is_away_and_is_told_once() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    let mut connection = server.connection().await;
    let mut limit = async |bytes: &str| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("maxmemory").arg(bytes);
        set.exec_async(&mut connection).await.unwrap();
    };
    limit("1").await;
    until("the refusal is seen", async || {
        let refused = one.publish("a", "1", KEPT).await;
        matches!(refused, Err(BackendError::Unreachable(text)) if text.contains("did not answer"))
    })
    .await;
    limit("0").await;
    one.gap().await;
    one.publish("a", "2", KEPT).await.unwrap();
    assert_eq!(one.next_publication().await.1.offset, 1);
    assert_eq!(one.counted("watchroom_redis_reconnects_total"), 1.0);
}

#[tokio::test]
async fn a_hub_that_does_not_keep_up_is_told() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    let mut connection = server.connection().await;
    let message = b"\x01p0\n{\"channel\":\"a\",\"data\":1}".as_slice();
    // More than the queues before the hub hold together.
    for _ in 0..25 {
        let mut pipeline = redis::pipe();
        for _ in 0..1_000 {
            pipeline.spublish("watchroom:{p7}:events:0", message).ignore();
        }
        pipeline.exec_async(&mut connection).await.unwrap();
    }
    let mut delivered = 0;
    while !matches!(one.next().await, Delivery::Gap) {
        delivered += 1;
    }
    assert!((16_384..25_000).contains(&delivered), "{delivered}");
    one.publish("a", "2", KEPT).await.unwrap();
    while one.next_publication().await.1.offset != 1 {}
}

#[tokio::test]
async fn samples_survive_lost_connections() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let mut connection = server.connection().await;
    let mut carried = Vec::new();
    for step in 1..=60 {
        if step % 20 == 0 {
            for kind in ["normal", "pubsub"] {
                let mut kill = redis::cmd("CLIENT");
                kill.arg("KILL").arg("TYPE").arg(kind).arg("SKIPME").arg("yes");
                kill.exec_async(&mut connection).await.unwrap();
            }
        }
        if carry(&one, step).await.is_ok() {
            carried.push(step);
        }
    }
    carry(&one, 1_000).await.unwrap();
    assert!(50 < carried.len());
    let mut arrived = Vec::new();
    let mut gaps = 0;
    while arrived.last() != Some(&1_000) {
        match two.next().await {
            Delivery::Samples(batch) => arrived.push(batch.step.unwrap()),
            Delivery::Gap => gaps += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(arrived.is_sorted_by(|a, b| a < b), "once each, in order: {arrived:?}");
    assert!(carried.iter().all(|step| arrived.contains(step)), "{carried:?} {arrived:?}");
    assert!((1..=6).contains(&gaps), "{gaps} gaps");
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_away() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    server.signal("STOP");
    // Long enough that the link sees it, too.
    for _ in 0..3 {
        let begun = Instant::now();
        let refused = one.publish("a", "1", NOT_KEPT).await;
        assert!(matches!(refused, Err(BackendError::Unreachable(_))), "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    server.signal("CONT");
    one.gap().await;
    one.publish("a", "2", NOT_KEPT).await.unwrap();
    // Requests that redis took before it stood are answered late, by deliveries.
    while one.next_publication().await.1.data != "2" {}
}

#[tokio::test]
async fn a_hole_among_samples_is_told() {
    let Some(server) = RedisServer::start().await else { return };
    let (one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let mut connection = server.connection().await;
    carry(&one, 1).await.unwrap();
    two.next_batch().await;
    // A parcel that Redis refuses takes its number with it.
    let (stream, aside) = ("watchroom:{stream}:samples", "watchroom:{stream}:aside");
    let _: () = connection.rename(stream, aside).await.unwrap();
    let _: () = connection.set(stream, "not a stream").await.unwrap();
    carry(&one, 2).await.unwrap_err();
    let _: () = connection.rename(aside, stream).await.unwrap();
    carry(&one, 3).await.unwrap();
    assert!(matches!(two.next().await, Delivery::Gap));
    assert_eq!(two.next_batch().await.step, Some(3));
    assert_eq!(two.counted("watchroom_redis_samples_gap_total"), 1.0);
}

#[tokio::test]
async fn what_a_newer_node_wrote_is_skipped() {
    let Some(server) = RedisServer::start().await else { return };
    let mut one = Node::redis(&server, "one").await;
    let mut connection = server.connection().await;
    let newer: &[u8] = b"\x02whatever";
    let _: () = connection.spublish("watchroom:{p7}:events:0", newer).await.unwrap();
    let _: () = connection.spublish("watchroom:{p7}:events:0", "noise").await.unwrap();
    let _: String = connection
        .xadd("watchroom:{stream}:samples", "*", &[("t", b"0".as_slice()), ("d", newer)])
        .await
        .unwrap();
    one.publish("a", "1", NOT_KEPT).await.unwrap();
    one.next_publication().await;
    until("three are counted", async || one.counted("watchroom_redis_skipped_total") == 3.0).await;
    let two = Node::redis(&server, "two").await;
    carry(&two, 1).await.unwrap();
    assert_eq!(one.next_batch().await.step, Some(1));
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_said_at_start() {
    for (url, expected) in
        [("redis://127.0.0.1:1/", "the bus is not reachable"), ("http://x", "the address of redis is wrong")]
    {
        let supervisor = Supervisor::new(CancellationToken::new());
        let begun = Instant::now();
        let error = Backend::redis(
            &RedisSettings::of(url),
            "one",
            &supervisor,
            &Registry::default(),
            Retention::default(),
        )
        .await
        .unwrap_err();
        assert!(begun.elapsed() < START_MAX + Duration::from_secs(1));
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(supervisor.task_count(), 0);
    }
}

#[tokio::test]
async fn several_addresses_are_those_of_a_cluster() {
    let (Some(server), Some(other)) = (RedisServer::start().await, RedisServer::start().await) else {
        return;
    };
    let settings = RedisSettings { urls: vec![server.url(), other.url()], ..RedisSettings::of("") };
    let supervisor = Supervisor::new(CancellationToken::new());
    let error = Backend::redis(&settings, "one", &supervisor, &Registry::default(), Retention::default())
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::NotACluster(_)), "{error}");
}
