//! Commits, records and claims: what each kind of backend promises, and then what only one of them does.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use tokio::time::Instant;
use watchroom::backend::{
    Appended, BackendError, Claim, Claimed, Delivery, HistoryFilter, Notified, SETTLE, StreamOptions,
};
use watchroom::clock::Clock;
use watchroom::journal::{Append, Commit, Journal, JournalError, LocalKind, Record, RecordKind, Retention};
use watchroom::wire::centrifugo::ClientInfo;

use super::{Node, info, offsets, until};
use crate::redis_server::RedisServer;

const LEASE: Duration = Duration::from_secs(20);

pub(super) fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

pub(super) fn append(channel: &str, data: &str, key: Option<&str>) -> Append {
    Append { channel: channel.to_owned(), data: raw(data), info: None, key: key.map(str::to_owned) }
}

pub(super) fn record(kind: RecordKind, key: &str, value: Option<&str>) -> Record {
    Record { kind, key: key.to_owned(), value: value.map(raw), expires_ms: None }
}

pub(super) fn told(key: &str, state: &str, turn: u64, node: &str) -> Record {
    let notified = Notified { state: state.to_owned(), turn, node: node.to_owned() };
    Record {
        kind: RecordKind::Notified,
        key: key.to_owned(),
        value: Some(notified.value()),
        expires_ms: None,
    }
}

fn claim(node: &str, target: &str, lease: Duration) -> Claim {
    Claim { key: "f1".to_owned(), target: target.to_owned(), node: node.to_owned(), lease }
}

impl Node {
    pub(super) async fn commit(&self, appends: Vec<Append>, records: Vec<Record>) -> Vec<Appended> {
        self.backend.commit(Commit { appends, records }).await.unwrap()
    }

    pub(super) async fn claim(&self, node: &str, target: &str) -> Claimed {
        self.backend.claim(&claim(node, target, LEASE)).await.unwrap()
    }

    async fn next_record(&mut self) -> (RecordKind, String, Option<String>) {
        match self.next().await {
            Delivery::Record(record) => {
                (record.kind, record.key, record.value.map(|value| value.get().to_owned()))
            }
            other => panic!("not a record: {other:?}"),
        }
    }

    async fn room(&self, filter: HistoryFilter) -> Vec<u64> {
        offsets(&self.backend.history("room:a", &filter, StreamOptions::Journal).await.unwrap())
    }
}

