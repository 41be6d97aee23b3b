//! Redis Cluster: a master dies and its replica takes over, slots move; and systems that share a Redis.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use watchroom::backend::{
    Backend, BackendError, Claimed, Delivery, HistoryFilter, Publishing, RecordKind, RedisSettings,
    StreamOptions, redis::PARTITIONS,
};
use watchroom::journal::{Commit, Retention};
use watchroom::supervisor::Supervisor;
use watchroom::telemetry::Registry;

use super::{
    KEPT, NOT_KEPT, Node, PATIENCE,
    commits::{append, record, told},
    info,
    shared::carry,
    until,
};
use crate::{redis_cluster::RedisCluster, redis_server::RedisServer};

const ROOM: &str = "room:a";

/// What a hub does with deliveries: it keeps each channel's place, and recovers from the history after a gap.
#[derive(Debug, Default)]
struct Hub {
    /// By channel, the newest offset that was delivered.
    delivered: BTreeMap<String, u64>,
    /// By channel, what readers have, delivered or recovered.
    seen: BTreeMap<String, Vec<String>>,
    steps: Vec<i64>,
    gaps: usize,
}

impl Hub {
    /// Takes deliveries until `done`.
    async fn take_until(&mut self, node: &mut Node, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < deadline, "never: {what}: {self:?}");
            match node.next().await {
                Delivery::Publication { channel, publication, .. } => {
                    let newest = self.delivered.entry(channel.to_string()).or_default();
                    assert!(*newest < publication.offset, "{channel}: {} again", publication.offset);
                    *newest = publication.offset;
                    self.note(&channel, publication.offset, &publication.data);
                }
                Delivery::Samples(batch) => self.steps.extend(batch.step),
                Delivery::Gap => {
                    self.gaps += 1;
                    self.recover(node).await;
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, channel: &str, offset: u64, data: &[u8]) {
        let seen = self.seen.entry(channel.to_owned()).or_default();
        let at = seen.len() as u64;
        // What was recovered may be delivered after it.
        if at < offset {
            assert_eq!(offset, at + 1, "{channel}: a hole that no gap told");
            seen.push(String::from_utf8(data.to_vec()).unwrap());
        }
    }

    async fn recover(&mut self, node: &Node) {
        let places: Vec<_> =
            self.seen.iter().map(|(channel, seen)| (channel.clone(), seen.len() as u64)).collect();
        for (channel, since) in places {
            let options = if channel == ROOM { StreamOptions::Journal } else { KEPT };
            let filter = HistoryFilter { since: Some(since), ..HistoryFilter::default() };
            let page = node.backend.history(&channel, &filter, options).await.unwrap();
            for publication in page.publications {
                self.note(&channel, publication.offset, &publication.data);
            }
        }
    }

    fn has(&self, channel: &str, data: &str) -> bool {
        self.seen.get(channel).is_some_and(|seen| seen.iter().any(|one| one == data))
    }
}

/// Publications that were answered, by channel.
#[derive(Debug, Default)]
struct Said {
    all: BTreeMap<String, Vec<String>>,
    count: usize,
}

impl Said {
    /// Publishes once.
    async fn publish(&mut self, node: &Node, channel: &str) -> bool {
        self.count += 1;
        let data = self.count.to_string();
        let published = node.publish(channel, &data, KEPT).await.is_ok();
        if published {
            self.all.entry(channel.to_owned()).or_default().push(data);
        }
        published
    }