pub(super) async fn facts_that_change_are_announced(node: &mut Node) {
    let named = ClientInfo { conn_info: r#"{"name":"Olena"}"#.into(), ..info("c1") };
    node.backend.enter("a", &info("c1"), true).await.unwrap();
    for _ in 0..2 {
        node.backend.enter("a", &named, true).await.unwrap();
    }
    node.backend.leave("a", &named, true).await.unwrap();
    for expected in [&info("c1"), &named] {
        let joined = node.next().await;
        assert!(matches!(&joined, Delivery::Join { info, .. } if info == expected), "{joined:?}");
    }
    assert!(matches!(node.next().await, Delivery::Leave { info, .. } if info == named));
}

pub(super) async fn a_commit_is_delivered_in_order(node: &mut Node) {
    let appends = vec![append("room:a", "1", None), append("room:b", "2", None), append("room:a", "3", None)];
    let records = vec![record(RecordKind::Ack, "k", Some("{}")), record(RecordKind::Ack, "k", None)];
    let appended = node.commit(appends, records).await;
    let places: Vec<_> = appended.iter().map(|one| (one.position.offset, one.is_new)).collect();
    assert_eq!(places, [(1, true), (1, true), (2, true)]);
    assert_eq!(appended[0].position.epoch, appended[2].position.epoch);
    for (channel, offset, data) in [("room:a", 1, "1"), ("room:b", 1, "2"), ("room:a", 2, "3")] {
        let (to, publication) = node.next_publication().await;
        assert_eq!((to.as_str(), publication.offset), (channel, offset));
        assert_eq!(publication.data, data);
    }
    assert_eq!(node.next_record().await, (RecordKind::Ack, "k".to_owned(), Some("{}".to_owned())));
    assert_eq!(node.next_record().await, (RecordKind::Ack, "k".to_owned(), None));
    assert!(node.backend.records(RecordKind::Ack).await.unwrap().is_empty());
}

pub(super) async fn an_authors_id_is_stored_once(node: &mut Node) {
    let first = node.commit(vec![append("room:a", "1", Some("x"))], Vec::new()).await;
    let again =
        node.commit(vec![append("room:a", "2", Some("x")), append("room:b", "2", Some("x"))], vec![]).await;
    assert_eq!(again[0], Appended { position: first[0].position.clone(), is_new: false });
    assert!(again[1].is_new, "another channel's");
    assert_eq!(node.next_publication().await.0, "room:a");
    assert_eq!(node.next_publication().await.0, "room:b");
    assert_eq!(node.room(HistoryFilter::default()).await, [1]);
    // Twice in one commit, too.
    let twice = vec![append("room:a", "3", Some("y")), append("room:a", "4", Some("y"))];
    let twice: Vec<bool> = node.commit(twice, Vec::new()).await.into_iter().map(|one| one.is_new).collect();
    assert_eq!(twice, [true, false]);
}

pub(super) async fn a_room_is_read_back_page_by_page(node: &mut Node) {
    let position = node.publish("room:a", "0", StreamOptions::Journal).await.unwrap();
    assert_eq!(position.offset, 1);
    for at in 1..7 {
        node.commit(vec![append("room:a", &at.to_string(), None)], Vec::new()).await;
    }
    let back = |since, limit| HistoryFilter { since, limit: Some(limit), reverse: true };
    assert_eq!(node.room(back(None, 3)).await, [7, 6, 5]);
    assert_eq!(node.room(back(Some(5), 3)).await, [4, 3, 2]);
    assert_eq!(node.room(back(Some(2), 3)).await, [1]);
    assert_eq!(node.room(back(Some(1), 3)).await, [0; 0]);
    assert_eq!(node.room(HistoryFilter { since: Some(5), ..HistoryFilter::default() }).await, [6, 7]);
    assert_eq!(node.room(HistoryFilter { limit: Some(0), ..HistoryFilter::default() }).await, [0; 0]);
    let all = HistoryFilter::default();
    let page = node.backend.history("room:a", &all, StreamOptions::Journal).await.unwrap();
    assert_eq!((page.position.offset, page.position.epoch), (7, position.epoch));
}

pub(super) async fn records_are_there_until_they_are_over(node: &mut Node) {
    let now = Clock::System.now_ms();
    let ends = |key: &str, at| Record {
        expires_ms: Some(at),
        ..record(RecordKind::Silence, key, Some(r#"{"a": 1}"#))
    };
    let records = vec![
        record(RecordKind::Silence, "for ever", Some("1")),
        ends("soon", now + 300),
        ends("over", now - 1),
        record(RecordKind::Ack, "other", Some("2")),
    ];
    node.commit(Vec::new(), records).await;
    let silences = async || {
        let mut found = node.backend.records(RecordKind::Silence).await.unwrap();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.into_iter().map(|(key, value)| format!("{key}={}", value.get())).collect::<Vec<_>>()
    };
    until("a record is over", async || {
        let found = silences().await;
        assert!(found.contains(&"for ever=1".to_owned()) && !found.iter().any(|one| one.starts_with("over")));
        found.len() == 1
    })
    .await;
    assert!(now + 300 <= Clock::System.now_ms());
    // Put again, it has another end.
    node.commit(Vec::new(), vec![ends("for ever", now - 1), record(RecordKind::Silence, "soon", Some("3"))])
        .await;
    assert_eq!(silences().await, ["soon=3"]);
}

pub(super) async fn one_node_at_a_time_tells(node: &mut Node) {
    assert_eq!(node.claim("a", "pending").await, Claimed::Granted { turn: 1 });
    assert!(matches!(node.claim("b", "pending").await, Claimed::Held { retry } if retry <= LEASE));
    // Who asks twice, because an answer was lost, still has it.
    assert_eq!(node.claim("a", "pending").await, Claimed::Granted { turn: 1 });
    let event = append("room:a", "1", Some("f1-1"));
    node.commit(vec![event], vec![told("f1", "pending", 1, "a")]).await;
    for one in ["a", "b"] {
        assert_eq!(node.claim(one, "pending").await, Claimed::Done);
    }
    // Pending goes on to firing, whoever sees it first.
    assert_eq!(node.claim("b", "firing").await, Claimed::Granted { turn: 2 });
    // Given back, it is free; and only who holds it gives it back.
    node.backend.release(&claim("a", "firing", LEASE)).await.unwrap();
    assert!(matches!(node.claim("a", "firing").await, Claimed::Held { .. }));
    node.backend.release(&claim("b", "firing", LEASE)).await.unwrap();
    assert_eq!(node.claim("a", "firing").await, Claimed::Granted { turn: 2 });
    node.commit(Vec::new(), vec![told("f1", "firing", 2, "a")]).await;
    // The same node sees its own clock: no wait.
    assert_eq!(node.claim("a", "resolved").await, Claimed::Granted { turn: 3 });
}

pub(super) async fn a_lease_that_ends_frees_the_claim(node: &mut Node) {
    let short = claim("a", "firing", Duration::from_millis(200));
    assert_eq!(node.backend.claim(&short).await.unwrap(), Claimed::Granted { turn: 1 });
    until("the lease ends", async || match node.claim("b", "firing").await {
        Claimed::Held { retry } => {
            assert!(retry <= short.lease);
            false
        }
        claimed => claimed == Claimed::Granted { turn: 1 },
    })
    .await;
    // The first one wakes up, and tells of it, too: with the same id it is one event.
    for node_name in ["b", "a"] {
        let event = append("room:a", "1", Some("f1-1"));
        node.commit(vec![event], vec![told("f1", "firing", 1, node_name)]).await;
    }
    assert_eq!(node.room(HistoryFilter::default()).await, [1]);
}

pub(super) async fn the_opposite_waits_until_clocks_agree(node: &mut Node) {
    node.commit(Vec::new(), vec![told("f1", "firing", 1, "ahead")]).await;
    let began = Instant::now();
    // A node whose clock is 2 s behind still says what was before.
    let claimed = node.claim("behind", "resolved").await;
    assert!(matches!(claimed, Claimed::Settling { retry } if retry <= SETTLE), "{claimed:?}");
    // What cannot follow is old news.
    for target in ["firing", "pending", "cleared"] {
        assert_eq!(node.claim("behind", target).await, Claimed::Done, "{target}");
    }
    until("it settles", async || node.claim("behind", "resolved").await == Claimed::Granted { turn: 2 })
        .await;
    assert!(SETTLE - Duration::from_millis(200) <= began.elapsed(), "{:?}", began.elapsed());
}

pub(super) async fn an_older_turn_changes_nothing(node: &mut Node) {
    node.commit(Vec::new(), vec![told("f1", "resolved", 2, "a")]).await;
    // A node that stalled after its claim was granted.
    node.commit(Vec::new(), vec![told("f1", "firing", 1, "b")]).await;
    assert_eq!(node.claim("a", "resolved").await, Claimed::Done);
    assert_eq!(node.claim("a", "firing").await, Claimed::Granted { turn: 3 });
    let kept = node.backend.records(RecordKind::Notified).await.unwrap();
    assert_eq!(Notified::read(&kept[0].1).unwrap().turn, 2);
    node.next_record().await;
    node.publish("room:a", "1", StreamOptions::Journal).await.unwrap();
    node.next_publication().await;
}

pub(super) async fn many_authors_share_commits(node: &mut Node) {
    let publish = async |at: usize| {
        let key = (at % 150).to_string();
        node.commit(vec![append("room:a", &at.to_string(), Some(&key))], Vec::new()).await.remove(0)
    };
    let appended = join_all((0..300).map(publish)).await;
    for (at, one) in appended.iter().enumerate() {
        assert_eq!(one.position, appended[(at + 150) % 300].position, "of the same key");
    }
    let mut new: Vec<u64> = appended.iter().filter(|one| one.is_new).map(|one| one.position.offset).collect();
    new.sort_unstable();
    assert_eq!(new, (1..=150).collect::<Vec<u64>>());
    for offset in 1..=150 {
        assert_eq!(node.next_publication().await.1.offset, offset);
    }
}

#[tokio::test]
async fn a_commit_reaches_both_nodes_in_one_order() {
    let Some(server) = RedisServer::start().await else { return };
    let (mut one, mut two) = (Node::redis(&server, "one").await, Node::redis(&server, "two").await);
    let commit = async |at: u64| {
        let node = if at.is_multiple_of(2) { &one } else { &two };
        let record = record(RecordKind::Ack, &at.to_string(), Some("{}"));
        node.commit(vec![append("room:a", &at.to_string(), None)], vec![record]).await
    };
    join_all((0..50).map(commit)).await;
    for offset in 1..=50 {
        let (seen, same) = (one.next_publication().await.1, two.next_publication().await.1);
        assert_eq!((seen.offset, same.offset), (offset, offset));
        assert_eq!(seen.data, same.data);
        assert_eq!(one.next_record().await.1, seen.data);
        two.next_record().await;
    }
    // Who claims on one node holds it on the other.
    assert_eq!(one.claim("one", "firing").await, Claimed::Granted { turn: 1 });
    assert!(matches!(two.claim("two", "firing").await, Claimed::Held { .. }));
    one.kill().await;
    two.kill().await;
}

#[tokio::test]
async fn commits_fail_while_redis_is_away() {
    let Some(mut server) = RedisServer::start().await else { return };
    let node = Node::redis(&server, "one").await;
    server.stop(false).await;
    let commit = Commit { appends: vec![append("room:a", "1", None)], records: Vec::new() };
    assert!(matches!(node.backend.commit(commit).await, Err(BackendError::Unreachable(_))));
    let asked = node.backend.claim(&claim("one", "firing", LEASE)).await;
    assert!(matches!(asked, Err(BackendError::Unreachable(_))));
    node.kill().await;
}

#[tokio::test]
async fn a_journal_survives_a_restart_and_a_lost_one_is_told() {
    let mut node = Node::embedded();
    let appends = vec![append("room:a", r#"{"x": 1}"#, Some("k")), append("room:a", "2", None)];
    let before = node.commit(appends, vec![told("f1", "firing", 4, "a")]).await;
    node.next_publication().await;
    let folder = node.folder.take().unwrap();
    drop(node);
    let mut node = Node::embedded_in(folder, Retention::default());
    let page =
        node.backend.history("room:a", &HistoryFilter::default(), StreamOptions::Journal).await.unwrap();
    assert_eq!(offsets(&page), [1, 2]);
    assert_eq!(page.position, before[1].position);
    assert_eq!(page.publications[0].data, r#"{"x": 1}"#);
    let again = node.commit(vec![append("room:a", "9", Some("k"))], Vec::new()).await;
    assert_eq!(again[0], Appended { position: before[0].position.clone(), is_new: false });
    assert_eq!(node.claim("b", "firing").await, Claimed::Done);
    assert_eq!(node.claim("b", "resolved").await, Claimed::Granted { turn: 5 });
    let folder = node.folder.take().unwrap();
    drop(node);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let node = Node::embedded_in(folder, Retention::default());
    let page =
        node.backend.history("room:a", &HistoryFilter::default(), StreamOptions::Journal).await.unwrap();
    assert_eq!(page.position.offset, 0);
    assert_ne!(page.position.epoch, before[0].position.epoch);
}

#[tokio::test]
async fn a_journal_is_bounded() {
    let retention = Retention { ms: 500, events_max: 3, bytes_max: 60 };
    let node = Node::embedded_in(tempfile::tempdir().unwrap(), retention);
    for at in 1..=5 {
        node.commit(vec![append("room:a", &at.to_string(), None)], Vec::new()).await;
    }
    assert_eq!(node.room(HistoryFilter::default()).await, [3, 4, 5]);
    let wide = format!("\"{}\"", "x".repeat(38));
    for _ in 0..2 {
        node.commit(vec![append("room:a", &wide, None)], Vec::new()).await;
    }
    assert_eq!(node.room(HistoryFilter::default()).await, [7]);
    // What is too old goes at a look of retention, each ten ticks.
    until("old events go", async || {
        node.backend.sweep();
        node.room(HistoryFilter::default()).await.is_empty()
    })
    .await;
    assert_eq!(node.commit(vec![append("room:a", "1", None)], Vec::new()).await[0].position.offset, 8);
    assert_eq!(node.room(HistoryFilter::default()).await, [8]);
    assert_eq!(node.counted("watchroom_journal_deleted_total"), 1.0);
}

#[tokio::test]
async fn an_authors_id_is_forgotten_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_800_000_000_000);
    let journal = Journal::open(folder.path(), &clock).unwrap();
    let append = async || {
        let commit = Commit { appends: vec![append("room:a", "1", Some("x"))], records: Vec::new() };
        journal.commit(commit, |_| {}).await.unwrap().remove(0)
    };
    assert!(append().await.is_new);
    let day = 24 * 3_600 * 1_000;
    clock.set(clock.now_ms() + day - 1);
    assert!(!append().await.is_new);
    clock.set(clock.now_ms() + 1);
    assert!(append().await.is_new);
}

#[tokio::test]
async fn a_node_keeps_things_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Journal::open(folder.path(), &Clock::System);
    let journal = open().unwrap();
    let change = |key: &str, value: Option<&str>| (key.to_owned(), value.map(raw));
    let kind = LocalKind::AlertState;
    journal.keep(kind, vec![change("a", Some("1")), change("b", Some("2"))]).await.unwrap();
    journal.keep(kind, vec![change("a", None), change("b", Some(r#"{"x": 3}"#))]).await.unwrap();
    assert!(matches!(open(), Err(JournalError::InUse(_))));
    drop(journal);
    let kept = open().unwrap().kept(kind).unwrap();
    let kept: Vec<_> = kept.iter().map(|(key, value)| (key.as_str(), value.get())).collect();
    assert_eq!(kept, [("b", r#"{"x": 3}"#)]);
    // A newer version's file is left alone.
    let file = rusqlite::Connection::open(folder.path().join("events.sqlite")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    let error = open().unwrap_err();
    assert_eq!(error.to_string(), "the events' file has version 99, and this program knows 2 at most");
}

#[tokio::test]
async fn one_that_cannot_be_written_does_not_take_the_others_with_it() {
    let node = Node::embedded();
    let path = node.folder.as_ref().unwrap().path().join("events.sqlite");
    let file = rusqlite::Connection::open(path).unwrap();
    let trigger = "CREATE TRIGGER bad BEFORE INSERT ON event WHEN new.data = '\"bad\"'
                   BEGIN SELECT RAISE(ABORT, 'bad'); END";
    file.execute_batch(trigger).unwrap();
    let commit = async |at: usize| {
        let data = if at.is_multiple_of(3) { "\"bad\"" } else { "\"good\"" };
        // The event before the bad one must not stay.
        let appends = vec![append("room:a", "1", None), append("room:a", data, None)];
        node.backend.commit(Commit { appends, records: Vec::new() }).await
    };
    let results = join_all((0..30).map(commit)).await;
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), at % 3 != 0, "{at}: {result:?}");
    }
    assert_eq!(node.room(HistoryFilter::default()).await, (1..=40).collect::<Vec<u64>>());
    assert_eq!(node.counted("watchroom_journal_refused_total"), 10.0);
}