    /// Checks that a hub has all of it, once, in order. What was answered with an error may be there, too.
    async fn check(&self, hub: &mut Hub, node: &mut Node) {
        let newest = |hub: &Hub| {
            self.all.iter().all(|(channel, said)| said.last().is_none_or(|last| hub.has(channel, last)))
        };
        hub.take_until(node, "all is seen", newest).await;
        for (channel, said) in &self.all {
            let seen: Vec<_> = hub.seen[channel].iter().filter(|one| said.contains(one)).collect();
            assert!(seen.iter().copied().eq(said), "{channel}: {seen:?} of {said:?}");
        }
    }
}

async fn pair(cluster: &RedisCluster) -> (Node, Node) {
    // A cluster is known by any of its servers.
    let one = RedisSettings { urls: cluster.urls(), ..RedisSettings::of("") };
    let two = RedisSettings::of(&cluster.urls()[2]);
    (Node::on(&one, "one").await, Node::on(&two, "two").await)
}

/// Channels of a master at the start.
async fn channels_of(cluster: &RedisCluster, master: usize) -> Vec<String> {
    let mut channels = Vec::new();
    for channel in ('a'..='z').map(|letter| letter.to_string()) {
        let mut slot = redis::cmd("CLUSTER");
        let slot: u16 = cluster.ask(0, slot.arg("KEYSLOT").arg(&channel)).await;
        let tag = format!("p{}", slot % u16::from(PARTITIONS));
        if cluster.owner(&tag).await == master {
            channels.push(channel);
        }
    }
    channels
}

#[tokio::test]
async fn each_master_dies_and_its_replica_takes_over() {
    let Some(mut cluster) = RedisCluster::start(true).await else { return };
    let (mut one, mut two) = pair(&cluster).await;
    let (mut hub_one, mut hub_two) = (Hub::default(), Hub::default());
    let mut said = Said::default();
    let channels =
        [channels_of(&cluster, 0).await, channels_of(&cluster, 1).await, channels_of(&cluster, 2).await];
    one.backend.enter("a", &info("c1"), true).await.unwrap();
    two.backend.enter("a", &info("c2"), true).await.unwrap();
    assert_eq!(one.claim("one", "pending").await, Claimed::Granted { turn: 1 });
    one.commit(vec![], vec![record(RecordKind::Ack, "k", Some("{}"))]).await;
    let owners = [cluster.owner("stream").await, cluster.owner("journal").await, cluster.owner("node").await];
    assert_eq!(owners, [0, 1, 2], "each has a part that there is once");
    for victim in [1, 2, 0] {
        for (at, channel) in channels.iter().flatten().enumerate() {
            assert!(said.publish(if at % 2 == 0 { &one } else { &two }, channel).await, "{channel}");
        }
        cluster.in_step(victim).await;
        let gaps = (hub_one.gaps, hub_two.gaps);
        cluster.kill(victim);
        // The others go on at once.
        for other in [(victim + 1) % 3, (victim + 2) % 3] {
            assert!(said.publish(&one, &channels[other][0]).await, "{other} without {victim}");
        }
        until("what it had is served again", async || said.publish(&two, &channels[victim][0]).await).await;
        let key = format!("key-{victim}");
        let commit = || Commit { appends: vec![append(ROOM, "1", Some(&key))], records: vec![] };
        until("rooms are served", async || one.backend.commit(commit()).await.is_ok()).await;
        assert!(!two.backend.commit(commit()).await.unwrap()[0].is_new, "it was said once");
        assert!(matches!(two.claim("two", "pending").await, Claimed::Held { .. }), "the claim is still held");
        let step = i64::try_from(victim).unwrap() + 1;
        until("samples are carried", async || carry(&one, step).await.is_ok()).await;
        hub_two.take_until(&mut two, "samples", |hub| hub.steps.contains(&step)).await;
        hub_one.take_until(&mut one, "a gap", |hub| gaps.0 < hub.gaps).await;
        hub_two.take_until(&mut two, "a gap", |hub| gaps.1 < hub.gaps).await;
        said.check(&mut hub_one, &mut one).await;
        said.check(&mut hub_two, &mut two).await;
        until("both are present", async || {
            let present = async |node: &Node| node.backend.presence("a").await.map(|all| all.len()).ok();
            present(&one).await == Some(2) && present(&two).await == Some(2)
        })
        .await;
    }
    one.commit(vec![], vec![told("f1", "pending", 1, "one")]).await;
    assert_eq!(two.claim("two", "pending").await, Claimed::Done);
    assert_eq!(two.backend.records(RecordKind::Ack).await.unwrap().len(), 1);
    for (hub, node) in [(&mut hub_one, &mut one), (&mut hub_two, &mut two)] {
        hub.take_until(node, "the room", |hub| hub.seen.get(ROOM).is_some_and(|seen| seen.len() == 3)).await;
    }
    assert!(hub_one.gaps <= 9 && hub_two.gaps <= 9, "{} and {} gaps", hub_one.gaps, hub_two.gaps);
}

#[tokio::test]
async fn slots_move_with_what_is_in_them() {
    let Some(cluster) = RedisCluster::start(false).await else { return };
    let (mut one, mut two) = pair(&cluster).await;
    let (mut hub_one, mut hub_two) = (Hub::default(), Hub::default());
    let mut said = Said::default();
    // Channel a is in partition 7.
    for tag in ["p7", "journal", "stream", "node"] {
        for node in [&one, &two, &one] {
            assert!(said.publish(node, "a").await);
        }
        let commit = |key: &str| Commit { appends: vec![append(ROOM, "1", Some(key))], records: vec![] };
        one.backend.commit(commit(tag)).await.unwrap();
        let from = cluster.owner(tag).await;
        let to = (from + 1) % 3;
        cluster.begin_move(tag, from, to).await;
        // Who only reads follows the keys.
        let page = one.history("a", HistoryFilter::default()).await;
        assert_eq!(page.publications.len(), said.all["a"].len());
        two.backend.records(RecordKind::Ack).await.unwrap();
        // Who announces waits until the subscribers are there.
        let late = async {
            let publishing = Publishing { data: "\"late\"".into(), ..Publishing::default() };
            two.backend.publish("a", publishing, KEPT).await.unwrap();
        };
        tokio::join!(late, cluster.end_move(tag, from, to));
        said.all.get_mut("a").unwrap().push("\"late\"".to_owned());
        until("rooms are served", async || one.backend.commit(commit("after")).await.is_ok()).await;
        until("channels are served", async || said.publish(&one, "a").await).await;
        let step = i64::try_from(said.count).unwrap();
        until("samples are carried", async || carry(&one, step).await.is_ok()).await;
        hub_two.take_until(&mut two, "samples", |hub| hub.steps.contains(&step)).await;
        hub_one.take_until(&mut one, "a gap", |hub| 0 < hub.gaps).await;
        said.check(&mut hub_one, &mut one).await;
        said.check(&mut hub_two, &mut two).await;
        (hub_one.gaps, hub_two.gaps) = (0, 0);
    }
}

/// What docs/operations.md says of settings that lose nothing.
#[tokio::test]
async fn a_killed_redis_that_syncs_loses_nothing_that_was_answered() {
    let settings = &["--appendonly", "yes", "--appendfsync", "always"];
    let Some(mut server) = RedisServer::start_with(settings).await else { return };
    let (mut one, two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let mut before = Vec::new();
    for at in 0..50 {
        before.push(one.publish("a", &at.to_string(), KEPT).await.unwrap());
    }
    let ack = record(RecordKind::Ack, "k", Some("{}"));
    let room = one.commit(vec![append(ROOM, "1", Some("key"))], vec![ack]).await;
    assert_eq!(one.claim("one", "pending").await, Claimed::Granted { turn: 1 });
    one.backend.enter("a", &info("c1"), true).await.unwrap();
    server.kill();
    server.start_again().await;
    one.gap().await;
    until("the other node is back, too", async || two.publish("b", "1", KEPT).await.is_ok()).await;
    let page = two.history("a", HistoryFilter::default()).await;
    assert_eq!(&page.position, before.last().unwrap());
    assert_eq!(page.publications.len(), 50);
    let again = Commit { appends: vec![append(ROOM, "1", Some("key"))], records: vec![] };
    let again = two.backend.commit(again).await.unwrap();
    assert_eq!((&again[0].position, again[0].is_new), (&room[0].position, false));
    assert_eq!(two.backend.records(RecordKind::Ack).await.unwrap().len(), 1);
    assert!(matches!(two.claim("two", "pending").await, Claimed::Held { .. }));
    until("who is here is listed", async || two.clients("a").await == ["c1"]).await;
}

/// What docs/operations.md says of a user's rights.
#[tokio::test]
async fn a_user_without_dangerous_commands_is_enough() {
    let Some(server) = RedisServer::start().await else { return };
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("w").arg("on").arg(">p").arg("~watchroom:*").arg("&watchroom:*");
    user.arg("+@all").arg("-@dangerous").arg("+info").arg("+cluster|slots");
    user.exec_async(&mut server.connection().await).await.unwrap();
    let url = server.url().replace("redis://", "redis://w:p@");
    let one = Node::on(&RedisSettings::of(&url), "one").await;
    let mut two = Node::on(&RedisSettings::of(&url), "two").await;
    assert_eq!(one.publish("a", "1", KEPT).await.unwrap().offset, 1);
    assert_eq!(two.next_publication().await.1.offset, 1);
    one.commit(vec![append(ROOM, "1", None)], vec![record(RecordKind::Ack, "k", Some("{}"))]).await;
    assert_eq!(two.next_publication().await.0, ROOM);
    assert!(matches!(two.next().await, Delivery::Record(_)));
    one.backend.enter("a", &info("c1"), true).await.unwrap();
    assert!(matches!(two.next().await, Delivery::Join { .. }));
    assert_eq!(two.clients("a").await, ["c1"]);
    assert!(matches!(one.claim("one", "pending").await, Claimed::Granted { .. }));
    assert_eq!(one.history("a", HistoryFilter::default()).await.publications.len(), 1);
    carry(&one, 1).await.unwrap();
    assert_eq!(two.next_batch().await.step, Some(1));
    let theirs = RedisSettings { prefix: "theirs".to_owned(), ..RedisSettings::of(&url) };
    let (supervisor, registry) = (Supervisor::new(CancellationToken::new()), Registry::default());
    let refused = Backend::redis(&theirs, "one", &supervisor, &registry, Retention::default()).await;
    assert!(matches!(refused, Err(BackendError::Unreachable(text)) if !text.contains("w:p")));
}

#[tokio::test]
async fn systems_with_other_prefixes_or_databases_do_not_see_each_other() {
    let Some(server) = RedisServer::start().await else { return };
    let ours = RedisSettings::of(&server.url());
    let theirs = RedisSettings { prefix: "theirs".to_owned(), ..ours.clone() };
    let numbered = RedisSettings::of(&format!("{}3", server.url()));
    let mut nodes =
        [Node::on(&ours, "one").await, Node::on(&theirs, "two").await, Node::on(&numbered, "three").await];
    for (at, node) in nodes.iter().enumerate() {
        assert_eq!(node.publish("a", &at.to_string(), KEPT).await.unwrap().offset, 1);
        node.publish("b", &at.to_string(), NOT_KEPT).await.unwrap();
        node.backend.enter("a", &info(&format!("c{at}")), false).await.unwrap();
        node.commit(
            vec![append(ROOM, &at.to_string(), None)],
            vec![record(RecordKind::Ack, "k", Some("{}"))],
        )
        .await;
        assert!(matches!(node.claim("n", "pending").await, Claimed::Granted { turn: 1 }));
        carry(node, i64::try_from(at).unwrap()).await.unwrap();
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        for (channel, offset) in [("a", 1), ("b", 0), (ROOM, 1)] {
            let (told, publication) = node.next_publication().await;
            assert_eq!((&*told, publication.offset), (channel, offset));
            assert_eq!(publication.data, at.to_string());
        }
        assert_eq!(node.clients("a").await, [format!("c{at}")]);
        assert!(matches!(node.next().await, Delivery::Record(_)));
        // Publications of others would have come before this.
        node.publish("end", "1", NOT_KEPT).await.unwrap();
        assert_eq!(node.next_publication().await.0, "end");
    }
    carry(&nodes[2], 7).await.unwrap();
    for (at, settings) in [&ours, &theirs, &numbered].into_iter().enumerate() {
        let mut fresh = Node::on(settings, "fresh").await;
        let step = i64::try_from(at).unwrap();
        carry(&nodes[at], step + 10).await.unwrap();
        let expected = if at == 2 { vec![2, 7, 12] } else { vec![step, step + 10] };
        for step in expected {
            assert_eq!(fresh.next_batch().await.step, Some(step));
        }
    }
    let generations: Vec<_> = nodes.iter().map(|node| node.backend.generation()).collect();
    assert!(generations[0] != generations[1] && generations[0] != generations[2]);
}
